"""When an agreed activation rules: at its instant, not at all, or backwards to an older version."""

from __future__ import annotations

from datetime import timedelta

import pytest

from governance.domain.errors import (
    NotReady,
    SeparationOfDuties,
)
from governance.models import (
    JobRun,
    PolicyVersion,
)
from governance.selectors.people.people import system_actor
from governance.services.rules import activations, policy_checks
from tests.cast import NOW, Cast
from tests.officers import put_in_force
from tests.unit.services.rules.policy_life.steps import (
    LATER,
    SET,
    agree,
    asked,
    changed,
    draft,
    last_action,
    refused,
)

pytestmark = pytest.mark.django_db


def test_an_agreed_activation_waits_for_its_instant_and_beat_puts_it_in_force(cast: Cast) -> None:
    activation = agree(asked(cast, effective_at=LATER), cast.judy)
    assert activation.state == "agreed"
    assert last_action() == "policy.activation_agreed"
    assert activations.activate_due(now=LATER - timedelta(seconds=1)) == 0
    assert activations.activate_due(now=LATER) == 1
    assert activations.activate_due(now=LATER) == 0
    version = PolicyVersion.objects.get(policy_set__slug=SET, state="active")
    assert (version.number, version.activated_by, version.activated_at) == (2, cast.judy, LATER)


def test_an_agreed_activation_lapses_when_other_rules_came_between(cast: Cast) -> None:
    activation = agree(asked(cast, effective_at=LATER), cast.judy)
    other = draft(cast, changed("approval-limits", "{value: 25000.0,", "{value: 26000.0,"))
    put_in_force(other, actor=cast.judy, now=NOW)
    assert activations.activate_due(now=LATER) == 0
    activation.refresh_from_db()
    assert activation.state == "lapsed"
    assert "other rules" in activation.answer_reason
    assert last_action() == "policy.activation_lapsed"
    run = JobRun.objects.get(name="activate_policies")
    assert run.state == "failed"
    assert "lapsed" in run.error
    assert PolicyVersion.objects.get(policy_set__slug=SET, state="active").number == 1


def test_an_agreed_activation_is_not_settled_before_its_time(cast: Cast) -> None:
    activation = agree(asked(cast, effective_at=LATER), cast.judy)
    early = activations.settle_due(activation_id=activation.pk, actor=system_actor(), now=LATER - timedelta(seconds=1))
    assert early.state == "agreed"
    assert PolicyVersion.objects.get(policy_set__slug=SET, state="active").number == 1


def test_rollback_takes_two_officers_and_no_backtest(cast: Cast) -> None:
    first = PolicyVersion.objects.get(policy_set__slug=SET, state="active")
    agree(asked(cast), cast.judy)
    first.refresh_from_db()
    refused(lambda: asked(cast, first), NotReady, "cases have not been run")
    policy_checks.test_version(version_id=first.pk, actor=cast.grace, now=NOW)
    back = activations.request_activation(version_id=first.pk, actor=cast.judy, reason="it broke", now=NOW)
    assert back.backtest is None
    refused(lambda: agree(back, cast.judy), SeparationOfDuties, "another officer")
    agree(back, cast.grace)
    first.refresh_from_db()
    assert (first.state, first.retired_at) == ("active", None)
