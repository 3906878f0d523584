"""Asking for an activation, and answering: two officers, nothing missing, checked again at the yes."""

from __future__ import annotations

from datetime import timedelta
from unittest import mock

import pytest

from governance.domain.errors import (
    AlreadyDecided,
    IllegalTransition,
    InvalidInput,
    NotAllowed,
    NotReady,
    SeparationOfDuties,
)
from governance.models import (
    AuditEvent,
    PolicyActivation,
    PolicyBacktest,
    PolicyVersion,
    Project,
    RoleAssignment,
    User,
)
from governance.selectors.people.people import system_actor
from governance.selectors.rules.policy_checks import Checks
from governance.services.requests import submission
from governance.services.rules import activations
from tests.cast import NOW, Cast, add_person, content
from tests.officers import put_in_force, seen_backtest
from tests.unit.services.rules.policy_life.steps import (
    SET,
    agree,
    asked,
    changed,
    draft,
    green,
    last_action,
    ready,
    refused,
)

pytestmark = pytest.mark.django_db


def test_two_officers_put_a_version_in_force_and_the_old_one_retires(cast: Cast) -> None:
    old = PolicyVersion.objects.get(policy_set__slug=SET, state="active")
    activation = asked(cast)
    assert last_action() == "policy.activation_asked"
    assert activation.backtest is not None
    done = agree(activation, cast.judy)
    old.refresh_from_db()
    new = PolicyVersion.objects.get(policy_set__slug=SET, state="active")
    assert (done.state, old.state, new.number, new.activated_by) == ("in_force", "retired", 2, cast.judy)
    event = AuditEvent.objects.latest("seq")
    assert event.action == "policy.activated"
    assert event.data["asked_by"] == cast.grace.pk
    assert event.data["replaces"] == old.pk


def test_the_next_request_follows_the_new_rule_and_the_one_before_stands(cast: Cast) -> None:
    add_person("kim", team=cast.root, roles=["exec"], scope=cast.root)
    # Asks of one project count together, so the second one is for another.
    second = Project.objects.create(slug="vision", name="Vision", team=cast.team, started_on=NOW.date())
    limit = "values: [{value: 2500.0, from:"
    rules, mark, cases = changed("approval-limits", limit, limit.replace("2500", "1300")).partition("\ntests:")
    version = green(cast, rules + mark + cases.replace("2500.", "1300."))
    seen_backtest(version, by=cast.grace, now=NOW)
    activation = asked(cast, version)
    before = submission.create_and_submit(actor=cast.alice, content=content(gpu_hours_cap=1400.0), now=NOW)
    agree(activation, cast.judy)
    other = content(gpu_hours_cap=1400.0, project=second.slug)
    after = submission.create_and_submit(actor=cast.heidi, content=other, now=NOW)
    before.refresh_from_db()
    assert (before.state, after.state) == ("granted", "in_review")


def test_each_thing_that_is_missing_is_named(cast: Cast) -> None:
    version = draft(cast)
    refused(lambda: asked(cast, version), NotReady, "cases have not been run")
    version = green(cast)
    refused(lambda: asked(cast, version), NotReady, "no backtest of it has been run")
    run = seen_backtest(version, by=cast.grace, now=NOW)
    PolicyBacktest.objects.update(seen_by=None, seen_at=None)
    refused(lambda: asked(cast, version), NotReady, "nobody has reviewed its backtest")
    PolicyBacktest.objects.update(against_digest="0" * 64)
    refused(lambda: asked(cast, version), NotReady, "other rules than those in force")
    PolicyBacktest.objects.update(against_digest=run.against_digest, state="running")
    refused(lambda: asked(cast, version), NotReady, "not finished")


def test_a_backtest_over_next_to_nothing_opens_no_gate(cast: Cast) -> None:
    submission.create_and_submit(actor=cast.alice, content=content(), now=NOW)
    version = green(cast)
    run = seen_backtest(version, by=cast.grace, now=NOW + timedelta(seconds=1))
    PolicyBacktest.objects.update(since=NOW + timedelta(milliseconds=500), result={"rows": 0})
    refused(lambda: asked(cast, version), NotReady, "covers too little: evaluate 90 days again")
    # A quarter of a year, or all that there is, is enough; figures of no decision are not.
    PolicyBacktest.objects.update(since=None)
    refused(lambda: asked(cast, version), NotReady, "covers too little")
    PolicyBacktest.objects.update(since=run.until - timedelta(days=90), result={"rows": 1})
    assert asked(cast, version).state == "asked"


def test_whoever_is_no_officer_neither_asks_nor_answers(cast: Cast) -> None:
    version = ready(cast)
    for who in (cast.bob, cast.erin, system_actor()):
        refused(
            lambda who=who: activations.request_activation(version_id=version.pk, actor=who, reason="because", now=NOW),
            NotAllowed,
            "role|system",
        )
    activation = asked(cast, version)
    refused(lambda: agree(activation, cast.bob), NotAllowed, "policy_officer")
    refused(lambda: agree(activation, system_actor()), NotAllowed, "system")


def test_a_second_account_of_the_same_person_is_no_second_officer(cast: Cast) -> None:
    activation = asked(cast)
    twin = User.objects.create_user(email="grace.two@example.com", person=cast.grace.person, password="x" * 14)
    refused(lambda: agree(activation, cast.grace), SeparationOfDuties, "another officer")
    refused(lambda: agree(activation, twin), SeparationOfDuties, "another officer")


def test_without_a_second_officer_it_is_not_even_asked_for(cast: Cast) -> None:
    version = ready(cast)
    RoleAssignment.objects.filter(user=cast.judy).update(valid_to=NOW)
    refused(lambda: asked(cast, version), NotReady, "no second policy officer")


def test_an_instant_in_the_past_or_far_ahead_is_refused(cast: Cast) -> None:
    version = ready(cast)
    refused(lambda: asked(cast, version, effective_at=NOW - timedelta(hours=1)), InvalidInput, "has passed")
    refused(lambda: asked(cast, version, effective_at=NOW + timedelta(days=400)), InvalidInput, "days ahead")
    refused(
        lambda: activations.request_activation(version_id=version.pk, actor=cast.grace, reason=" ", now=NOW),
        InvalidInput,
        "at least",
    )


def test_one_activation_of_a_set_is_open_at_a_time(cast: Cast) -> None:
    activation = asked(cast)
    refused(lambda: asked(cast, activation.version), AlreadyDecided, "answer or withdraw")
    activations.withdraw_activation(activation_id=activation.pk, actor=cast.judy, reason="not yet", now=NOW)
    assert last_action() == "policy.activation_withdrawn"
    refused(lambda: agree(activation, cast.judy), AlreadyDecided, "withdrawn")
    assert asked(cast, activation.version).state == "asked"


def test_a_refusal_says_why_and_changes_nothing_in_force(cast: Cast) -> None:
    activation = asked(cast)

    def refuse(reason: str) -> PolicyActivation:
        return activations.answer_activation(
            activation_id=activation.pk, actor=cast.judy, answer="refuse", reason=reason, now=NOW
        )

    refused(lambda: refuse(""), InvalidInput, "at least")
    assert refuse("the line is too low").state == "refused"
    assert last_action() == "policy.activation_refused"
    assert PolicyVersion.objects.get(policy_set__slug=SET, state="active").number == 1


def test_a_version_in_force_is_not_asked_for(cast: Cast) -> None:
    active = PolicyVersion.objects.get(policy_set__slug=SET, state="active")
    refused(lambda: asked(cast, active), IllegalTransition, "in force already")


def test_a_yes_is_refused_when_other_rules_came_into_force_meanwhile(cast: Cast) -> None:
    activation = asked(cast)
    other = draft(cast, changed("approval-limits", "{value: 25000.0,", "{value: 26000.0,"))
    put_in_force(other, actor=cast.judy, now=NOW)
    refused(lambda: agree(activation, cast.judy), NotReady, "run them again.*other rules")


def test_a_yes_is_refused_when_whoever_asked_is_no_officer_any_more(cast: Cast) -> None:
    activation = asked(cast)
    add_person("ivan", team=cast.root, roles=["policy_officer"], scope=cast.root)
    RoleAssignment.objects.filter(user=cast.grace, role__slug="policy_officer").update(valid_to=NOW)
    refused(lambda: agree(activation, cast.judy), NotReady, "Grace, who asked")


def test_a_yes_is_refused_when_the_cases_do_not_pass_any_more(cast: Cast) -> None:
    activation = asked(cast)
    red = Checks(case_count=1, failed_count=1, failures=("a case: `ES-1` fired",))
    with mock.patch("governance.selectors.rules.policy_checks.run_cases", return_value=red):
        refused(lambda: agree(activation, cast.judy), NotReady, "no longer pass")
