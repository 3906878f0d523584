from __future__ import annotations

from datetime import timedelta

import pytest

from governance.domain.errors import (
    BudgetExceeded,
    IllegalTransition,
    InvalidInput,
    InvalidRequest,
    NotRequester,
    StaleDraft,
    TooManyUndecided,
    UnfillableStage,
)
from governance.models import (
    Alert,
    ApprovalStage,
    Assessment,
    AuditEvent,
    BudgetHold,
    Delegation,
    Grant,
    LedgerJournal,
    Project,
    ProvisioningRequest,
    RequestRevision,
    RoleAssignment,
)
from governance.selectors.requests import assessments
from governance.services.approvals import decisions
from governance.services.money import budgets
from governance.services.requests import drafts, submission, withdrawal
from tests.cast import NOW, Cast, content, offer_every_kind, open_stage, reviewed, submitted
from tests.house import broken_promises, fingerprint

pytestmark = pytest.mark.django_db


def draft(cast: Cast, **changes) -> ProvisioningRequest:
    return drafts.create_draft(actor=cast.alice, content=content(**changes), now=NOW)


def test_a_small_ask_is_granted_at_once(cast: Cast):
    request = submission.submit_request(request_id=draft(cast).pk, actor=cast.alice, now=NOW)
    grant = Grant.objects.get()
    assert request.state == "granted"
    assert grant.cost_cap_micro == 1_000_000_000
    assert grant.reference == "G-0001"
    cast.budget.refresh_from_db()
    assert (cast.budget.held_micro, cast.budget.committed_micro) == (0, 1_000_000_000)
    assert not broken_promises()


def test_an_ask_above_the_line_is_held_on_every_level_and_waits_for_a_person(cast: Cast):
    request = submitted(cast)
    assert request.state == "in_review"
    for budget in (cast.budget, cast.root_budget):
        budget.refresh_from_db()
        assert budget.held_micro == 1_000_000_000
    stage = open_stage(request)
    assert stage.role.slug == "team_lead"
    assert stage.due_at is not None
    assert not broken_promises()


def test_the_audit_event_comes_last_and_says_what_was_held(cast: Cast):
    request = submitted(cast)
    event = AuditEvent.objects.get(action="request.submitted")
    assert event.request_id == request.pk
    assert event.data["outcome"] == "review"
    assert event.data["held_micro"] == 1_000_000_000


def test_approvers_are_mailed_and_nobody_else(cast: Cast):
    request = submitted(cast)
    told = set(Alert.objects.filter(provisioning_request=request).values_list("recipient__name", flat=True))
    assert told == {"Bob", "Frank"}


def test_submitting_twice_holds_once(cast: Cast):
    request = draft(cast, accelerator_count=16)
    for _ in range(2):
        submission.submit_request(request_id=request.pk, actor=cast.alice, now=NOW)
    assert BudgetHold.objects.count() == 1
    assert RequestRevision.objects.count() == 1
    assert not broken_promises()


def test_a_denied_ask_is_recorded_and_holds_nothing(cast: Cast):
    request = draft(cast, purpose="social_scoring")
    request = submission.submit_request(request_id=request.pk, actor=cast.alice, now=NOW)
    assert request.state == "denied"
    assert "AU-1" in [rule["parent"] for rule in Assessment.objects.get().decision["fired"]]
    assert not BudgetHold.objects.exists()
    assert not broken_promises()


def test_what_the_budget_does_not_carry_is_refused_with_nothing_written(cast: Cast):
    request = draft(cast, gpu_hours_cap=20_001.0)
    before = fingerprint()
    with pytest.raises(BudgetExceeded) as refused:
        submission.submit_request(request_id=request.pk, actor=cast.alice, now=NOW)
    assert refused.value.code == "budget_exceeded"
    assert refused.value.data["needed_micro"] == 20_001_000_000
    assert fingerprint() == before


def test_asking_at_once_leaves_no_draft_behind_a_refusal(cast: Cast):
    before = fingerprint()
    with pytest.raises(BudgetExceeded):
        submission.create_and_submit(actor=cast.alice, content=content(gpu_hours_cap=20_001.0), now=NOW)
    assert fingerprint() == before


def test_a_stage_that_nobody_could_fill_is_found_at_submission(cast: Cast):
    RoleAssignment.objects.exclude(user=cast.alice).update(valid_to=NOW)
    with pytest.raises(UnfillableStage, match="`team lead` needs 1 person"):
        submitted(cast)


def test_past_dates_are_for_ratifications(cast: Cast):
    yesterday = (NOW.date() - timedelta(days=1)).isoformat()
    with pytest.raises(InvalidRequest, match="ratification"):
        submission.submit_request(request_id=draft(cast, start_on=yesterday).pk, actor=cast.alice, now=NOW)
    request = draft(cast, start_on=yesterday, kind="ratification")
    assert submission.submit_request(request_id=request.pk, actor=cast.alice, now=NOW).submitted_at == NOW


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("project", "no-such"),
        ("provider", "no-such"),
        ("purpose", "no-such"),
        ("accelerator", "no-such"),
        ("lineage", "x"),
    ],
)
def test_unknown_names_are_refused_by_field(cast: Cast, field: str, value: str):
    with pytest.raises(InvalidRequest) as refused:
        submission.submit_request(request_id=draft(cast, **{field: value}).pk, actor=cast.alice, now=NOW)
    assert set(refused.value.errors) == {field}


def test_a_stranger_cannot_ask_for_the_project(cast: Cast):
    request = drafts.create_draft(actor=cast.dave, content=content(), now=NOW)
    with pytest.raises(InvalidRequest, match="not a project that you can ask for"):
        submission.submit_request(request_id=request.pk, actor=cast.dave, now=NOW)


def test_only_the_requester_touches_a_draft(cast: Cast):
    request = draft(cast)
    for act in (
        lambda: submission.submit_request(request_id=request.pk, actor=cast.bob, now=NOW),
        lambda: drafts.save_draft(request_id=request.pk, actor=cast.bob, content={}, now=NOW),
        lambda: drafts.discard_draft(request_id=request.pk, actor=cast.bob, now=NOW),
        lambda: withdrawal.withdraw_request(request_id=request.pk, actor=cast.bob, reason="", now=NOW),
    ):
        with pytest.raises(NotRequester):
            act()


def test_withdrawing_frees_the_money(cast: Cast):
    request = submitted(cast)
    withdrawal.withdraw_request(request_id=request.pk, actor=cast.alice, reason="found a smaller way", now=NOW)
    cast.budget.refresh_from_db()
    assert cast.budget.held_micro == 0
    assert ApprovalStage.objects.get().state == "cancelled"
    assert not broken_promises()


def test_an_edit_in_review_takes_the_request_back(cast: Cast):
    request = submitted(cast)
    first = open_stage(request).revision.digest
    drafts.save_draft(request_id=request.pk, actor=cast.alice, content=reviewed(gpu_hours_cap=900.0), now=NOW)
    request.refresh_from_db()
    assert request.state == "draft"
    request = submission.submit_request(request_id=request.pk, actor=cast.alice, now=NOW)
    assert open_stage(request).revision.digest != first
    assert request.revision_count == 2
    assert not broken_promises()


def test_two_tabs_cannot_overwrite_each_other(cast: Cast):
    request = draft(cast)
    drafts.save_draft(
        request_id=request.pk, actor=cast.alice, content=content(title="One"), now=NOW, expected_version=1
    )
    with pytest.raises(StaleDraft):
        drafts.save_draft(
            request_id=request.pk, actor=cast.alice, content=content(title="Two"), now=NOW, expected_version=1
        )


def test_a_granted_request_cannot_be_edited(cast: Cast):
    request = submission.submit_request(request_id=draft(cast).pk, actor=cast.alice, now=NOW)
    with pytest.raises(IllegalTransition, match="clone it"):
        drafts.save_draft(request_id=request.pk, actor=cast.alice, content=content(), now=NOW)


@pytest.mark.parametrize(
    "bad", [{"title": "\ud800"}, {"x": float("nan")}, {"work": {"a\x00": 1}}, {"justification": "y" * 70_000}, {1: {2}}]
)
def test_a_draft_that_cannot_be_stored_is_refused(cast: Cast, bad: dict):
    with pytest.raises(InvalidInput):
        drafts.create_draft(actor=cast.alice, content=bad, now=NOW)


def test_a_half_filled_draft_is_kept_as_it_is(cast: Cast):
    request = drafts.create_draft(actor=cast.alice, content={"title": "Half", "accelerator_count": "many"}, now=NOW)
    request.refresh_from_db()
    assert request.draft == {"title": "Half", "accelerator_count": "many"}


def test_a_hold_ends_after_its_days(cast: Cast):
    request = submitted(cast)
    later = NOW + timedelta(days=14)
    assert not withdrawal.expire_request(request_id=request.pk, actor=cast.erin, now=later - timedelta(seconds=1))
    assert withdrawal.expire_request(request_id=request.pk, actor=cast.erin, now=later)
    assert not withdrawal.expire_request(request_id=request.pk, actor=cast.erin, now=later)
    request.refresh_from_db()
    assert request.state == "expired"
    assert not broken_promises()


def test_one_person_cannot_starve_a_team(cast: Cast, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(budgets, "UNDECIDED_HOLDS_PER_PERSON_MAX", 2)
    for _ in range(2):
        submitted(cast)
    with pytest.raises(TooManyUndecided):
        submitted(cast)


def test_without_a_price_a_person_looks_and_nothing_is_held(cast: Cast):
    request = submitted(cast, accelerator="maia-100", provider="coreweave")
    assert request.state == "in_review"
    assert request.exposure_micro is None
    assert not LedgerJournal.objects.filter(kind="hold").exists()


def test_a_clone_starts_without_past_dates(cast: Cast):
    request = submitted(cast)
    copy = drafts.clone_request(request_id=request.pk, actor=cast.alice, now=NOW + timedelta(days=100))
    assert "start_on" not in copy.draft
    assert copy.draft["title"] == request.title
    assert copy.state == "draft"


def approve(cast: Cast, request: ProvisioningRequest, who: str = "bob", **options):
    stage = open_stage(request)
    return decisions.decide(
        stage_id=stage.pk,
        actor=cast.users[who],
        verdict=options.get("verdict", "approve"),
        reason="fine by me",
        revision_digest=stage.revision.digest,
        now=NOW,
    )


def test_a_change_counts_with_what_runs_already_but_holds_only_the_rest(cast: Cast, monkeypatch: pytest.MonkeyPatch):
    offer_every_kind(monkeypatch)
    first = submitted(cast)
    approve(cast, first)
    grant = Grant.objects.get()
    change = submitted(cast, kind="change", related_grant=grant.reference, gpu_hours_cap=500.0)
    assert change.exposure_micro == 1_500_000_000
    assert BudgetHold.objects.get(state="open").amount_micro == 500_000_000


@pytest.mark.parametrize("kind", ["change", "top_up", "transfer", "emergency"])
def test_a_kind_that_nothing_carries_out_is_refused_with_nothing_written(cast: Cast, kind: str):
    first = submitted(cast)
    approve(cast, first)
    grant = Grant.objects.get()
    project = "other-work" if kind == "transfer" else "long-context"
    Project.objects.create(slug="other-work", name="Other work", team=cast.team, started_on=NOW.date())
    before = fingerprint()
    changes = {} if kind == "emergency" else {"related_grant": grant.reference}
    for call in (submission.create_and_submit, assessments.preview):
        with pytest.raises(InvalidRequest) as refused:
            call(actor=cast.alice, content=reviewed(kind=kind, project=project, **changes), now=NOW)
        assert refused.value.errors == {
            "kind": [f"`{kind}` requests cannot be submitted yet: choose one of: new, renewal, ratification"]
        }
    assert fingerprint() == before


def test_delegations_belong_to_people(cast: Cast):
    Delegation.objects.create(
        delegator=cast.bob.person, delegate=cast.dave.person, role=open_stage(submitted(cast)).role,
        amount_micro_max=10**10, valid_from=NOW - timedelta(days=1), valid_to=NOW + timedelta(days=7), reason="leave",
    )  # fmt: skip
    decision = approve(cast, ProvisioningRequest.objects.get(), who="dave")
    assert (decision.person, decision.for_person) == (cast.dave.person, cast.bob.person)
    assert Grant.objects.count() == 1
