"""Roles: given by somebody else, to people who may hold them together, ended without rewriting the past."""

from __future__ import annotations

from datetime import timedelta

import pytest

from governance.domain.errors import InvalidInput, NotAllowed, SeparationOfDuties
from governance.models import AuditEvent, Role, RoleAssignment
from governance.services import people, roles
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
    with pytest.raises(SeparationOfDuties, match="audits"):
        roles.assign_role(actor=cast.ada, user=cast.erin, role=role("team_lead"), team=cast.root, now=NOW)
    with pytest.raises(SeparationOfDuties, match="audits"):
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
