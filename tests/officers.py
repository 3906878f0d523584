"""Policy officers at work, for tests that are about something else: a version simply comes into force."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from governance.domain.states.rules import VersionEvent
from governance.models import AcceptableUseVersion, PolicyBacktest, PolicyVersion, User
from governance.policy.bundle.shipped import shipped_text
from governance.selectors.rules import policies as reading
from governance.services.record import audit
from governance.services.rules import acceptable_use, policies, policy_checks


def put_in_force(version: PolicyVersion, *, actor: User, now: datetime) -> PolicyVersion:
    """As if two officers had agreed. Its cases are not run: as for the texts that an installation brings."""
    with transaction.atomic():
        policies.lock_sets()
        return policies.put_in_force(version_id=version.pk, actor=actor, now=now, event=VersionEvent.INSTALL)


def published(*, asker: User, second: User, now: datetime, **fields: Any) -> AcceptableUseVersion:
    """A version of a statement, asked for by one and agreed to by the other at the same instant."""
    asked = acceptable_use.publish_version(actor=asker, now=now, **fields)
    answered = acceptable_use.answer_publication(publication_id=asked.pk, actor=second, answer="agree", now=now)
    assert answered.version is not None
    return answered.version


def retire_all(*, actor: User, now: datetime) -> None:
    """As if nothing were in force, which no service brings about; the log says so, or the database refuses."""
    with transaction.atomic():
        for version in PolicyVersion.objects.filter(state="active"):
            PolicyVersion.objects.filter(pk=version.pk).update(state="retired", retired_at=now)
            audit.record("policy.activated", actor=actor, subject=version, now=now, replaces=version.pk)


def seen_backtest(version: PolicyVersion, *, by: User, now: datetime) -> PolicyBacktest:
    """A finished backtest of the version against what is in force, that somebody has looked at."""
    return PolicyBacktest.objects.create(
        version=version, against_digest=reading.digest_in_force(), draft_digest=reading.policy_with(version).digest,
        on=now.date(), until=now, state="done", asked_by=by, asked_at=now, started_at=now, finished_at=now,
        seen_by=by, seen_at=now, result={"rows": 1},
    )  # fmt: skip


def ready_draft(*, actor: User, now: datetime, result: dict[str, Any] | None = None) -> PolicyVersion:
    """Version 2 of `sustainability`, tested, with a backtest that its author looked at: it can be asked for.

    Args:
        result: figures of the backtest.
    """
    text = shipped_text("sustainability")
    changed = text.replace("value: 250000.0", "value: 251000.0", 1)
    assert changed != text
    version = policies.import_version(source=changed, actor=actor, now=now, reason="A lower line\n\nWe spend too much.")
    version = policy_checks.test_version(version_id=version.pk, actor=actor, now=now)
    run = seen_backtest(version, by=actor, now=now)
    if result is not None:
        PolicyBacktest.objects.filter(pk=run.pk).update(result=result)
    return version
