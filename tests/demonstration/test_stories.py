"""Each story ends as the tour of the product needs it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from django.db.models import Count

from governance.demonstration.load import Loaded
from governance.models import (
    AcceptableUseVersion,
    Acceptance,
    ApprovalDecision,
    ApprovalStage,
    Assessment,
    Budget,
    BudgetHold,
    Flag,
    Grant,
    PolicyException,
    PolicyVersion,
    ProvisioningRequest,
)
from tests.demonstration.conftest import START


@dataclass(frozen=True)
class End:
    """How one story stands at the first start."""

    state: str
    usd: float | None
    grant: str | None = None
    rules: frozenset[str] = frozenset()
    waits_for: frozenset[str] = frozenset()
    flags: frozenset[str] = frozenset()


def end(state: str, usd: float | None, *rules: str, grant: str | None = None, waits: str = "", flags: str = "") -> End:
    return End(state, usd, grant, frozenset(rules), frozenset(waits.split()), frozenset(flags.split()))


# Amounts in USD to within one per cent: they follow from hours and own prices.
ENDS: dict[int, End] = {
    1: end("granted", 142, "AL-1", grant="ended"),
    2: end("granted", 142, "AL-1", grant="ended"),
    3: end("granted", 142, "AL-1", grant="active", flags="sampled_review"),
    4: end("granted", 1_216, "AL-1", grant="active"),
    5: end("granted", 1_216, "AL-1", grant="active", flags="idle"),
    6: end("granted", 68, "AL-1", grant="ended"),
    7: end("granted", 4_278, "AL-2", grant="ended"),
    8: end("granted", 28_500, "AL-3", grant="active"),
    9: end("granted", 307_000, "AL-4", "CT-1", grant="active"),
    10: end("in_review", 4_470_000, "AL-5.exec", "CT-1", waits="exec"),
    11: end("in_review", 2_190_000, "CT-3.board", "CT-2.board", waits="exec safety_board", flags="policy_flag"),
    12: end("granted", 115_000, "CT-4", grant="active"),
    13: end("granted", 26_100, "AL-3", grant="active"),
    14: end("granted", 134_800, "AL-7", grant="active"),
    15: end("granted", 95_150, "AL-3", grant="ended"),
    16: end("granted", 7_300, "AL-2", grant="active"),
    17: end("granted", 298_000, "AL-4", grant="active"),
    18: end("granted", 148_200, "AL-4", grant="active"),
    19: end("granted", 1_670, "AL-1", grant="ended"),
    20: end("granted", 1_670, "AL-1", grant="ended"),
    21: end("withdrawn", 3_600_000, "AL-5.exec", "AL-6"),
    22: end("in_review", 1_180_000, "AL-5.exec", "AL-6", "VR-2", waits="exec", flags="review_overdue"),
    23: end("denied", 12_000, "EX-1.unlicensed"),
    24: end("denied", 18_000, "VR-3.residency"),
    25: end("granted", 18_000, "AU-3.dpo", grant="active"),
    26: end("denied", 900, "VR-1.marketplace", "VR-1.approved"),
    27: end("denied", 6_000, "AU-1.emotion_recognition"),
    28: end("granted", 2_300, "AL-1", grant="ended"),
    29: end("changes_requested", 2_300, "AL-2"),
    30: end("granted", 2_300, "AL-2", "ES-1", grant="ended", flags="split"),
    31: end("in_review", 2_300, "AL-2", "ES-1", waits="team_lead", flags="split"),
    32: end("granted", 9_600, "ES-2.renewal", grant="active"),
    33: end("denied", 31_000, "ES-2.idle"),
    36: end("granted", 5_900, "AL-2", grant="ended"),
    37: end("in_review", None, waits="team_lead"),
    38: end("denied", 12_000, "AU-4.cap"),
    39: end("draft", None),
    40: end("expired", 22_000, "AL-2", flags="hold_expired"),
}


def test_no_story_is_cut_short(northlight: Loaded):
    assert northlight.cut_short == {}
    assert set(ENDS) <= set(northlight.world.requests)


@pytest.mark.parametrize("number", ENDS)
def test_story_ends_as_told(northlight: Loaded, number: int):
    told = ENDS[number]
    request = ProvisioningRequest.objects.get(pk=northlight.world.requests[number].pk)
    assert request.state == told.state
    assert request.is_demonstration
    if told.usd is None:
        assert request.exposure_micro is None
    else:
        assert request.exposure_micro == pytest.approx(told.usd * 1e6, rel=0.01)
    grant = Grant.objects.filter(provisioning_request=request).first()
    assert (grant.state if grant else None) == told.grant
    judged = Assessment.objects.filter(revision__provisioning_request=request).order_by("pk").last()
    fired = {rule["rule_id"] for rule in judged.decision["fired"]} if judged else set()
    assert told.rules <= fired
    open_stages = ApprovalStage.objects.filter(provisioning_request=request, state="open")
    assert {stage.role.slug for stage in open_stages.select_related("role")} == told.waits_for
    open_flags = Flag.objects.filter(provisioning_request=request, closed_at=None)
    assert set(open_flags.values_list("kind", flat=True)) == told.flags


def test_aurora_may_exceed_and_its_owner_does_not_vote(northlight: Loaded):
    """Story 11: the sum's upper end crosses 1e25, two of three board votes are in, and Ines could fill no stage."""
    request = northlight.world.requests[11]
    facts = Assessment.objects.filter(revision__provisioning_request=request).latest("pk").facts
    assert facts["thresholds.may_exceed"]
    board = ApprovalStage.objects.get(provisioning_request=request, state="open", role__slug="safety_board")
    assert (board.quorum, board.decisions.filter(verdict="approve").count()) == (3, 2)
    ines = northlight.cast["ines"].person_id
    assert not ApprovalDecision.objects.filter(stage__provisioning_request=request, person_id=ines).exists()


def test_a_delegate_decides_in_two_names(northlight: Loaded):
    """Story 13: Sofia's yes counts for Yuki, who is away, and both are on record."""
    decision = ApprovalDecision.objects.get(
        stage__provisioning_request=northlight.world.requests[13], stage__role__slug="budget_owner"
    )
    assert decision.person_id == northlight.cast["sofia"].person_id
    assert decision.for_person_id == northlight.cast["yuki"].person_id


def test_the_hosted_model_was_asked_for_twice(northlight: Loaded):
    """Story 17: 480,000 came back for changes; 298,000 was approved."""
    revisions = ProvisioningRequest.objects.get(pk=northlight.world.requests[17].pk).revisions.order_by("number")
    assert [revision.content["money_cap_usd"] for revision in revisions] == [480_000.0, 298_000.0]


def test_an_unknown_price_holds_nothing(northlight: Loaded):
    """Story 37: what nobody can price waits for a person; it is never 0 USD."""
    request = northlight.world.requests[37]
    assert not BudgetHold.objects.filter(provisioning_request=request).exists()
    judged = Assessment.objects.get(revision__provisioning_request=request)
    assert judged.outcome == "review"
    assert judged.estimate["cost_usd"] is None


def test_the_returned_half_is_free_again(northlight: Loaded):
    """Story 33: the renewal of what stood idle is refused, and half of the first grant's money goes back."""
    original = Grant.objects.get(provisioning_request=northlight.world.requests[330])
    assert original.state == "returned"
    assert original.cost_cap_micro - original.spent_micro == pytest.approx(15_500 * 1e6, rel=0.01)


def test_thirteen_grants_run_and_nine_flags_are_open(northlight: Loaded):
    assert Grant.objects.filter(state="active").count() == 13
    assert Flag.objects.filter(closed_at=None).count() == 9


def test_budgets_stand_where_their_owners_know_them(northlight: Loaded):
    def used(slug: str) -> float:
        budget = Budget.objects.get(slug=f"{slug}-{northlight.cast.calendar.year_start.year}")
        return (budget.limit_micro - budget.headroom_micro) / budget.limit_micro

    shares = {
        "foundation-models": 0.86, "applied-products": 0.74, "research": 0.61, "data-and-synthetic": 0.92,
        "safety-and-evaluations": 0.38, "platform": 0.55, "reserve": 0.0,
    }  # fmt: skip
    assert {slug: round(used(slug), 3) for slug in shares} == shares
    year = Budget.objects.filter(period_start=northlight.cast.calendar.year_start)
    assert sum(budget.limit_micro for budget in year.filter(parent=None)) == 40_000_000 * 1_000_000
    full = [budget.slug.rsplit("-", 1)[0] for budget in year if used(budget.slug.rsplit("-", 1)[0]) > 0.8]
    assert sorted(full) == ["assist-serving", "borealis", "data-and-synthetic", "foundation-models"]


def test_eight_people_owe_their_consent(northlight: Loaded):
    first, second = AcceptableUseVersion.objects.order_by("number")
    owing = set(Acceptance.objects.filter(version=first).values_list("person_id", flat=True)) - set(
        Acceptance.objects.filter(version=second).values_list("person_id", flat=True)
    )
    assert len(owing) == 8
    assert northlight.cast["marcus"].person_id in owing


def test_one_exception_ends_soon_and_one_policy_is_in_the_shadow(northlight: Loaded):
    exception = PolicyException.objects.get()
    assert (exception.valid_to - START).days == 6
    shadow = PolicyVersion.objects.get(state="shadow")
    assert shadow.policy_set.slug == "approval-limits"
    assert "value: 1500.0" in shadow.source


def test_everybody_of_the_tour_can_sign_in(northlight: Loaded):
    for key, user in northlight.cast.people.items():
        user.refresh_from_db()
        assert user.is_active
        assert user.has_usable_password() != user.is_service_account, key
        assert user.check_password("comptroller-demo") or user.is_service_account


def test_nobody_decides_what_they_asked_for_or_twice(northlight: Loaded):
    decisions = ApprovalDecision.objects.select_related("stage__provisioning_request__requester")
    for decision in decisions:
        assert decision.person_id != decision.stage.provisioning_request.requester.person_id
    twice = decisions.values("stage__revision", "person").annotate(n=Count("stage", distinct=True)).filter(n__gt=1)
    assert not twice.exists()
