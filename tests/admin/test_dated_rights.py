"""Dated roles, delegations, limits and exceptions on the desk: moved, ended early, and never "done" for nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse

from governance.models import ApprovalLimit, AuditEvent, Delegation, PolicyException, Role, RoleAssignment
from tests.admin.conftest import signed_in
from tests.cast import Cast, add_person

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def cast(house_cast: Cast, now: datetime) -> Cast:
    house_cast.users["ada"] = add_person(
        "ada", team=house_cast.root, roles=["administrator"], scope=house_cast.root, now=now
    )
    return house_cast


@pytest.fixture
def ada(cast: Cast) -> Client:
    return signed_in(cast.ada)


@pytest.fixture
def held(cast: Cast, now: datetime) -> RoleAssignment:
    """A stand-in who leads the team for a week."""
    user = add_person("nils", team=cast.team, now=now)
    return RoleAssignment.objects.create(
        user=user, role=Role.objects.get(slug="team_lead"), team=cast.team, valid_from=now - DAY,
        valid_to=now.replace(microsecond=0, second=0) + 7 * DAY,
    )  # fmt: skip


def typed(instant: datetime | None) -> str:
    # Ada's zone is Dublin's; in winter and summer the form takes what it shows.
    return instant.astimezone(ZoneInfo("Europe/Dublin")).strftime("%Y-%m-%dT%H:%M") if instant else ""


def give(client: Client, held: RoleAssignment, **changes: Any) -> Any:
    data = {
        "user": held.user_id, "role": held.role_id, "team": held.team_id, "project": "", "valid_from": "",
        "valid_to": typed(held.valid_to),
    }  # fmt: skip
    return client.post(reverse("admin:governance_roleassignment_give"), data | changes, follow=True)


def test_giving_a_dated_role_again_moves_its_end_and_says_so(ada: Client, held: RoleAssignment) -> None:
    """Case F14."""
    assert held.valid_to is not None
    later = held.valid_to + 31 * DAY
    page = give(ada, held, valid_to=typed(later)).content.decode()
    held.refresh_from_db()
    assert held.valid_to == later
    assert "The role was already assigned; its period was changed" in page
    assert "Role assigned" not in page
    assert AuditEvent.objects.latest("seq").action == "role.period_changed"


def test_giving_exactly_the_same_again_is_not_done(ada: Client, held: RoleAssignment) -> None:
    events = AuditEvent.objects.count()
    answer = give(ada, held)
    assert answer.status_code == 400
    assert "holds this role here until" in answer.content.decode()
    assert AuditEvent.objects.count() == events


def test_a_dated_role_is_ended_early_and_its_end_is_changed(ada: Client, held: RoleAssignment) -> None:
    page = ada.get(reverse("admin:governance_roleassignment_change", args=[held.pk])).content.decode()
    assert "Change the end" in page
    assert "End now" in page
    moved = ada.post(reverse("admin:governance_roleassignment_change_end", args=[held.pk]), {"valid_to": ""})
    held.refresh_from_db()
    assert (moved.status_code, held.valid_to) == (302, None)
    same = ada.post(reverse("admin:governance_roleassignment_change_end", args=[held.pk]), {"valid_to": ""})
    assert same.status_code == 400
    assert "nothing was changed" in same.content.decode()
    ended = ada.post(reverse("admin:governance_roleassignment_end", args=[held.pk]))
    held.refresh_from_db()
    assert (ended.status_code, held.valid_to) == (302, held.revoked_at)
    assert held.revoked_at is not None


def over(cast: Cast, now: datetime) -> list[tuple[str, int, str]]:
    """What is over by its own date: the address of its end, its id, and whose page it is."""
    lead, past = Role.objects.get(slug="team_lead"), {"valid_from": now - 9 * DAY, "valid_to": now - DAY}
    role = RoleAssignment.objects.create(user=cast.heidi, role=lead, team=cast.team, **past)
    limit = ApprovalLimit.objects.create(role=lead, team=cast.team, amount_micro_max=1, **past)
    delegation = Delegation.objects.create(
        delegator=cast.bob.person, delegate=cast.heidi.person, role=lead, amount_micro_max=1, reason="leave", **past
    )
    exception = PolicyException.objects.create(
        rule_id="VR-1", team=cast.team, reason="a reason", asked_by=cast.grace, asked_at=now, state="approved",
        approved_by=cast.carol, **past,
    )  # fmt: skip
    return [
        ("roleassignment_end", role.pk, "ada"), ("roleassignment_change_end", role.pk, "ada"),
        ("approvallimit_end", limit.pk, "ada"), ("delegation_revoke", delegation.pk, "ada"),
        ("policyexception_end", exception.pk, "grace"),
    ]  # fmt: skip


def test_what_is_over_is_not_offered_to_be_ended(cast: Cast, now: datetime) -> None:
    for name, pk, who in over(cast, now):
        answer = signed_in(cast.users[who]).post(reverse(f"admin:governance_{name}", args=[pk]), {"reason": "why"})
        assert answer.status_code == 404, name


def test_a_limit_with_a_successor_is_ended_early(ada: Client, cast: Cast, now: datetime) -> None:
    lead = Role.objects.get(slug="team_lead")
    limit = ApprovalLimit.objects.create(
        role=lead, team=cast.team, amount_micro_max=1, valid_from=now - DAY, valid_to=now + 9 * DAY
    )
    assert ada.post(reverse("admin:governance_approvallimit_end", args=[limit.pk])).status_code == 302
    limit.refresh_from_db()
    assert limit.valid_to is not None
    assert limit.valid_to < now + DAY


def test_a_delegation_given_again_says_what_it_did(cast: Cast, now: datetime) -> None:
    bob = signed_in(cast.bob)
    data = {
        "delegate": cast.heidi.person_id, "role": Role.objects.get(slug="team_lead").pk, "amount_micro_max": "100",
        "valid_from": "", "reason": "on leave",
    }  # fmt: skip
    address = reverse("admin:governance_delegation_give")
    assert (
        "Delegation added" in bob.post(address, data | {"valid_to": typed(now + 3 * DAY)}, follow=True).content.decode()
    )
    again = bob.post(address, data | {"valid_to": typed(now + 9 * DAY)}, follow=True).content.decode()
    assert "The delegation already existed; its period was changed" in again
    assert Delegation.objects.count() == 1
    same = bob.post(address, data | {"valid_to": typed(now + 9 * DAY)})
    assert same.status_code == 400
    assert "already" in same.content.decode()
