"""An approver's queue agrees with what the service lets them decide, and costs the same however long it is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.domain.errors import GovernanceError
from governance.models import ApprovalLimit, ApprovalStage, Delegation, ProvisioningRequest, Role, RoleAssignment, User
from governance.selectors.approvals import authority, queues
from governance.selectors.approvals.authority import Authority, Case
from governance.services.approvals import decisions
from governance.services.requests import submission, withdrawal
from tests.cast import NOW, Cast, add_person, add_team, content, open_stage, submitted

QUERIES_MAX = 6


def numbers(user: User) -> list[int]:
    return [item.request.number for item in queues.approver_queue(user, NOW)]


def delegate(giver: User, taker: User, role: str, amount_micro: int) -> Delegation:
    return Delegation.objects.create(
        delegator=giver.person, delegate=taker.person, role=Role.objects.get(slug=role), amount_micro_max=amount_micro,
        valid_from=NOW - timedelta(days=1), valid_to=NOW + timedelta(days=6), reason="leave",
    )  # fmt: skip


def test_soonest_due_comes_first_then_the_largest_amount(cast: Cast) -> None:
    small, large, late = (
        submitted(cast, title=name, gpu_hours_cap=hours)
        for name, hours in (("small", 300.0), ("large", 1_900.0), ("late", 500.0))
    )
    ApprovalStage.objects.filter(provisioning_request=late).update(due_at=NOW - timedelta(hours=1))
    found = queues.approver_queue(cast.bob, NOW)
    assert [item.request.title for item in found] == ["late", "large", "small"]
    assert [item.is_overdue for item in found] == [True, False, False]
    assert [item.exposure_micro for item in found] == [500_000_000, 1_900_000_000, 300_000_000]
    assert small.number < large.number < late.number


def test_nobody_finds_their_own_ask_in_their_queue(cast: Cast) -> None:
    RoleAssignment.objects.create(
        user=cast.alice, role=Role.objects.get(slug="team_lead"), team=cast.team, valid_from=NOW - timedelta(days=1)
    )
    submitted(cast, who="alice")
    theirs = submitted(cast, who="heidi")
    assert numbers(cast.alice) == [theirs.number]


def test_a_role_elsewhere_does_not_reach_the_project(cast: Cast) -> None:
    other = add_team("vision", cast.root)
    judy = add_person("judy", team=other, roles=["team_lead"], scope=other)
    here = add_person("kim", team=cast.team, roles=["team_lead"], scope=cast.project)
    request = submitted(cast)
    assert numbers(judy) == []
    assert numbers(here) == [request.number]
    assert numbers(cast.frank) == [request.number]  # lead of the whole organisation


def test_who_has_decided_one_role_does_not_find_another(cast: Cast) -> None:
    request = submitted(cast, accelerator_count=80, gpu_hours_cap=3_000.0)
    roles = set(ApprovalStage.objects.filter(provisioning_request=request).values_list("role__slug", flat=True))
    assert "infra_lead" in roles
    before = [item.stage.role.slug for item in queues.approver_queue(cast.bob, NOW)]
    assert before
    stage = ApprovalStage.objects.select_related("revision").get(provisioning_request=request, role__slug=before[0])
    decisions.decide(
        stage_id=stage.pk, actor=cast.bob, verdict="approve", reason="Fine by me.",
        revision_digest=stage.revision.digest, now=NOW,
    )  # fmt: skip
    assert not queues.approver_queue(cast.bob, NOW)


def test_a_limit_below_the_amount_takes_it_out_of_the_queue(cast: Cast) -> None:
    request = submitted(cast)
    limit = ApprovalLimit.objects.create(
        role=Role.objects.get(slug="team_lead"), team=cast.team, amount_micro_max=999_000_000, valid_from=NOW
    )
    assert numbers(cast.bob) == []
    ApprovalLimit.objects.filter(pk=limit.pk).update(amount_micro_max=1_000_000_000)
    assert numbers(cast.bob) == [request.number]


def test_a_delegate_finds_what_they_stand_in_for_up_to_the_amount(cast: Cast) -> None:
    request = submitted(cast)
    delegation = delegate(cast.bob, cast.heidi, "team_lead", 1_000_000_000)
    found = queues.approver_queue(cast.heidi, NOW)
    assert [(item.request.pk, item.for_name) for item in found] == [(request.pk, "Bob")]
    assert found[0].for_person_id == cast.bob.person_id
    assert found[0].is_standing_in
    Delegation.objects.filter(pk=delegation.pk).update(amount_micro_max=999_999_999)
    assert numbers(cast.heidi) == []
    Delegation.objects.filter(pk=delegation.pk).update(amount_micro_max=10**12, revoked_at=NOW)
    assert numbers(cast.heidi) == []


def test_whoever_audits_or_has_no_account_of_a_person_stands_in_for_nobody(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = submitted(cast)
    delegate(cast.bob, cast.heidi, "team_lead", 10**12)
    stage = ApprovalStage.objects.select_related("role", "revision").get(provisioning_request=request, state="open")

    def standing_in() -> set[str]:
        """By the authority of everybody, and by that of one person."""
        everybody = Authority(None, now=NOW)
        alone = Authority([stage.role_id], now=NOW, person_id=cast.heidi.person_id)
        case = Case.of(stage, ProvisioningRequest.objects.select_related("project__team", "requester").get())
        assert case is not None
        return {each.name for read in (everybody, alone) for each in read.holders_of(case) if each.for_person_id}

    assert standing_in() == {"Heidi"}
    # The database refuses the two together, so she is given a role that counts as the auditors' for a moment.
    role = Role.objects.create(slug="watcher", name="Watcher", may_approve=False)
    RoleAssignment.objects.create(user=cast.heidi, role=role, team=cast.root, valid_from=NOW)
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(authority, "AUDITOR", "watcher")
        assert standing_in() == set()
        assert numbers(cast.heidi) == []
    assert numbers(cast.heidi) == [request.number]
    for changes in ({"is_active": False}, {"is_service_account": True}):
        User.objects.filter(pk=cast.heidi.pk).update(**changes)
        assert standing_in() == set()
        User.objects.filter(pk=cast.heidi.pk).update(is_active=True, is_service_account=False)
    assert standing_in() == {"Heidi"}


def test_closed_stages_and_withdrawn_requests_leave_the_queue(cast: Cast) -> None:
    request = submitted(cast)
    assert numbers(cast.bob) == [request.number]
    withdrawal.withdraw_request(request_id=request.pk, actor=cast.alice, reason="Moved.", now=NOW)
    assert numbers(cast.bob) == []


def test_the_queue_agrees_with_the_service_for_everybody(cast: Cast) -> None:
    delegate(cast.frank, cast.heidi, "team_lead", 10**12)
    for who, changes in (
        ("alice", {}),
        ("heidi", {"gpu_hours_cap": 2_900.0}),
        ("alice", {"accelerator_count": 80, "gpu_hours_cap": 1_200.0}),
    ):
        submitted(cast, who=who, **changes)
    stages = list(ApprovalStage.objects.filter(state="open").select_related("role", "revision"))
    for user in cast.users.values():
        queued = {item.stage.pk: item.for_person_id for item in queues.approver_queue(user, NOW)}
        for stage in stages:
            request = ProvisioningRequest.objects.get(pk=stage.provisioning_request_id)
            try:
                expected: tuple[bool, int | None] = True, decisions.effective_person(stage, request, user, now=NOW)
            except GovernanceError:
                expected = False, None
            assert (stage.pk in queued, queued.get(stage.pk)) == expected, (user, stage.role.slug)


def test_the_queue_costs_the_same_however_long_it_is(cast: Cast) -> None:
    delegate(cast.frank, cast.heidi, "team_lead", 10**12)
    counts = []
    for count in (1, 6):
        for _ in range(count):
            submitted(cast, gpu_hours_cap=100.0)
        for user in (cast.bob, cast.heidi):
            user.person  # noqa: B018  the account comes with its person from the session
            with CaptureQueriesContext(connection) as queries:
                assert queues.approver_queue(user, NOW)
            counts.append(len(queries))
    assert max(counts) <= QUERIES_MAX
    assert counts[:2] == counts[2:]


def test_the_requester_sees_who_has_it_and_who_comes_next(cast: Cast) -> None:
    evidence = [{"kind": "dpia", "url": "https://example.com/1"}]
    request = submitted(cast, data_class="personal", evidence=evidence, gpu_hours_cap=3_000.0)
    found = queues.waiting_for(cast.alice, NOW)
    assert [each.request.pk for each in found] == [request.pk]
    opened = open_stage(request)
    assert [stage.pk for stage in found[0].stages] == [opened.pk]
    assert found[0].due_at == opened.due_at
    assert [holder.name for holder in found[0].holders] == ["Bob", "Frank"]
    assert found[0].next_roles == ["Data protection officer"]
    assert queues.waiting_for(cast.dave, NOW) == []


def test_a_short_page_still_says_what_the_whole_queue_comes_to(cast: Cast) -> None:
    for hours in (100.0, 200.0, 300.0):
        submitted(cast, gpu_hours_cap=hours)
    late = submitted(cast, gpu_hours_cap=400.0)
    ApprovalStage.objects.filter(provisioning_request=late).update(due_at=NOW - timedelta(hours=1))
    found = queues.approver_queue(cast.bob, NOW, limit=2)
    assert (len(found), found.total, found.overdue_count, found.exposure_micro) == (2, 4, 1, 1_000_000_000)
    assert found.roles == [("team_lead", "Team lead")]
    assert found.teams == [("research", "Research")]
    assert [item.request.pk for item in queues.approver_queue(cast.bob, NOW, is_overdue=True)] == [late.pk]
    assert queues.approver_queue(cast.bob, NOW, role="finance").matching == 0
    assert queues.approver_queue(cast.bob, NOW, team="research").matching == 4


def test_a_service_account_has_no_queue(cast: Cast) -> None:
    submitted(cast)
    robot = User.objects.create_user(email="robot@example.com", person=cast.bob.person, is_service_account=True)
    assert not queues.approver_queue(robot, NOW)


def test_a_granted_request_waits_for_nobody(cast: Cast) -> None:
    submission.create_and_submit(actor=cast.alice, content=content(), now=NOW)
    assert queues.waiting_for(cast.alice, NOW) == []
