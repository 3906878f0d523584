"""Whoever gets or loses a right to decide hears of it, and so do those who share it; superusers are out of reach."""

from __future__ import annotations

from datetime import timedelta

import pytest

from governance.domain.errors import NotAllowed, SeparationOfDuties
from governance.models import Alert, Role, RoleAssignment, User
from governance.selectors.people.people import system_actor
from governance.services.approvals import delegations
from governance.services.people import roles
from tests.admin.cast import NOW, USD, Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(template_desk: Cast) -> Cast:
    return template_desk


def role(slug: str) -> Role:
    return Role.objects.get(slug=slug)


def test_whoever_gets_or_loses_a_role_hears_of_it_and_so_do_those_who_have_it(cast: Cast) -> None:
    given = roles.assign_role(actor=cast.ada, user=cast.alice, role=role("team_lead"), team=cast.research, now=NOW)
    told = Alert.objects.filter(kind="role_announced").values_list("recipient__name", flat=True)
    assert set(told) == {"Bob", "Dave"}
    assert Alert.objects.get(kind="role_changed").recipient == cast.alice.person
    roles.end_role(actor=cast.ada, assignment_id=given.pk, now=NOW + timedelta(days=1))
    ended = Alert.objects.filter(kind="role_changed").latest("pk")
    assert (ended.recipient, ended.payload["change"]) == (cast.alice.person, "ended")
    roles.assign_role(actor=cast.ada, user=cast.alice, role=role("requester"), team=cast.other, now=NOW)
    assert Alert.objects.filter(kind="role_announced").count() == 4


@pytest.mark.parametrize("slug", ["requester", "policy_officer", "auditor"])
def test_roles_of_superusers_and_of_the_product_are_out_of_reach(cast: Cast, slug: str) -> None:
    for user in (cast.people["root"], system_actor()):
        with pytest.raises(NotAllowed):
            roles.assign_role(actor=cast.ada, user=user, role=role(slug), team=cast.root, now=NOW)
    held = RoleAssignment.objects.create(user=cast.people["root"], role=role(slug), team=cast.root, valid_from=NOW)
    with pytest.raises(NotAllowed):
        roles.end_role(actor=cast.ada, assignment_id=held.pk, now=NOW + timedelta(days=1))
    assert not Alert.objects.exists()


def test_a_second_account_of_a_superuser_decides_nothing_either(cast: Cast) -> None:
    second = User.objects.create_user(email="second@example.org", person=cast.people["root"].person)
    with pytest.raises(SeparationOfDuties, match="superuser"):
        roles.assign_role(actor=cast.ada, user=second, role=role("team_lead"), team=cast.root, now=NOW)


def test_both_sides_of_a_delegation_are_told(cast: Cast) -> None:
    given = delegations.give_delegation(
        actor=cast.ada, delegator=cast.carol.person, delegate=cast.bob.person, role=role("budget_owner"),
        amount_micro_max=50_000 * USD, valid_from=NOW, valid_to=NOW + timedelta(days=7), reason="on leave", now=NOW,
    )  # fmt: skip
    delegations.revoke_delegation(actor=cast.carol, delegation_id=given.pk, now=NOW + timedelta(days=1))
    told = Alert.objects.filter(kind="delegation_changed").values_list("recipient__name", "payload__change")
    assert set(told) == {("Carol", "given"), ("Bob", "given"), ("Carol", "revoked"), ("Bob", "revoked")}


def test_nobody_delegates_to_a_superuser(cast: Cast) -> None:
    with pytest.raises(SeparationOfDuties, match="superuser"):
        delegations.give_delegation(
            actor=cast.carol, delegator=cast.carol.person, delegate=cast.people["root"].person,
            role=role("budget_owner"), amount_micro_max=USD, valid_from=NOW, valid_to=NOW + timedelta(days=7),
            reason="on leave", now=NOW,
        )  # fmt: skip
