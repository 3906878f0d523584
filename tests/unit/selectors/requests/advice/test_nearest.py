"""The nearest request: judged before it is shown, never what is no request, and silent where nothing helps."""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.domain.requests.parse import RequestContent
from governance.models import Budget, ProvisioningRequest
from governance.policy.bundle.effects import Outcome
from governance.selectors.requests import assessments, situations
from governance.selectors.requests.advice import advice, nearest
from governance.selectors.requests.advice.nearest import Advice
from governance.selectors.requests.situations import rank_of
from governance.services.requests import drafts, submission, withdrawal
from tests.cast import NOW, Cast, content, submitted
from tests.unit.selectors.register.test_usable_places import add_price

LONG = {"end_on": (NOW.date() + timedelta(days=59)).isoformat()}


def advised(cast: Cast, **changes: Any) -> Advice:
    found = assessments.preview(content(**changes), actor=cast.alice, now=NOW)
    return advice.advise(found).nearest


def only(found: Advice) -> nearest.Nearer:
    [offer] = found.offers
    return offer


def resubmitted(cast: Cast, offer: nearest.Nearer) -> ProvisioningRequest:
    """What becomes of it when it is submitted exactly as shown."""
    return submission.create_and_submit(actor=cast.alice, content=offer.content.to_content(), now=NOW)


def test_fewer_devices_are_named_to_the_device(cast: Cast) -> None:
    offer = only(advised(cast, accelerator_count=16))
    assert [(each.field, each.before, each.after) for each in offer.changes] == [("accelerator_count", 16, 8)]
    assert offer.title == "Request 8\N{NO-BREAK SPACE}accelerators instead of 16."
    assert "Nobody has to decide" in offer.text
    assert resubmitted(cast, offer).state == "granted"


def test_hours_are_named_to_the_hour(cast: Cast) -> None:
    offer = only(advised(cast, gpu_hours_cap=1_800.0))
    assert [(each.field, each.after) for each in offer.changes] == [("gpu_hours_cap", 1_500.0)]
    assert resubmitted(cast, offer).state == "granted"


def test_what_was_requested_in_the_last_days_counts_towards_it(cast: Cast) -> None:
    submission.create_and_submit(actor=cast.alice, content=content(gpu_hours_cap=1_400.0), now=NOW)
    offer = only(advised(cast, gpu_hours_cap=1_300.0))
    assert [(each.field, each.after) for each in offer.changes] == [("gpu_hours_cap", 1_100.0)]
    assert "Your requests of the last 30 days count towards the limit." in offer.text
    assert resubmitted(cast, offer).state == "granted"


def test_the_people_who_are_promised_to_drop_out_do(cast: Cast) -> None:
    """28,500 USD: the budget owner and the infrastructure lead; at 25,000 the team lead alone."""
    Budget.objects.update(limit_micro=10**12)
    changes = LONG | {"gpu_hours_cap": 28_500.0, "accelerator_count": 32}
    first, automatic = advised(cast, **changes).offers
    assert [(each.field, each.after) for each in first.changes] == [("gpu_hours_cap", 25_000.0)]
    assert first.dropped == ("budget_owner", "infra_lead")
    assert first.deciders == ("team_lead",)
    assert "Budget owner and infrastructure lead would not have to decide." in first.text
    assert automatic.outcome is Outcome.ALLOW
    assert {each.field for each in automatic.changes} == {"accelerator_count", "end_on", "gpu_hours_cap"}
    request = resubmitted(cast, first)
    assert set(request.stages.values_list("role__slug", flat=True)) == {"team_lead"}


def test_several_limits_take_several_changes(cast: Cast) -> None:
    offer = only(advised(cast, **LONG, accelerator_count=16, gpu_hours_cap=4_000.0))
    assert {each.field: each.after for each in offer.changes} == {
        "accelerator_count": 8,
        "end_on": NOW.date() + timedelta(days=29),
        "gpu_hours_cap": 1_500.0,
    }
    assert resubmitted(cast, offer).state == "granted"


def test_nothing_is_offered_that_is_no_request(cast: Cast) -> None:
    """The limit is used up: what would still pass is 0 USD, and 0 USD is no request."""
    for _ in range(2):
        submission.create_and_submit(actor=cast.alice, content=content(gpu_hours_cap=1_250.0), now=NOW)
    found = advised(cast, gpu_hours_cap=100.0)
    assert found.offers == ()
    assert "No change to this request helps" in found.why_none


def test_a_forecast_above_the_limit_says_whom_to_ask(cast: Cast) -> None:
    Budget.objects.filter(pk=cast.budget.pk).update(
        period_start=NOW - timedelta(days=330), period_end=NOW + timedelta(days=35), spent_micro=18_700 * 10**6
    )
    found = advised(cast)
    assert found.offers == ()
    assert "No change to this request helps; ask the budget owner." in found.why_none
    assert "forecast" in found.why_none


def test_the_data_class_is_never_changed(cast: Cast) -> None:
    assert advised(cast, data_class="confidential").offers == ()


def test_only_an_approved_place_is_offered_instead(cast: Cast) -> None:
    """At a marketplace nobody has approved, no size helps: the nearest request is somewhere else."""
    for provider in ("lambda", "verda"):
        add_price(provider, usd="0.40", approved=False)
    offer = only(advised(cast, provider="lambda"))
    assert {each.field: each.after for each in offer.changes} == {"provider": "coreweave", "country": None}
    assert offer.outcome is Outcome.ALLOW
    assert resubmitted(cast, offer).state == "granted"


def test_a_place_in_another_country_is_found_behind_many_regions_that_do_not_help(cast: Cast) -> None:
    """Customers' data may not lie in the United States: of all regions and places, one in the EU is offered."""
    add_price("aws", usd="1.00")
    found = advised(cast, provider="aws", region="us-east-1", country="US", customer_data=True)
    assert found.is_refused
    offer = only(found)
    assert {each.field for each in offer.changes} >= {"country"}
    assert offer.content.country not in (None, "US")
    assert resubmitted(cast, offer).state == "granted"


def test_missing_evidence_is_named_where_a_rule_refuses_without_it(cast: Cast) -> None:
    found = advised(cast, data_class="personal")
    assert found.is_refused
    offer = found.first
    assert offer is not None
    assert "data-protection assessment (DPIA)" in offer.title
    assert offer.outcome is Outcome.REVIEW


def test_devices_that_could_not_hold_the_model_are_not_offered(cast: Cast) -> None:
    work = {"parameters_billion": 70, "tokens_billion": 0.05, "method": "full"}
    changes: dict[str, Any] = {
        "workload": "fine_tuning", "sizing": "work", "work": work, "accelerator_count": 64, "gpu_hours_cap": None,
    }  # fmt: skip
    for offer in advised(cast, **changes).offers:
        assert offer.assessed.estimate.memory_fits is not False
        assert resubmitted(cast, offer).state == "granted" or offer.deciders


def test_a_stored_request_is_judged_as_if_it_were_submitted_now(cast: Cast) -> None:
    request = submitted(cast)
    later = NOW + timedelta(days=3)
    request.refresh_from_db()
    offer = advice.advise_request(request, request.draft, now=later).nearest.first
    assert offer is not None
    assert {each.field: each.after for each in offer.changes} == {
        "accelerator_count": 8,
        "start_on": later.date(),
        "end_on": date.fromisoformat(request.draft["end_on"]) + timedelta(days=3),
    }
    drafts.save_draft(request_id=request.pk, actor=cast.alice, content=offer.content.to_content(), now=later)
    assert submission.submit_request(request_id=request.pk, actor=cast.alice, now=later).state == "granted"


def test_what_is_allowed_or_over_has_nothing_nearer(cast: Cast) -> None:
    assert advised(cast) == nearest.NOTHING
    request = submitted(cast)
    withdrawal.withdraw_request(request_id=request.pk, actor=cast.alice, reason="", now=NOW)
    request.refresh_from_db()
    assert advice.advise_request(request, request.draft, now=NOW) == advice.NOTHING


def test_looking_for_it_reads_a_fixed_number_of_rows(cast: Cast) -> None:
    found = assessments.preview(content(**LONG, accelerator_count=64, gpu_hours_cap=9_000.0), actor=cast.alice, now=NOW)
    with CaptureQueriesContext(connection) as captured:
        assert advice.advise(found).nearest.offers
    assert len(captured) <= 12
    situation = situations.Situation(found)
    nearest.search(situation)
    assert situation.judged <= situations.JUDGED_MAX


@pytest.mark.parametrize(
    "changes",
    [
        {"gpu_hours_cap": 9_000.0},
        {"accelerator_count": 80, "gpu_hours_cap": 700.0},
        {"data_class": "confidential"},
        {"purpose": "social_scoring"},
        LONG | {"accelerator_count": 9, "gpu_hours_cap": 2_600.0},
        {"end_on": None, "gpu_hours_cap": 1_600.0},
    ],
)
def test_a_search_of_the_bounds_finds_none_where_none_is_shown(cast: Cast, changes: dict[str, Any]) -> None:
    found = assessments.preview(content(**changes), actor=cast.alice, now=NOW)
    situation = situations.Situation(found)
    shown = nearest.search(situation).offers
    rank = rank_of(found)
    assert all(rank_of(offer.assessed) < rank for offer in shown)
    least = min((rank_of(offer.assessed) for offer in shown), default=rank)
    for ask in boxed(found.content):
        other = situation.judge_for_real(ask)
        assert other is None or rank_of(other) >= least, ask


def boxed(ask: RequestContent) -> list[RequestContent]:
    """A grid over everything that may be smaller."""
    hours = [ask.gpu_hours_cap * share for share in (0.001, 0.01, 0.1, 0.3, 0.6, 0.9, 1.0)] if ask.gpu_hours_cap else []
    counts = sorted({1, 2, 4, 8, 16, 32, 64, ask.accelerator_count} & set(range(1, ask.accelerator_count + 1)))
    ends = [ask.end_on, *(ask.start_on + timedelta(days=days) for days in (0, 5, 13, 29))]
    return [
        ask.changed(gpu_hours_cap=each, accelerator_count=count, end_on=end)
        for each, count, end in itertools.product(hours or [None], counts, ends)
    ]
