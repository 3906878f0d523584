from __future__ import annotations

from dataclasses import replace

import pytest

from estimator.core.pricing.place import Place
from tests.unit.estimator.samples import H100, own_price, size

TRAINING = {"parameters_billion": 7, "tokens_billion": 100}
TOKENS = {"api_model": "gpt-5", "input_tokens_million_month": 1000, "output_tokens_million_month": 100, "months": 1}
OPENAI = Place(price_term="per_token", provider="openai")


@pytest.mark.parametrize(
    ("hours", "usd", "total"), [(400, 2.5, 1000.0), (1000, 1.0, 1000.0), (338.983, 2.95, 999.99985)]
)
def test_fixed_hours_at_an_own_price_cost_exactly_their_product(hours: float, usd: float, total: float) -> None:
    estimate = size("lease", is_sized=False, gpu_hours_cap=hours, prices_own=[own_price(usd)])
    assert estimate.cost_usd is not None
    assert estimate.cost_usd.p10 == estimate.cost_usd.p50 == estimate.cost_usd.p90 == total
    assert estimate.cost_cap_usd == total


def test_the_cap_of_an_ask_as_work_is_priced_at_p90() -> None:
    estimate = size("pretraining", TRAINING, gpu_hours_cap=1000)
    assert estimate.price is not None
    assert estimate.cost_cap_usd == pytest.approx(1000 * estimate.price.usd_per_gpu_hour.p90)


def test_the_lower_of_two_caps_holds() -> None:
    assert (
        size("lease", is_sized=False, gpu_hours_cap=400, money_cap_usd=50, prices_own=[own_price(2.5)]).cost_cap_usd
        == 50
    )
    assert (
        size("lease", is_sized=False, gpu_hours_cap=4, money_cap_usd=50, prices_own=[own_price(2.5)]).cost_cap_usd == 10
    )


def test_a_reservation_pays_for_idle_hours_and_owes_them_all() -> None:
    """Trap 18: the cost is the committed hours, not the used ones."""
    offer = own_price(2.10, price_term="reserved_1y")
    place = replace(H100, price_term="reserved_1y", accelerator_count=64)
    estimate = size("lease", place=place, window_hours=100, prices_own=[offer])
    assert estimate.cost_usd is not None
    assert estimate.cost_usd.p50 == pytest.approx(64 * 8766 * 2.10)
    assert estimate.commitment_tail_usd == estimate.cost_usd.p90
    three = size(
        "lease",
        place=replace(place, price_term="reserved_3y"),
        window_hours=100,
        prices_own=[replace(offer, price_term="reserved_3y")],
    )
    assert three.cost_usd is not None
    assert three.cost_usd.p50 == pytest.approx(3 * 64 * 8766 * 2.10)


def test_on_demand_owes_nothing_after_a_cancel() -> None:
    assert size("lease", window_hours=100).commitment_tail_usd == 0.0


def test_spot_work_repeats_what_interruptions_lose() -> None:
    steady = size("pretraining", TRAINING, prices_own=[own_price(2.0)])
    spot = size(
        "pretraining", TRAINING, replace(H100, price_term="spot"), prices_own=[own_price(2.0, price_term="spot")]
    )
    assert steady.cost_usd is not None
    assert spot.cost_usd is not None
    assert spot.cost_usd.p50 == pytest.approx(1.1 * steady.cost_usd.p50)
    assert spot.gpu_hours == steady.gpu_hours


def test_a_purchase_is_capital_and_all_of_it_is_owed() -> None:
    place = Place(price_term="purchase", accelerator="b200-sxm", accelerator_count=64)
    quoted = size("purchase", {"unit_price_usd": 56_250}, place)
    assert quoted.cost_usd is not None
    assert quoted.cost_usd.is_exact
    assert quoted.cost_usd.p50 == quoted.commitment_tail_usd == 3_600_000
    listed = size("purchase", {}, place)
    assert listed.cost_usd is not None
    assert not listed.cost_usd.is_exact
    assert listed.gpu_hours is None


def test_a_node_price_is_divided_by_its_devices() -> None:
    estimate = size("purchase", {}, Place(price_term="purchase", accelerator="h100-sxm5-80gb"))
    assert estimate.cost_usd is not None
    assert estimate.cost_usd.p90 < 100_000


def test_hosted_tokens_cost_their_list_price() -> None:
    estimate = size("hosted_api", TOKENS, OPENAI)
    assert estimate.cost_usd is not None
    assert estimate.cost_usd.p50 == pytest.approx(1000 * 1.25 + 100 * 10)
    assert estimate.run_rate_usd_month == estimate.cost_usd
    assert estimate.gpu_hours is None


def test_cache_and_batch_make_hosted_tokens_cheaper() -> None:
    plain = size("hosted_api", TOKENS, OPENAI).cost_usd
    cached = size("hosted_api", {**TOKENS, "cached_percent": 80}, OPENAI).cost_usd
    both = size("hosted_api", {**TOKENS, "cached_percent": 80, "batch_percent": 50}, OPENAI).cost_usd
    assert plain is not None
    assert cached is not None
    assert both is not None
    assert both.p50 < cached.p50 < plain.p50


def test_a_hosted_model_without_a_price_is_missing() -> None:
    estimate = size("hosted_api", {**TOKENS, "api_model": "no-such-model"}, OPENAI)
    assert estimate.cost_usd is None
    assert "no-such-model" in next(gap.why for gap in estimate.missing if gap.what == "price")


def test_a_money_cap_alone_is_what_a_hosted_ask_costs() -> None:
    estimate = size("hosted_api", {}, OPENAI, is_sized=False, money_cap_usd=5000)
    assert estimate.cost_usd is not None
    assert estimate.cost_usd.p90 == estimate.cost_cap_usd == 5000


def test_the_cheapest_offer_is_never_dearer_than_ours() -> None:
    estimate = size("lease", window_hours=10, prices_own=[own_price(0.01)])
    assert estimate.cost_over_cheapest_ratio == 1.0
    dear = size("lease", window_hours=10, prices_own=[own_price(50.0)])
    assert dear.cost_over_cheapest_ratio is not None
    assert dear.cost_over_cheapest_ratio > 10


def test_only_allowed_providers_count_as_cheaper() -> None:
    free = size("lease", window_hours=10)
    only = size("lease", window_hours=10, providers_allowed={"lambda"})
    assert free.cost_over_cheapest_ratio is not None
    assert only.cost_over_cheapest_ratio is not None
    assert only.cost_over_cheapest_ratio < free.cost_over_cheapest_ratio
    assert only.cheapest_offer is not None
    assert only.cheapest_offer.startswith("lambda")


def test_the_run_rate_is_a_month_of_every_device() -> None:
    estimate = size("lease", prices_own=[own_price(2.0)])
    assert estimate.run_rate_usd_month is not None
    assert estimate.run_rate_usd_month.p50 == 8 * 720 * 2.0
