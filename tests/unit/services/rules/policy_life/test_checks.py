"""The cases and findings of a version: run, kept, explained."""

from __future__ import annotations

from datetime import date, timedelta
from hashlib import sha256

import pytest

from governance.domain.errors import (
    IllegalTransition,
    InvalidInput,
    NotReady,
)
from governance.models import (
    AuditEvent,
    PolicyFindingNote,
    PolicyVersion,
    Provider,
    Purpose,
    Role,
    RoleAssignment,
)
from governance.policy.bundle.shipped import shipped_text
from governance.policy.errors import BundleError
from governance.selectors.rules import activations as reading
from governance.selectors.rules import policies
from governance.selectors.rules.policy_checks import Checks
from governance.services.rules import policy_checks
from tests.cast import NOW, Cast, add_person
from tests.officers import seen_backtest
from tests.unit.services.rules.policy_life.steps import (
    SET,
    agree,
    asked,
    changed,
    draft,
    green,
    last_action,
    refused,
    with_red_cases,
)

pytestmark = pytest.mark.django_db


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


def test_of_many_red_cases_some_are_listed_and_all_are_counted(cast: Cast) -> None:
    version = policy_checks.test_version(version_id=draft(cast, with_red_cases(60)).pk, actor=cast.grace, now=NOW)
    checks = Checks.from_json(version.checks)
    assert checks is not None
    assert (checks.case_count, checks.failed_count, checks.passed_count) == (73, 60, 13)
    assert (len(checks.failures), checks.unlisted_count) == (50, 10)
    assert "60 of 73 cases fail" in reading.standing_of(version, now=NOW).missing
    assert AuditEvent.objects.latest("seq").data["failures"] == 60


def test_a_run_kept_before_all_were_counted_reads_as_it_was(cast: Cast) -> None:
    plain = green(cast).checks | {"failures": ["300 MWh: the outcome is allow, expected review"]}
    del plain["failed"]
    checks = Checks.from_json(plain)
    assert checks is not None
    assert (checks.failed_count, checks.passed_count, checks.are_cases_green) == (1, 12, False)


def test_a_version_that_does_not_go_together_has_its_cases_counted_all_the_same(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(version: PolicyVersion) -> None:
        raise BundleError("rule `SU-1.footprint` is there twice")

    version = draft(cast, with_red_cases(2))
    with monkeypatch.context() as patched:
        patched.setattr(policies, "policy_with", refuse)
        version = policy_checks.test_version(version_id=version.pk, actor=cast.grace, now=NOW)
    checks = Checks.from_json(version.checks)
    assert checks is not None
    assert (checks.case_count, checks.passed_count, len(checks.failures)) == (15, 13, 2)
    assert "SU-1.footprint" in checks.refusal
    assert not checks.are_cases_green


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


def test_a_stage_that_nobody_could_fill_stands_only_until_a_day_and_with_a_reason(cast: Cast) -> None:
    RoleAssignment.objects.filter(role__slug__in=("infra_lead", "exec")).update(valid_to=NOW - timedelta(days=1))
    source = changed("approval-limits", "title: ", "title: Newer ")
    version = policy_checks.test_version(version_id=draft(cast, source).pk, actor=cast.grace, now=NOW)
    findings = [each for each in version.checks["findings"] if each["key"].startswith("stage_unfillable")]
    assert findings
    assert version.state == "draft"

    def explain(key: str, text: str, until: date | None) -> None:
        policy_checks.explain_finding(
            version_id=version.pk, finding=key, explanation=text, until=until, actor=cast.judy, now=NOW
        )

    reason, today = "Ines is appointed on Monday and holds both roles", NOW.date()
    key = findings[0]["key"]
    refused(lambda: explain(key, "abc", today), InvalidInput, "at least 20 characters")
    refused(lambda: explain(key, reason, None), InvalidInput, "say up to which day")
    for day in (today - timedelta(days=1), today + timedelta(days=91)):
        refused(lambda day=day: explain(key, reason, day), InvalidInput, "is not a day from")
    for each in version.checks["findings"]:
        if each["severity"] != "note":
            explain(each["key"], reason, today + timedelta(days=10) if each in findings else None)
    version.refresh_from_db()
    assert version.state == "tested"
    assert last_action() == "policy.finding_explained"
    # One for each role: an exception for the one does not cover the other.
    assert len({each["key"] for each in findings}) == len(findings) > 1
    later = NOW + timedelta(days=11)
    missing = reading.standing_of(version, now=later, is_live=True).missing
    assert any("could fill it" in each for each in missing)


def test_an_explanation_of_before_that_has_no_end_excuses_no_empty_stage(cast: Cast) -> None:
    RoleAssignment.objects.filter(role__slug="exec").update(valid_to=NOW - timedelta(days=1))
    version = policy_checks.test_version(
        version_id=draft(cast, changed("approval-limits", "title: ", "title: Newer ")).pk, actor=cast.grace, now=NOW
    )
    for each in version.checks["findings"]:
        PolicyFindingNote.objects.create(
            version=version, finding=each["key"], explanation="abc", written_by=cast.judy, written_at=NOW
        )
    again = policy_checks.test_version(version_id=version.pk, actor=cast.grace, now=NOW)
    assert again.state == "draft"


def test_a_stored_text_that_names_what_is_not_there_is_refused_when_its_cases_are_run(cast: Cast) -> None:
    text = shipped_text(SET).replace("role: sustainability_lead", "role: sustainability_laed")
    version = draft(cast)
    # As it may have been stored before words were looked at.
    other = PolicyVersion.objects.create(
        policy_set=version.policy_set,
        number=99,
        source=text,
        digest=sha256(text.encode()).hexdigest(),
        created_by=cast.grace,
        created_at=NOW,
    )
    tested = policy_checks.test_version(version_id=other.pk, actor=cast.grace, now=NOW)
    assert tested.state == "draft"
    assert "sustainability_lead" in tested.checks["refusal"]
    missing = reading.standing_of(tested, now=NOW, is_live=True).missing
    assert any("sustainability_laed" in each for each in missing)


def test_what_is_stored_has_the_names_that_facts_carry_and_all_else_as_it_was_written(cast: Cast) -> None:
    when = 'place.price_term in params.interruptible_terms && has(place.provider) && place.provider != "gcp"'
    text = changed(SET, "place.price_term in params.interruptible_terms", when)
    version = draft(cast, text)
    assert version.source == text.replace('"gcp"', '"google-cloud"')


def test_an_installation_adds_words_of_its_own(cast: Cast) -> None:
    def imported(when: str) -> PolicyVersion:
        return draft(cast, changed(SET, "has(place.grid_g_kwh) && ", f"{when} && has(place.grid_g_kwh) && "))

    def refused_for(when: str, words: str) -> None:
        refused(lambda: imported(when), InvalidInput, words)

    refused_for('!("works_council" in people.requester_roles)', "works_council")
    refused_for('"reserch" in people.team_path', "did you mean `research`")
    refused_for('has(place.provider) && place.provider != "our-hall"', "our-hall")
    refused_for('request.purpose != "field_trial"', "field_trial")
    Role.objects.create(slug="works_council", name="Works council", may_approve=True)
    Purpose.objects.create(slug="field_trial", name="Field trial")
    Provider.objects.create(slug="our-hall", name="Our hall", provider_type="owned", hq_country="IE")
    assert imported('!("works_council" in people.requester_roles)').number
    assert imported('"research" in people.team_path').number
    assert imported('has(place.provider) && place.provider != "our-hall"').number
    assert imported('request.purpose != "field_trial"').number


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
