"""Roles: given by somebody else, to people who may hold them together, ended without rewriting the past."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from governance.domain.errors import InvalidInput, NotAllowed, SeparationOfDuties
from governance.models import AuditEvent, Role, RoleAssignment
from governance.services.approvals import delegations
from governance.services.people import people, roles
from tests.admin.cast import NOW, Cast, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(template_desk: Cast) -> Cast:
    return template_desk


def role(slug: str) -> Role:
    return Role.objects.get(slug=slug)


def test_a_role_that_decides_opens_the_desk(cast: Cast) -> None:
    newcomer = make_user("nils", cast.research, is_staff=False)
    roles.assign_role(actor=cast.ada, user=newcomer, role=role("team_lead"), team=cast.research, now=NOW)
    newcomer.refresh_from_db()
    assert newcomer.is_staff
    assert AuditEvent.objects.latest("seq").action == "role.assigned"


def test_giving_a_role_twice_gives_it_once(cast: Cast) -> None:
    first = roles.assign_role(actor=cast.ada, user=cast.dave, role=role("infra_lead"), team=cast.root, now=NOW)
    events = AuditEvent.objects.count()
    again = roles.assign_role(actor=cast.ada, user=cast.dave, role=role("infra_lead"), team=cast.root, now=NOW)
    assert again.pk == first.pk
    assert AuditEvent.objects.count() == events


def test_nobody_gives_themselves_a_role_that_decides(cast: Cast) -> None:
    with pytest.raises(SeparationOfDuties, match="somebody else"):
        roles.assign_role(actor=cast.ada, user=cast.ada, role=role("finance"), team=cast.root, now=NOW)


def test_a_superuser_cannot_be_made_an_approver(cast: Cast) -> None:
    with pytest.raises(SeparationOfDuties, match="superuser"):
        roles.assign_role(actor=cast.ada, user=cast.people["root"], role=role("exec"), team=cast.root, now=NOW)


def test_a_service_account_cannot_be_made_an_approver(cast: Cast) -> None:
    robot = people.add_service_account(actor=cast.ada, person=cast.bob.person, email="svc-ci@example.org", now=NOW)
    with pytest.raises(SeparationOfDuties, match="service account"):
        roles.assign_role(actor=cast.ada, user=robot, role=role("team_lead"), team=cast.root, now=NOW)


def test_whoever_audits_does_not_decide_and_the_other_way_round(cast: Cast) -> None:
    with pytest.raises(SeparationOfDuties, match="auditor"):
        roles.assign_role(actor=cast.ada, user=cast.erin, role=role("team_lead"), team=cast.root, now=NOW)
    with pytest.raises(SeparationOfDuties, match="auditor"):
        roles.assign_role(actor=cast.ada, user=cast.bob, role=role("auditor"), team=cast.root, now=NOW)


def test_a_role_has_one_scope_and_a_period(cast: Cast) -> None:
    with pytest.raises(InvalidInput) as caught:
        roles.assign_role(
            actor=cast.ada, user=cast.dave, role=role("exec"), team=cast.root, project=cast.project, now=NOW,
            valid_to=NOW - timedelta(days=1),
        )  # fmt: skip
    assert set(caught.value.errors) == {"team", "valid_to"}


def test_an_ended_role_stays_on_record_and_no_longer_counts(cast: Cast) -> None:
    held = RoleAssignment.objects.get(user=cast.bob, role__slug="team_lead")
    roles.end_role(actor=cast.ada, assignment_id=held.pk, now=NOW)
    held.refresh_from_db()
    assert held.valid_to == NOW
    assert not RoleAssignment.objects.in_force(NOW).filter(pk=held.pk).exists()
    events = AuditEvent.objects.count()
    roles.end_role(actor=cast.ada, assignment_id=held.pk, now=NOW + timedelta(hours=1))
    assert AuditEvent.objects.count() == events


def test_a_role_that_has_not_begun_is_taken_back(cast: Cast) -> None:
    later = roles.assign_role(
        actor=cast.ada, user=cast.dave, role=role("exec"), team=cast.root, now=NOW, valid_from=NOW + timedelta(days=5)
    )
    roles.end_role(actor=cast.ada, assignment_id=later.pk, now=NOW)
    assert (
        not RoleAssignment.objects.in_force(NOW + timedelta(days=6)).filter(user=cast.dave, role__slug="exec").exists()
    )


def test_a_stranger_ends_nobodys_role(cast: Cast) -> None:
    held = RoleAssignment.objects.get(user=cast.bob, role__slug="team_lead")
    with pytest.raises(NotAllowed):
        roles.end_role(actor=cast.dave, assignment_id=held.pk, now=NOW)


def test_fallbacks_never_go_in_a_circle(cast: Cast) -> None:
    # The shipped chain: team lead -> budget owner -> finance -> executive.
    with pytest.raises(InvalidInput, match="leads back"):
        roles.change_role(
            actor=cast.ada, role_id=role("exec").pk, name="Executive", fallback=role("team_lead"), now=NOW
        )


def test_an_organisation_adds_a_role_of_its_own(cast: Cast) -> None:
    made = roles.create_role(
        actor=cast.ada, slug="works_council", name="Works council", fallback=role("legal"), now=NOW
    )
    assert made.may_approve
    assert AuditEvent.objects.latest("seq").action == "role.created"


# ---------------------------------------------------------------------------------- once given

DAY = timedelta(days=1)


def given(cast: Cast, **changes: Any) -> RoleAssignment:
    values: dict[str, Any] = {
        "actor": cast.ada, "user": cast.dave, "role": role("team_lead"), "team": cast.research, "now": NOW,
    }  # fmt: skip
    return roles.assign_role(**values | changes)


@pytest.mark.parametrize("end", [NOW + 38 * DAY, None])
@pytest.mark.parametrize("on_project", [False, True])
def test_giving_a_dated_role_again_moves_its_end(cast: Cast, end: datetime | None, on_project: bool) -> None:
    """Case F14, with an empty end and on a project as well."""
    where = {"team": None, "project": cast.project} if on_project else {}
    first = given(cast, valid_to=NOW + 7 * DAY, **where)
    again = given(cast, valid_to=end, **where)
    again.refresh_from_db()
    assert (again.pk, again.valid_to) == (first.pk, end)
    event = AuditEvent.objects.latest("seq")
    assert event.action == "role.period_changed"
    assert event.data["was"] == [NOW.isoformat(), (NOW + 7 * DAY).isoformat()]
    assert event.data["becomes"] == [NOW.isoformat(), end and end.isoformat()]


def test_a_role_from_where_it_ends_goes_on_without_a_gap(cast: Cast) -> None:
    first = given(cast, valid_to=NOW + 7 * DAY)
    again = given(cast, valid_from=NOW + 7 * DAY, valid_to=NOW + 9 * DAY)
    assert (again.pk, again.valid_from, again.valid_to) == (first.pk, NOW, NOW + 9 * DAY)


def test_a_role_that_begins_later_begins_earlier_when_it_is_given_again(cast: Cast) -> None:
    later = given(cast, valid_from=NOW + 30 * DAY)
    again = given(cast)
    assert (again.pk, again.valid_from, again.valid_to) == (later.pk, NOW, None)


def test_a_role_before_one_that_begins_later_is_a_role_of_its_own(cast: Cast) -> None:
    later = given(cast, valid_from=NOW + 30 * DAY)
    now = given(cast, valid_to=NOW + 7 * DAY)
    assert now.pk != later.pk
    assert RoleAssignment.objects.in_force(NOW).filter(pk=now.pk).exists()


@pytest.mark.parametrize("had", [NOW + 7 * DAY, None])
def test_giving_a_role_again_never_shortens_it(cast: Cast, had: datetime | None) -> None:
    given(cast, valid_to=had)
    with pytest.raises(InvalidInput, match="end it earlier on its own page"):
        given(cast, valid_to=NOW + 3 * DAY)


def test_a_role_is_not_given_for_the_past(cast: Cast) -> None:
    """It would heal approvals that had lapsed, and rewrite who might have decided."""
    with pytest.raises(InvalidInput) as refused:
        given(cast, valid_from=NOW - DAY)
    assert set(refused.value.errors) == {"valid_from"}
    assert given(cast, valid_from=NOW.replace(second=0), now=NOW + timedelta(seconds=40)).valid_from > NOW


@pytest.mark.parametrize("end", [NOW + 3 * DAY, NOW + 30 * DAY, None])
def test_the_end_of_a_role_moves_either_way(cast: Cast, end: datetime | None) -> None:
    first = given(cast, valid_to=NOW + 7 * DAY)
    moved = roles.change_role_end(actor=cast.ada, assignment_id=first.pk, valid_to=end, now=NOW + DAY)
    assert (moved.valid_to, moved.revoked_at) == (end, None)
    assert AuditEvent.objects.latest("seq").data["becomes"] == [NOW.isoformat(), end and end.isoformat()]


@pytest.mark.parametrize(
    ("end", "now", "said"),
    [
        (NOW + 7 * DAY, NOW, "nothing was changed"),
        (NOW, NOW + DAY, "has passed"),
        (NOW + 30 * DAY, NOW + 8 * DAY, "give the role again"),
    ],
)
def test_an_end_that_cannot_be_is_refused(cast: Cast, end: datetime, now: datetime, said: str) -> None:
    first = given(cast, valid_to=NOW + 7 * DAY)
    with pytest.raises(InvalidInput, match=said):
        roles.change_role_end(actor=cast.ada, assignment_id=first.pk, valid_to=end, now=now)


def test_nobody_keeps_their_own_deciding_role_longer(cast: Cast) -> None:
    mine = RoleAssignment.objects.create(
        user=cast.ada, role=role("finance"), team=cast.root, valid_from=NOW - DAY, valid_to=NOW + DAY
    )
    with pytest.raises(SeparationOfDuties):
        roles.change_role_end(actor=cast.ada, assignment_id=mine.pk, valid_to=None, now=NOW)


def test_whoever_decides_for_somebody_is_not_made_an_auditor(cast: Cast) -> None:
    delegations.give_delegation(
        actor=cast.bob, delegator=cast.bob.person, delegate=cast.vic.person, role=role("team_lead"),
        amount_micro_max=10**9, valid_from=NOW, valid_to=NOW + 7 * DAY, reason="on leave", now=NOW,
    )  # fmt: skip
    RoleAssignment.objects.filter(user=cast.vic).delete()
    with pytest.raises(SeparationOfDuties, match="an auditor cannot decide requests"):
        given(cast, user=cast.vic, role=role("auditor"), team=cast.root)
