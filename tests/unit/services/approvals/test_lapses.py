"""Approvals that stop counting: found at the last check, recorded once, and their stage decided again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from governance.domain.errors import AlreadyDecided, NotAllowed
from governance.domain.money.money import MICRO_PER_UNIT
from governance.models import (
    Alert,
    ApprovalDecision,
    ApprovalLapse,
    ApprovalStage,
    AuditEvent,
    Delegation,
    Grant,
    ModelLineage,
    ProvisioningRequest,
    Role,
    RoleAssignment,
    User,
)
from governance.selectors.approvals import authority, queues
from governance.selectors.people.people import system_actor
from governance.services.approvals import decisions, delegations, limits
from governance.services.people import people, roles
from tests.cast import NOW, Cast, add_person, open_stage, submitted
from tests.house import broken_promises

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(hours=1)
LAST = NOW + timedelta(hours=2)


@pytest.fixture
def cast(cast: Cast) -> Cast:
    """Dave stands in for bob, who looks after infrastructure; nora does so as well, and pat where both may not."""
    for name, slug in (("nora", "infra_lead"), ("pat", "capacity_manager")):
        cast.users[name] = add_person(name, team=cast.team, roles=[slug], scope=cast.team)
    return cast


def say(stage: ApprovalStage, actor: User, *, now: datetime = NOW) -> ApprovalDecision:
    return decisions.decide(
        stage_id=stage.pk, actor=User.objects.get(pk=actor.pk), verdict="approve", reason="Looked at it.",
        revision_digest=stage.revision.digest, now=now,
    )  # fmt: skip


def role(slug: str) -> Role:
    return Role.objects.get(slug=slug)


def two_stages(cast: Cast) -> ProvisioningRequest:
    """Left to decide: a team lead, and whoever looks after infrastructure. The budget owner has approved."""
    request = submitted(cast, accelerator_count=80, gpu_hours_cap=3_000.0)
    say(stage_of(request, "budget_owner"), cast.carol)
    assert set(open_roles(request)) == {"team_lead", "infra_lead"}
    return request


def open_roles(request: ProvisioningRequest) -> list[str]:
    stages = ApprovalStage.objects.filter(provisioning_request=request, state="open")
    return list(stages.values_list("role__slug", flat=True))


def delegate(cast: Cast, slug: str = "infra_lead", *, days: float = 7) -> Delegation:
    return delegations.give_delegation(
        actor=cast.bob, delegator=cast.bob.person, delegate=cast.dave.person, role=role(slug),
        amount_micro_max=10**12, valid_from=NOW, valid_to=NOW + timedelta(days=days), reason="on leave", now=NOW,
    )  # fmt: skip


def stage_of(request: ProvisioningRequest, slug: str) -> ApprovalStage:
    return ApprovalStage.objects.select_related("role", "revision").get(
        provisioning_request=request, role__slug=slug, revision__number=request.revision_count
    )


def revoke_delegation(cast: Cast) -> None:
    delegations.revoke_delegation(actor=cast.bob, delegation_id=Delegation.objects.get().pk, now=LATER)


def end_the_delegators_role(cast: Cast) -> None:
    held = RoleAssignment.objects.get(user=cast.bob, role__slug="infra_lead")
    roles.end_role(actor=system_actor(), assignment_id=held.pk, now=LATER)


def switch_off(who: str) -> Callable[[Cast], None]:
    def act(cast: Cast) -> None:
        person = cast.users[who].person
        people.change_person(
            actor=system_actor(), person_id=person.pk, name=person.name, team=person.team, country="IE",
            requester_type=person.requester_type, job_title="", time_zone="UTC", is_active=False, is_staff=True,
            now=LATER,
        )  # fmt: skip

    return act


def lower_the_limit(cast: Cast) -> None:
    limits.set_limit(
        actor=system_actor(), role=role("infra_lead"), team=cast.team, amount_micro_max=MICRO_PER_UNIT, now=LATER
    )


def own_the_lineage(cast: Cast) -> None:
    lineage = ModelLineage.objects.create(slug="tern", name="Tern", owner=cast.dave.person, project=cast.project)
    ProvisioningRequest.objects.update(lineage=lineage)


TAKEN_AWAY: dict[str, tuple[Callable[[Cast], None], str]] = {
    "delegation": (revoke_delegation, "delegation_revoked"),
    "role of who delegated": (end_the_delegators_role, "role_removed"),
    "delegate switched off": (switch_off("dave"), "person_deactivated"),
    "delegator switched off": (switch_off("bob"), "person_deactivated"),
    "limit": (lower_the_limit, "limit_lowered"),
    "lineage": (own_the_lineage, "benefits"),
}


@pytest.mark.parametrize("case", TAKEN_AWAY)
def test_an_approval_that_rested_on_what_was_taken_away_no_longer_counts(cast: Cast, case: str) -> None:
    """A3 as it was seen: bob delegates, dave approves, the delegation is revoked, the last yes grants."""
    act, why = TAKEN_AWAY[case]
    request = two_stages(cast)
    delegate(cast)
    approval = say(stage_of(request, "infra_lead"), cast.dave)
    act(cast)
    say(stage_of(request, "team_lead"), cast.frank, now=LAST)
    request.refresh_from_db()
    assert (request.state, Grant.objects.count()) == ("in_review", 0)
    assert list(ApprovalLapse.objects.values_list("decision_id", "why", "noticed_at")) == [(approval.pk, why, LAST)]
    events = list(AuditEvent.objects.order_by("seq").values_list("action", flat=True))
    assert events[-3:] == ["grant.deferred", "approval.lapsed", "stage.approved"]
    assert AuditEvent.objects.get(action="approval.lapsed").data["why"] == why
    opened = open_stage(request)
    told = set(Alert.objects.filter(payload__stage=opened.pk, created_at=LAST).values_list("recipient_id", flat=True))
    holders = authority.Authority([opened.role_id], now=LAST).holders(
        opened, request, busy=authority.people_who_decided(opened.revision_id)
    )
    assert told == {holder.person_id for holder in holders}
    assert told
    say(opened, User.objects.get(person_id=min(told)), now=LAST)
    request.refresh_from_db()
    assert request.state == "granted"
    assert not broken_promises()


def end_by_date(cast: Cast) -> None:
    RoleAssignment.objects.filter(user=cast.bob, role__slug="infra_lead").update(valid_to=LATER)


def move_the_end(cast: Cast) -> None:
    held = RoleAssignment.objects.get(user=cast.bob, role__slug="infra_lead")
    roles.change_role_end(actor=system_actor(), assignment_id=held.pk, valid_to=LATER, now=NOW)


@pytest.mark.parametrize("act", [end_by_date, move_the_end])
@pytest.mark.parametrize("is_only_one", [False, True])
def test_what_ends_by_its_own_date_afterwards_does_not_undo_an_approval(
    cast: Cast, act: Callable[[Cast], None], is_only_one: bool
) -> None:
    """Also when nobody holds the role any more: the seat is taken, so nobody has to be found for it."""
    request = two_stages(cast)
    delegate(cast, days=1 / 24)
    say(stage_of(request, "infra_lead"), cast.dave)
    act(cast)
    if is_only_one:
        RoleAssignment.objects.filter(user=cast.nora).delete()
    say(stage_of(request, "team_lead"), cast.frank, now=LAST)
    request.refresh_from_db()
    assert request.state == "granted"
    assert not ApprovalLapse.objects.exists()


def test_what_lapsed_stays_lapsed_and_the_person_decides_again(cast: Cast) -> None:
    """Bob leads no longer, then leads again: he is asked anew, in a second round."""
    RoleAssignment.objects.filter(user=cast.nora).delete()
    request = two_stages(cast)
    say(stage_of(request, "infra_lead"), cast.bob)
    end_the_delegators_role(cast)
    roles.assign_role(actor=system_actor(), user=cast.bob, role=role("infra_lead"), team=cast.team, now=LAST)
    say(stage_of(request, "team_lead"), cast.frank, now=LAST)
    assert [item.request.pk for item in queues.approver_queue(cast.bob, LAST)] == [request.pk]
    again = say(open_stage(request), cast.bob, now=LAST)
    assert again.round == 2
    request.refresh_from_db()
    assert request.state == "granted"
    assert Grant.objects.count() == 1


def test_nobody_decides_a_stage_twice_while_their_approval_counts(cast: Cast) -> None:
    request = two_stages(cast)
    say(stage_of(request, "infra_lead"), cast.bob)
    with pytest.raises(AlreadyDecided):
        say(stage_of(request, "team_lead"), cast.bob)


def test_a_quorum_counts_only_approvals_that_stand(cast: Cast) -> None:
    """Two of infrastructure have to agree. One who agreed left: the next yes does not fill the stage."""
    cast.users["olga"] = add_person("olga", team=cast.team, roles=["infra_lead"], scope=cast.team)
    request = two_stages(cast)
    stage = stage_of(request, "infra_lead")
    ApprovalStage.objects.filter(pk=stage.pk).update(quorum=2)
    say(stage, cast.bob)
    switch_off("bob")(cast)
    say(stage, cast.nora, now=LAST)
    stage.refresh_from_db()
    assert stage.state == "open"
    told = (
        Alert.objects.filter(payload__stage=stage.pk, kind="stage_opened").order_by("-pk").values_list("key", flat=True)
    )
    assert any(key.endswith(f":1:{cast.olga.person_id}") for key in told)
    assert [item.yes_count for item in queues.approver_queue(cast.olga, LAST)] == [1]
    say(stage, cast.olga, now=LAST)
    stage.refresh_from_db()
    assert stage.state == "approved"


def test_a_stage_that_nobody_is_left_for_is_judged_again(cast: Cast) -> None:
    """It would stay open for nobody until the hold expires; the policy asks for one of infrastructure only."""
    request = two_stages(cast)
    say(stage_of(request, "team_lead"), cast.frank)
    stage = stage_of(request, "infra_lead")
    ApprovalStage.objects.filter(pk=stage.pk).update(quorum=2)
    say(stage, cast.bob)
    switch_off("bob")(cast)
    say(stage, cast.nora, now=LAST)
    request.refresh_from_db()
    stage.refresh_from_db()
    assert (request.state, stage.state) == ("granted", "cancelled")
    assert not broken_promises()


def test_an_account_that_is_switched_off_decides_nothing(cast: Cast) -> None:
    request = two_stages(cast)
    stage = stage_of(request, "infra_lead")
    delegate(cast)
    User.objects.filter(pk=cast.dave.pk).update(is_active=False)
    with pytest.raises(NotAllowed):
        say(stage, cast.dave)
    assert not Alert.objects.filter(recipient=cast.dave.person, kind__startswith="stage").exists()
