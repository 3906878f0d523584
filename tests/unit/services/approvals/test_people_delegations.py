"""Delegations: for a time, within the delegator's own right, never in a circle."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from governance.domain.errors import InvalidInput, NotAllowed, SeparationOfDuties
from governance.models import ApprovalLimit, AuditEvent, Delegation, Role, RoleAssignment
from governance.selectors.approvals.authority import Authority, Case
from governance.services.approvals import delegations, limits
from tests.admin.cast import NOW, USD, Cast, give

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast(template_desk: Cast) -> Cast:
    return template_desk


def role(slug: str) -> Role:
    return Role.objects.get(slug=slug)


def delegate(cast: Cast, **changes: Any) -> Delegation:
    values: dict[str, Any] = {
        "actor": cast.carol, "delegator": cast.carol.person, "delegate": cast.bob.person,
        "role": role("budget_owner"), "amount_micro_max": 50_000 * USD, "valid_from": NOW,
        "valid_to": NOW + timedelta(days=7), "reason": "on leave", "now": NOW,
    }  # fmt: skip
    return delegations.give_delegation(**{**values, **changes})


def stands_in(cast: Cast, exposure_micro: int, days: int = 1) -> list[int]:
    """For whom bob may decide as budget owner, for a request of this size."""
    owner, now = role("budget_owner"), NOW + timedelta(days=days)
    case = Case(owner.pk, cast.project.pk, cast.research.path_ids, exposure_micro, frozenset())
    holder = Authority([owner.pk], now=now, person_id=cast.bob.person_id).holder(case, cast.bob.person_id)
    return [holder.for_person_id] if holder and holder.for_person_id else []


def test_a_delegate_stands_in_for_a_time_and_up_to_an_amount(cast: Cast) -> None:
    delegate(cast)
    assert stands_in(cast, 50_000 * USD) == [cast.carol.person_id]
    assert stands_in(cast, 50_000 * USD + 1) == []
    assert stands_in(cast, 1, days=7) == []
    assert AuditEvent.objects.latest("seq").action == "delegation.given"


def test_a_right_that_one_does_not_have_cannot_be_delegated(cast: Cast) -> None:
    with pytest.raises(InvalidInput, match="does not hold") as caught:
        delegate(cast, actor=cast.bob, delegator=cast.bob.person, delegate=cast.dave.person)
    assert set(caught.value.errors) == {"role"}


def test_a_delegation_is_never_wider_than_the_delegators_limit(cast: Cast) -> None:
    limits.set_limit(actor=cast.ada, role=role("budget_owner"), team=cast.root, amount_micro_max=30_000 * USD, now=NOW)
    with pytest.raises(InvalidInput, match="at most 30,000 USD"):
        delegate(cast, amount_micro_max=30_000 * USD + 1)
    assert delegate(cast, amount_micro_max=30_000 * USD).amount_micro_max == 30_000 * USD


def test_the_nearest_limit_counts(cast: Cast) -> None:
    for team, amount in ((cast.root, 30_000), (cast.research, 80_000)):
        limits.set_limit(actor=cast.ada, role=role("budget_owner"), team=team, amount_micro_max=amount * USD, now=NOW)
    assert delegations.limit_micro_of(cast.carol.person, role("budget_owner"), at=NOW) == 80_000 * USD


def test_a_delegation_does_not_outlive_the_role(cast: Cast) -> None:
    RoleAssignment.objects.filter(user=cast.carol).update(valid_to=NOW + timedelta(days=3))
    with pytest.raises(InvalidInput, match="shorter time"):
        delegate(cast)


@pytest.mark.parametrize("days", [0, -1, 91])
def test_a_delegation_is_boxed_in_time(cast: Cast, days: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        delegate(cast, valid_to=NOW + timedelta(days=days))
    assert "valid_to" in caught.value.errors


def test_nobody_delegates_to_themselves(cast: Cast) -> None:
    with pytest.raises(InvalidInput, match="somebody else"):
        delegate(cast, delegate=cast.carol.person)


def test_delegations_never_go_in_a_circle(cast: Cast) -> None:
    give(cast.bob, "budget_owner", cast.research)
    give(cast.grace, "budget_owner", cast.research)
    delegate(cast)
    delegate(cast, actor=cast.bob, delegator=cast.bob.person, delegate=cast.grace.person)
    with pytest.raises(SeparationOfDuties, match="circle"):
        delegate(cast, actor=cast.grace, delegator=cast.grace.person, delegate=cast.carol.person)


def test_a_revoked_delegation_no_longer_closes_a_circle(cast: Cast) -> None:
    give(cast.bob, "budget_owner", cast.research)
    delegations.revoke_delegation(actor=cast.carol, delegation_id=delegate(cast).pk, now=NOW)
    assert stands_in(cast, 1) == []
    delegate(cast, actor=cast.bob, delegator=cast.bob.person, delegate=cast.carol.person)


def test_whoever_audits_takes_no_delegation(cast: Cast) -> None:
    with pytest.raises(SeparationOfDuties, match="auditor"):
        delegate(cast, delegate=cast.erin.person)


@pytest.mark.parametrize("who", ["bob", "dave", "erin"])
def test_a_stranger_neither_gives_nor_revokes(cast: Cast, who: str) -> None:
    with pytest.raises(NotAllowed):
        delegate(cast, actor=getattr(cast, who))
    given = delegate(cast)
    with pytest.raises(NotAllowed):
        delegations.revoke_delegation(actor=getattr(cast, who), delegation_id=given.pk, now=NOW)


def test_whoever_keeps_people_delegates_for_somebody_away(cast: Cast) -> None:
    assert delegate(cast, actor=cast.ada).delegator_id == cast.carol.person_id


def test_a_limit_ends_where_the_next_one_starts(cast: Cast) -> None:
    args = {"actor": cast.ada, "role": role("team_lead"), "team": cast.research}
    first = limits.set_limit(**args, amount_micro_max=10 * USD, now=NOW)
    later = limits.set_limit(**args, amount_micro_max=30 * USD, now=NOW, valid_from=NOW + timedelta(days=10))
    between = limits.set_limit(**args, amount_micro_max=20 * USD, now=NOW, valid_from=NOW + timedelta(days=5))
    rows = ApprovalLimit.objects.order_by("valid_from").values_list("pk", "valid_from", "valid_to")
    assert list(rows) == [
        (first.pk, NOW, NOW + timedelta(days=5)),
        (between.pk, NOW + timedelta(days=5), NOW + timedelta(days=10)),
        (later.pk, NOW + timedelta(days=10), None),
    ]


def test_a_limit_is_not_set_in_the_past_or_for_a_role_that_decides_nothing(cast: Cast) -> None:
    with pytest.raises(InvalidInput) as caught:
        limits.set_limit(
            actor=cast.ada, role=role("auditor"), team=cast.root, amount_micro_max=-1, now=NOW,
            valid_from=NOW - timedelta(days=1),
        )  # fmt: skip
    assert set(caught.value.errors) == {"amount_micro_max", "role", "valid_from"}


# ---------------------------------------------------------------------------------- once given


def test_a_later_end_moves_the_delegation_that_stands(cast: Cast) -> None:
    """Else two would stand, and revoking one of them would leave the other."""
    first = delegate(cast)
    again = delegate(cast, valid_to=NOW + timedelta(days=14))
    assert (again.pk, again.valid_to) == (first.pk, NOW + timedelta(days=14))
    event = AuditEvent.objects.latest("seq")
    assert event.action == "delegation.period_changed"
    assert event.data["was"] == [NOW.isoformat(), (NOW + timedelta(days=7)).isoformat()]
    assert event.data["becomes"] == [NOW.isoformat(), (NOW + timedelta(days=14)).isoformat()]
    delegations.revoke_delegation(actor=cast.carol, delegation_id=first.pk, now=NOW)
    assert stands_in(cast, 1) == []


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({}, "valid_to", "until 30\N{NO-BREAK SPACE}Nov 2026, 10:00 UTC already"),
        ({"valid_to": NOW + timedelta(days=3)}, "valid_to", "revoke it to end it earlier"),
        (
            {"amount_micro_max": 10 * USD},
            "amount_micro_max",
            "up to 50,000 USD until 30\N{NO-BREAK SPACE}Nov 2026, 10:00 UTC: revoke",
        ),
        ({"valid_from": NOW + timedelta(days=7), "valid_to": NOW + timedelta(days=91)}, "valid_to", "90 days ahead"),
    ],
)
def test_a_delegation_that_changes_nothing_or_cannot_is_refused(
    cast: Cast, changes: dict[str, Any], field: str, said: str
) -> None:
    delegate(cast)
    events = AuditEvent.objects.count()
    with pytest.raises(InvalidInput) as refused:
        delegate(cast, **changes)
    assert said in refused.value.errors[field][0]
    assert AuditEvent.objects.count() == events


def test_a_delegation_that_ended_by_its_own_date_is_not_revoked_afterwards(cast: Cast) -> None:
    given = delegate(cast)
    over = delegations.revoke_delegation(actor=cast.carol, delegation_id=given.pk, now=NOW + timedelta(days=8))
    assert over.revoked_at is None
    assert AuditEvent.objects.latest("seq").action == "delegation.given"


def test_the_same_limit_again_says_that_nothing_changed(cast: Cast) -> None:
    args = {"actor": cast.ada, "role": role("team_lead"), "team": cast.research, "amount_micro_max": 10 * USD}
    limits.set_limit(**args, now=NOW)
    with pytest.raises(InvalidInput, match="nothing was changed"):
        limits.set_limit(**args, now=NOW + timedelta(days=1))
    assert ApprovalLimit.objects.count() == 1


def test_a_dated_limit_is_kept_longer_and_ended_early(cast: Cast) -> None:
    args = {"actor": cast.ada, "role": role("team_lead"), "team": cast.research}
    change = NOW + timedelta(days=10)
    first = limits.set_limit(**args, amount_micro_max=10 * USD, now=NOW)
    later = limits.set_limit(**args, amount_micro_max=30 * USD, now=NOW, valid_from=change)
    with pytest.raises(InvalidInput, match="3\N{NO-BREAK SPACE}Dec 2026, 10:00 UTC: start there to keep it longer"):
        limits.set_limit(**args, amount_micro_max=10 * USD, now=NOW)
    kept = limits.set_limit(**args, amount_micro_max=10 * USD, now=NOW, valid_from=change)
    assert (kept.pk, kept.amount_micro_max) == (later.pk, 10 * USD)
    ended = limits.end_limit(actor=cast.ada, limit_id=first.pk, now=NOW + timedelta(days=1))
    assert ended.valid_to == NOW + timedelta(days=1)


def test_a_limit_that_has_not_begun_is_taken_back_and_the_one_before_holds_on(cast: Cast) -> None:
    """Ended as it was, it left nothing behind it: no limit at all from its start on."""
    args = {"actor": cast.ada, "role": role("team_lead"), "team": cast.research}
    limits.set_limit(**args, amount_micro_max=10 * USD, now=NOW)
    later = limits.set_limit(**args, amount_micro_max=30 * USD, now=NOW, valid_from=NOW + timedelta(days=10))
    limits.end_limit(actor=cast.ada, limit_id=later.pk, now=NOW + timedelta(days=1))
    assert list(ApprovalLimit.objects.values_list("amount_micro_max", "valid_to")) == [(10 * USD, None)]
    assert AuditEvent.objects.latest("seq").action == "limit.ended"
