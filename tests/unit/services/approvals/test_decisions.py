from __future__ import annotations

from datetime import timedelta

import pytest

from governance.domain.errors import (
    AlreadyDecided,
    InvalidInput,
    NotAllowed,
    SeparationOfDuties,
    StaleRevision,
)
from governance.domain.money.money import MICRO_PER_UNIT
from governance.models import (
    Alert,
    ApprovalDecision,
    ApprovalLimit,
    ApprovalStage,
    Delegation,
    Grant,
    PolicyVersion,
    Role,
    RoleAssignment,
    User,
)
from governance.services.approvals import decisions
from governance.services.requests import drafts, submission
from tests.cast import NOW, Cast, open_stage, reviewed, submitted
from tests.house import broken_promises, fingerprint
from tests.officers import put_in_force

pytestmark = pytest.mark.django_db


def say(stage: ApprovalStage, actor: User, verdict: str = "approve", **changes):
    return decisions.decide(
        **{
            "stage_id": stage.pk,
            "actor": actor,
            "verdict": verdict,
            "reason": "looked at it",
            "revision_digest": stage.revision.digest,
            "now": NOW,
        }
        | changes
    )


def test_the_last_yes_issues_the_grant(cast: Cast):
    request = submitted(cast)
    say(open_stage(request), cast.bob)
    request.refresh_from_db()
    assert request.state == "granted"
    assert Grant.objects.get().cost_cap_micro == 1_000 * MICRO_PER_UNIT
    assert Alert.objects.filter(kind="grant_issued", recipient=cast.alice.person).count() == 1
    assert not broken_promises()


@pytest.mark.parametrize(("verdict", "state"), [("reject", "rejected"), ("changes", "changes_requested")])
def test_a_no_ends_the_review_and_frees_the_money(cast: Cast, verdict: str, state: str):
    request = submitted(cast)
    say(open_stage(request), cast.bob, verdict)
    request.refresh_from_db()
    cast.budget.refresh_from_db()
    assert (request.state, cast.budget.held_micro) == (state, 0)
    assert not broken_promises()


def test_after_changes_the_request_can_be_submitted_again(cast: Cast):
    request = submitted(cast)
    say(open_stage(request), cast.bob, "changes")
    drafts.save_draft(request_id=request.pk, actor=cast.alice, content=reviewed(gpu_hours_cap=800.0), now=NOW)
    request = submission.submit_request(request_id=request.pk, actor=cast.alice, now=NOW)
    say(open_stage(request), cast.bob)
    assert Grant.objects.get().cost_cap_micro == 800 * MICRO_PER_UNIT


def test_nobody_approves_their_own_ask(cast: Cast):
    RoleAssignment.objects.create(
        user=cast.alice, role=Role.objects.get(slug="team_lead"), team=cast.team, valid_from=NOW - timedelta(days=1)
    )
    request = submitted(cast)
    with pytest.raises(SeparationOfDuties):
        say(open_stage(request), cast.alice)


def test_a_second_account_is_the_same_person(cast: Cast):
    other = User.objects.create_user(email="alice.second@example.com", person=cast.alice.person)
    RoleAssignment.objects.create(
        user=other, role=Role.objects.get(slug="team_lead"), team=cast.team, valid_from=NOW - timedelta(days=1)
    )
    with pytest.raises(SeparationOfDuties):
        say(open_stage(submitted(cast)), other)


def test_a_service_account_never_decides(cast: Cast):
    robot = User.objects.create_user(email="svc-ci@example.com", person=cast.bob.person, is_service_account=True)
    with pytest.raises(SeparationOfDuties, match="service account"):
        say(open_stage(submitted(cast)), robot)


def test_an_approver_cannot_pass_their_ask_through_a_delegate(cast: Cast):
    RoleAssignment.objects.filter(user=cast.frank).delete()
    request = submission.create_and_submit(actor=cast.bob, content=reviewed(), now=NOW)
    stage = open_stage(request)
    Delegation.objects.create(
        delegator=cast.bob.person, delegate=cast.dave.person, role=stage.role, amount_micro_max=10**12,
        valid_from=NOW - timedelta(days=1), valid_to=NOW + timedelta(days=7), reason="leave",
    )  # fmt: skip
    with pytest.raises(NotAllowed):
        say(stage, cast.dave)


def test_who_benefits_does_not_decide(cast: Cast):
    request = submitted(cast)
    request.beneficiary = cast.bob.person
    request.save(update_fields=["beneficiary"])
    with pytest.raises(SeparationOfDuties):
        say(open_stage(request), cast.bob)


@pytest.mark.parametrize("who", ["dave", "erin", "grace"])
def test_without_the_role_nobody_decides(cast: Cast, who: str):
    with pytest.raises(NotAllowed):
        say(open_stage(submitted(cast)), cast.users[who])


def test_a_superuser_has_no_vote(cast: Cast):
    User.objects.filter(pk=cast.dave.pk).update(is_superuser=True, is_staff=True)
    cast.dave.refresh_from_db()
    with pytest.raises(NotAllowed):
        say(open_stage(submitted(cast)), cast.dave)


def test_a_decision_about_another_revision_is_refused_with_nothing_written(cast: Cast):
    request = submitted(cast)
    seen = open_stage(request)
    drafts.save_draft(request_id=request.pk, actor=cast.alice, content=reviewed(accelerator_count=64), now=NOW)
    submission.submit_request(request_id=request.pk, actor=cast.alice, now=NOW)
    before = fingerprint()
    with pytest.raises(StaleRevision):
        say(open_stage(request), cast.bob, revision_digest=seen.revision.digest)
    with pytest.raises(AlreadyDecided):
        say(seen, cast.bob)
    assert fingerprint() == before


@pytest.mark.parametrize("reason", ["", "  ", "no", "x" * 4001, "a\x00bc"])
def test_a_decision_says_why(cast: Cast, reason: str):
    with pytest.raises(InvalidInput) as refused:
        say(open_stage(submitted(cast)), cast.bob, reason=reason)
    assert set(refused.value.errors) == {"reason"}


def test_deciding_twice_is_refused(cast: Cast):
    stage = open_stage(submitted(cast))
    say(stage, cast.bob)
    with pytest.raises(AlreadyDecided):
        say(stage, cast.frank)
    assert ApprovalDecision.objects.count() == 1


def test_one_person_fills_one_role(cast: Cast):
    """81 accelerators need a budget owner and an infra lead: bob is team lead and infra lead."""
    request = submitted(cast, gpu_hours_cap=15_000.0)
    say(open_stage(request, "team_lead"), cast.bob) if _has(request, "team_lead") else None
    RoleAssignment.objects.create(
        user=cast.bob, role=Role.objects.get(slug="budget_owner"), team=cast.team, valid_from=NOW - timedelta(days=1)
    )
    first = ApprovalStage.objects.filter(provisioning_request=request, state="approved").first()
    if first is None:
        pytest.fail("the first stage should have been decided")
    for stage in ApprovalStage.objects.filter(provisioning_request=request, state="open").select_related("revision"):
        with pytest.raises(AlreadyDecided, match="one person fills one role"):
            say(stage, cast.bob)


def _has(request, role: str) -> bool:
    return ApprovalStage.objects.filter(provisioning_request=request, role__slug=role, state="open").exists()


def test_a_role_whose_limit_is_lower_passes_the_stage_on(cast: Cast):
    ApprovalLimit.objects.create(
        role=Role.objects.get(slug="team_lead"), team=cast.root, amount_micro_max=500 * MICRO_PER_UNIT,
        valid_from=NOW - timedelta(days=1),
    )  # fmt: skip
    stage = open_stage(submitted(cast))
    assert (stage.role.slug, stage.fallback_from.slug) == ("budget_owner", "team_lead")


def test_a_revoked_delegation_no_longer_counts(cast: Cast):
    stage = open_stage(submitted(cast))
    delegation = Delegation.objects.create(
        delegator=cast.bob.person, delegate=cast.dave.person, role=stage.role, amount_micro_max=10**12,
        valid_from=NOW - timedelta(days=1), valid_to=NOW + timedelta(days=7), reason="leave",
    )  # fmt: skip
    delegation.revoked_at = NOW
    delegation.save()
    with pytest.raises(NotAllowed):
        say(stage, cast.dave)


def test_policy_that_became_stricter_is_applied_before_the_grant(cast: Cast):
    request = submitted(cast)
    version = PolicyVersion.objects.get(policy_set__slug="acceptable-use", state="active")
    from governance.services.rules import policies

    source = version.source.replace('request.purpose == "malware"', 'request.purpose == "research"')
    assert source != version.source
    newer = policies.import_version(source=source, actor=cast.grace, now=NOW)
    put_in_force(newer, actor=cast.grace, now=NOW)
    say(open_stage(request), cast.bob)
    request.refresh_from_db()
    assert request.state == "denied"
    assert not Grant.objects.exists()
    assert not broken_promises()
