"""The steps of a version's life, each as short as a test wants to say it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from governance.domain.errors import (
    GovernanceError,
)
from governance.models import (
    AuditEvent,
    PolicyActivation,
    PolicyVersion,
    User,
)
from governance.policy.bundle.shipped import shipped_text
from governance.services.rules import activations, policies, policy_checks
from tests.cast import NOW, Cast
from tests.house import fingerprint
from tests.officers import seen_backtest

SET = "sustainability"
LATER = NOW + timedelta(days=3)


def changed(name: str = SET, old: str = "value: 250000.0", new: str = "value: 251000.0") -> str:
    text = shipped_text(name)
    assert old in text
    return text.replace(old, new, 1)


def with_red_cases(count: int) -> str:
    """The set with so many cases more, each of which expects a large footprint to pass unseen."""
    case = "- {{name: red {number}, rule: SU-1.footprint, case: non_firing, fires: false, {facts}}}\n"
    facts = "facts: {estimate.energy_p90_kwh: 300000.0}"
    return shipped_text(SET) + "".join(case.format(number=number, facts=facts) for number in range(count))


def draft(cast: Cast, source: str | None = None) -> PolicyVersion:
    return policies.import_version(source=source or changed(), actor=cast.grace, now=NOW, reason="a lower line")


def green(cast: Cast, source: str | None = None) -> PolicyVersion:
    version = policy_checks.test_version(version_id=draft(cast, source).pk, actor=cast.grace, now=NOW)
    assert version.state == "tested", version.checks
    return version


def ready(cast: Cast) -> PolicyVersion:
    version = green(cast)
    seen_backtest(version, by=cast.grace, now=NOW)
    return version


def asked(cast: Cast, version: PolicyVersion | None = None, **options: object) -> PolicyActivation:
    version = version or ready(cast)
    return activations.request_activation(
        version_id=version.pk, actor=cast.grace, reason="we spend too much", now=NOW, **options
    )  # type: ignore[arg-type]


def agree(activation: PolicyActivation, who: User, now: datetime = NOW) -> PolicyActivation:
    return activations.answer_activation(activation_id=activation.pk, actor=who, answer="agree", now=now)


def refused(act: Callable[[], object], kind: type[GovernanceError], words: str) -> None:
    """The call is refused with these words and nothing is written."""
    before = fingerprint()
    with pytest.raises(kind, match=words):
        act()
    assert fingerprint() == before


def last_action() -> str:
    return AuditEvent.objects.latest("seq").action
