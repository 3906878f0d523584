"""Exceptions: two officers, one rule, one scope, an end; and the rule holds again when they end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from governance.domain.errors import AlreadyDecided, InvalidInput, NotAllowed, NotReady, SeparationOfDuties
from governance.domain.rules.policy_life import RULE_REF_CHARS_MAX
from governance.models import AuditEvent, PolicyException, ProvisioningRequest, RoleAssignment, User
from governance.policy.bundle.bundle import dump_bundle, load_bundle
from governance.policy.bundle.shipped import shipped_text
from governance.selectors.people.people import system_actor
from governance.services.requests import submission
from governance.services.rules import policies, policy_exceptions
from tests.cast import NOW, Cast, add_person, content
from tests.officers import put_in_force

pytestmark = pytest.mark.django_db

RULE = "VR-1"
END = NOW + timedelta(days=30)
LAST_DAY = datetime(9999, 12, 30, tzinfo=UTC)


@pytest.fixture
def cast(cast: Cast) -> Cast:
    cast.users["judy"] = add_person("judy", team=cast.root, roles=["policy_officer"], scope=cast.root)
    return cast


def ask(cast: Cast, **changes: Any) -> PolicyException:
    options: dict[str, Any] = {"rule_id": RULE, "team": cast.team, "reason": "terms are under review", "valid_to": END}
    return policy_exceptions.request_exception(actor=cast.grace, now=NOW, **options | changes)


def answer(row: PolicyException, who: User, said: str = "approve", now: Any = NOW) -> PolicyException:
    return policy_exceptions.answer_exception(exception_id=row.pk, answer=said, actor=who, now=now)


def submit(cast: Cast, now: Any = NOW) -> ProvisioningRequest:
    return submission.create_and_submit(actor=cast.alice, content=content(gpu_hours_cap=100.0), now=now)


def test_it_counts_from_its_approval_to_its_end_and_is_listed(cast: Cast) -> None:
    row = ask(cast, rule_id="AL-1")
    assert submit(cast).state == "granted"  # asked for is not approved
    answer(row, cast.judy)
    assert AuditEvent.objects.latest("seq").action == "policy.exception_granted"
    excepted = submit(cast)
    assert excepted.state == "in_review"  # the rule that permits it is taken away, so a person looks
    policy_exceptions.end_exception(
        exception_id=row.pk, reason="it was a mistake", actor=cast.grace, now=NOW + timedelta(hours=1)
    )
    assert AuditEvent.objects.latest("seq").action == "policy.exception_ended"
    later = NOW + timedelta(hours=2)
    assert submit(cast, later).state == "granted"
    row.refresh_from_db()
    assert row.valid_to == NOW + timedelta(hours=1)
    # Ending what has ended changes nothing.
    count = AuditEvent.objects.count()
    policy_exceptions.end_exception(exception_id=row.pk, reason="once more", actor=cast.grace, now=later)
    assert AuditEvent.objects.count() == count


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"rule_id": "XX-9"}, "rule_id"),
        ({"team": None}, "team"),
        ({"valid_to": NOW}, "valid_to"),
        ({"valid_to": NOW + timedelta(days=400)}, "valid_to"),
        ({"valid_from": NOW - timedelta(days=1)}, "valid_from"),
        ({"valid_from": NOW + timedelta(days=400), "valid_to": NOW + timedelta(days=410)}, "valid_from"),
        ({"valid_from": LAST_DAY, "valid_to": LAST_DAY + timedelta(hours=1)}, "valid_from"),
        ({"reason": ""}, "reason"),
    ],
)
def test_what_makes_no_sense_is_refused_beside_its_field(cast: Cast, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        ask(cast, **changes)
    assert field in caught.value.errors
    assert not PolicyException.objects.exists()


def test_team_and_project_together_are_refused(cast: Cast) -> None:
    with pytest.raises(InvalidInput, match="not for both"):
        ask(cast, project=cast.project)


def test_whoever_asked_does_not_approve_whichever_account_they_use(cast: Cast) -> None:
    row = ask(cast)
    twin = User.objects.create_user(email="grace.two@example.com", person=cast.grace.person, password="x" * 14)
    for who in (cast.grace, twin):
        with pytest.raises(SeparationOfDuties):
            answer(row, who)
    for who in (cast.bob, system_actor()):
        with pytest.raises(NotAllowed):
            answer(row, who)
        with pytest.raises(NotAllowed):
            policy_exceptions.request_exception(
                rule_id=RULE, team=cast.team, reason="because", valid_to=END, actor=who, now=NOW
            )
    row.refresh_from_db()
    assert row.state == "asked"


def test_whoever_asked_is_still_an_officer_when_it_is_approved(cast: Cast) -> None:
    row = ask(cast)
    roles = RoleAssignment.objects.filter(user=cast.grace)
    roles.filter(role__slug="policy_officer").update(valid_to=NOW)
    with pytest.raises(NotReady, match="Grace, who asked, is no policy officer any more"):
        answer(row, cast.judy)
    row.refresh_from_db()
    assert row.state == "asked"
    assert answer(row, cast.judy, "refuse").state == "refused"


def test_the_row_of_a_table_with_the_longest_names_is_excepted(cast: Cast) -> None:
    bundle = load_bundle(shipped_text("approval-limits"))
    table, name = "T" * 40, f"{'T' * 40}.{'r' * 40}"
    model = next(rule for rule in bundle.rules if rule.parent == "AL-5")
    longest = replace(model, id=name, parent=table, parent_title=model.parent_title)
    text = dump_bundle(replace(bundle, rules=(*bundle.rules, longest)))
    with transaction.atomic():
        version = policies.add_version(source=text, actor=cast.grace, now=NOW)
    put_in_force(version, actor=cast.grace, now=NOW)
    row = answer(ask(cast, rule_id=name), cast.judy)
    assert (row.rule_id, row.state, len(name)) == (name, "approved", RULE_REF_CHARS_MAX)


def test_an_answer_counts_once_and_not_after_the_end(cast: Cast) -> None:
    row = ask(cast)
    with pytest.raises(AlreadyDecided, match="over"):
        answer(row, cast.judy, now=END)
    assert answer(row, cast.judy, "refuse").state == "refused"
    assert AuditEvent.objects.latest("seq").action == "policy.exception_refused"
    with pytest.raises(AlreadyDecided):
        answer(row, cast.judy)


def test_a_late_approval_excepts_nothing_backwards(cast: Cast) -> None:
    row = ask(cast)
    assert answer(row, cast.judy, now=NOW + timedelta(days=2)).valid_from == NOW + timedelta(days=2)


def test_one_that_has_not_begun_is_taken_back(cast: Cast) -> None:
    row = ask(cast, valid_from=NOW + timedelta(days=5))
    answer(row, cast.judy)
    ended = policy_exceptions.end_exception(exception_id=row.pk, reason="not needed", actor=cast.judy, now=NOW)
    assert (ended.state, ended.valid_to) == ("withdrawn", END)
