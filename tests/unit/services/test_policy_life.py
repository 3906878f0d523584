"""The life of a policy version: what each step wants, what it refuses, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from unittest import mock

import pytest
from django.db import DatabaseError, connection, transaction

from governance.domain.errors import (
    AlreadyDecided,
    GovernanceError,
    IllegalTransition,
    InvalidInput,
    NotAllowed,
    NotReady,
    SeparationOfDuties,
)
from governance.domain.policy_life import TRANSITIONS, VersionEvent, VersionState, next_state
from governance.models import (
    AuditEvent,
    JobRun,
    PolicyActivation,
    PolicyBacktest,
    PolicyFindingNote,
    PolicySet,
    PolicyVersion,
    Project,
    RoleAssignment,
    User,
)
from governance.policy.shipped import shipped_text
from governance.selectors import activations as reading
from governance.selectors.people import system_actor
from governance.selectors.policy_checks import Checks
from governance.services import activations, policies, policy_checks, provisioning
from tests import cast as casting
from tests.cast import NOW, Cast, add_person, content
from tests.house import fingerprint
from tests.officers import put_in_force, seen_backtest

pytestmark = pytest.mark.django_db(transaction=True)

SET = "sustainability"
LATER = NOW + timedelta(days=3)


@pytest.fixture
def cast() -> Cast:
    cast = casting.assemble()
    cast.users["judy"] = add_person("judy", team=cast.root, roles=["policy_officer"], scope=cast.root)
    return cast


def changed(name: str = SET, old: str = "value: 250000.0", new: str = "value: 251000.0") -> str:
    text = shipped_text(name)
    assert old in text
    return text.replace(old, new, 1)


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
    return activations.ask_activation(
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


# ------------------------------------------------------------------ the table


def test_no_state_but_active_retires_and_only_tested_versions_come_into_force() -> None:
    assert {state for state, event in TRANSITIONS if event is VersionEvent.REPLACE} == {VersionState.ACTIVE}
    assert (VersionState.DRAFT, VersionEvent.PUT_IN_FORCE) not in TRANSITIONS
    with pytest.raises(IllegalTransition, match="run its cases first"):
        next_state("draft", VersionEvent.START_SHADOW)


# ------------------------------------------------------------------ text


def test_the_database_keeps_the_text_of_a_version_as_it_is(cast: Cast) -> None:
    version = draft(cast)
    other = PolicySet.objects.exclude(pk=version.policy_set_id).first()
    assert other is not None
    for change in (
        {"source": "other"}, {"digest": "0" * 64}, {"number": 99}, {"policy_set": other}, {"reason": "another"},
    ):  # fmt: skip
        with pytest.raises(DatabaseError, match="is fixed"), transaction.atomic():
            PolicyVersion.objects.filter(pk=version.pk).update(**change)
    active = PolicyVersion.objects.filter(state="active").values_list("pk", flat=True)[0]
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM governance_policyversion WHERE id = %s", [active])


# ------------------------------------------------------------------ tests


def test_a_draft_whose_cases_pass_is_tested_and_the_run_is_kept(cast: Cast) -> None:
    version = green(cast)
    checks = Checks.from_json(version.checks)
    assert checks is not None
    assert checks.case_count == 13
    assert checks.failures == ()
    assert version.tested_at == NOW
    assert last_action() == "policy.tested"
    assert version.reason == "a lower line"


def test_a_draft_with_a_red_case_stays_a_draft_and_says_which(cast: Cast) -> None:
    source = changed("approval-limits", "{value: 25000.0,", "{value: 26000.0,")
    version = policy_checks.test_version(version_id=draft(cast, source).pk, actor=cast.grace, now=NOW)
    checks = Checks.from_json(version.checks)
    assert checks is not None
    assert version.state == "draft"
    assert checks.failures
    standing = reading.standing_of(version, now=NOW)
    assert any("fail" in sentence for sentence in standing.missing)
    refused(lambda: asked(cast, version), NotReady, "fail")


def test_a_rule_without_a_firing_case_is_not_tested(cast: Cast) -> None:
    # Every case of the table's rows, turned to another rule that has its own.
    text = shipped_text(SET)
    start = text.index("\ntests:")
    head, tests = text[:start], text[start:]
    rule = tests.split("rule: ")[1].split(",")[0].split("\n")[0].strip()
    others = {part.split(",")[0].split("\n")[0].strip() for part in tests.split("rule: ")[1:]} - {rule}
    kept = [case for case in _cases(tests) if f"rule: {rule}" not in case]
    source = head + "\ntests:\n" + "".join(kept)
    assert others
    version = policy_checks.test_version(version_id=draft(cast, source).pk, actor=cast.grace, now=NOW)
    assert version.state == "draft"
    assert rule in version.checks["missing"]
    refused(lambda: asked(cast, version), NotReady, f"`{rule}` has no firing")


def _cases(tests: str) -> list[str]:
    """The entries of a block list, each with its lines."""
    found: list[str] = []
    for line in tests.splitlines(keepends=True)[2:]:
        if line.lstrip().startswith("- ") and len(line) - len(line.lstrip()) <= 2:
            found.append(line)
        elif found:
            found[-1] += line
    return found


def test_a_stage_that_nobody_could_fill_is_found_and_has_to_be_explained(cast: Cast) -> None:
    RoleAssignment.objects.filter(role__slug__in=("infra_lead", "exec")).update(valid_to=NOW - timedelta(days=1))
    source = changed("approval-limits", "title: ", "title: Newer ")
    version = policy_checks.test_version(version_id=draft(cast, source).pk, actor=cast.grace, now=NOW)
    findings = [each for each in version.checks["findings"] if each["key"].startswith("stage_unfillable")]
    assert findings
    assert version.state == "draft"
    for each in version.checks["findings"]:
        if each["severity"] != "note":
            policy_checks.explain_finding(
                version_id=version.pk, finding=each["key"], explanation="appointed on Monday", actor=cast.judy, now=NOW
            )
    version.refresh_from_db()
    assert version.state == "tested"
    assert last_action() == "policy.finding_explained"


def test_people_who_left_after_the_test_are_missed_at_activation(cast: Cast) -> None:
    add_person("kim", team=cast.root, roles=["exec"], scope=cast.root)
    source = changed("approval-limits", "title: ", "title: Newer ")
    version = green(cast, source)
    seen_backtest(version, by=cast.grace, now=NOW)
    activation = asked(cast, version)
    RoleAssignment.objects.filter(role__slug__in=("infra_lead", "exec")).update(valid_to=NOW)
    refused(lambda: agree(activation, cast.judy), NotReady, "a stage that nobody could fill")


def test_only_a_finding_of_the_last_run_can_be_explained(cast: Cast) -> None:
    version = green(cast)

    def explain(finding: str, text: str = "it is meant so") -> None:
        policy_checks.explain_finding(
            version_id=version.pk, finding=finding, explanation=text, actor=cast.grace, now=NOW
        )

    refused(lambda: explain("rule_implied: nothing"), InvalidInput, "not a finding")
    key = version.checks["findings"][0]["key"]
    refused(lambda: explain(key, ""), InvalidInput, "at least")
    explain(key)
    explain(key, "and for another reason")
    assert reading.standing_of(version, now=NOW).explained[key].explanation == "and for another reason"
    assert PolicyFindingNote.objects.count() == 2


def test_a_version_in_force_is_not_tested_again(cast: Cast) -> None:
    active = PolicyVersion.objects.get(policy_set__slug=SET, state="active")
    refused(
        lambda: policy_checks.test_version(version_id=active.pk, actor=cast.grace, now=NOW),
        IllegalTransition,
        "another version has taken its place",
    )


# ------------------------------------------------------------------ asking


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
    before = provisioning.ask_at_once(actor=cast.alice, content=content(gpu_hours_cap=1400.0), now=NOW)
    agree(activation, cast.judy)
    other = content(gpu_hours_cap=1400.0, project=second.slug)
    after = provisioning.ask_at_once(actor=cast.heidi, content=other, now=NOW)
    before.refresh_from_db()
    assert (before.state, after.state) == ("granted", "in_review")


def test_each_thing_that_is_missing_is_named(cast: Cast) -> None:
    version = draft(cast)
    refused(lambda: asked(cast, version), NotReady, "cases have not been run")
    version = green(cast)
    refused(lambda: asked(cast, version), NotReady, "no backtest of it has been run")
    run = seen_backtest(version, by=cast.grace, now=NOW)
    PolicyBacktest.objects.update(seen_by=None, seen_at=None)
    refused(lambda: asked(cast, version), NotReady, "nobody has looked at its backtest")
    PolicyBacktest.objects.update(against_digest="0" * 64)
    refused(lambda: asked(cast, version), NotReady, "other rules than those in force")
    PolicyBacktest.objects.update(against_digest=run.against_digest, state="running")
    refused(lambda: asked(cast, version), NotReady, "not finished")


def test_a_backtest_over_next_to_nothing_opens_no_gate(cast: Cast) -> None:
    provisioning.ask_at_once(actor=cast.alice, content=content(), now=NOW)
    version = green(cast)
    run = seen_backtest(version, by=cast.grace, now=NOW + timedelta(seconds=1))
    PolicyBacktest.objects.update(since=NOW + timedelta(milliseconds=500), result={"rows": 0})
    refused(lambda: asked(cast, version), NotReady, "says too little: judge 90 days again")
    # A quarter of a year, or all that there is, is enough; figures of no decision are not.
    PolicyBacktest.objects.update(since=None)
    refused(lambda: asked(cast, version), NotReady, "says too little")
    PolicyBacktest.objects.update(since=run.until - timedelta(days=90), result={"rows": 1})
    assert asked(cast, version).state == "asked"


def test_whoever_is_no_officer_neither_asks_nor_answers(cast: Cast) -> None:
    version = ready(cast)
    for who in (cast.bob, cast.erin, system_actor()):
        refused(
            lambda who=who: activations.ask_activation(version_id=version.pk, actor=who, reason="because", now=NOW),
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
        lambda: activations.ask_activation(version_id=version.pk, actor=cast.grace, reason=" ", now=NOW),
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


# ------------------------------------------------------------------ checked again


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
    red = Checks(case_count=1, failures=("a case: `ES-1` fired",))
    with mock.patch("governance.selectors.policy_checks.run_cases", return_value=red):
        refused(lambda: agree(activation, cast.judy), NotReady, "do not pass any more")


# ------------------------------------------------------------------ when


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
    back = activations.ask_activation(version_id=first.pk, actor=cast.judy, reason="it broke", now=NOW)
    assert back.backtest is None
    refused(lambda: agree(back, cast.judy), SeparationOfDuties, "another officer")
    agree(back, cast.grace)
    first.refresh_from_db()
    assert (first.state, first.retired_at) == ("active", None)


# ------------------------------------------------------------------ the first version


def test_the_first_version_of_an_installation_needs_one_officer_and_a_later_set_two(cast: Cast) -> None:
    own = shipped_text(SET).replace("name: sustainability", "name: house-rules", 1)
    version = draft(cast, own)
    refused(
        lambda: policies.activate_first(version_id=version.pk, actor=cast.grace, now=NOW), NotReady, "second officer"
    )
    PolicyVersion.objects.filter(state="active").update(state="retired")
    assert policies.activate_first(version_id=version.pk, actor=cast.grace, now=NOW).state == "active"


def test_installing_again_keeps_what_the_organisation_put_in_force(cast: Cast) -> None:
    agree(asked(cast), cast.judy)
    policies.install_shipped(actor=system_actor(), now=NOW)
    assert PolicyVersion.objects.get(policy_set__slug=SET, state="active").number == 2
