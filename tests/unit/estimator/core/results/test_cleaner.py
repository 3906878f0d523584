"""The cleanest other place: known by its region, cleaner than here, and bought on the same terms."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from estimator.core.pricing.offers import OFFER_DAYS_MAX, PriceOffer
from estimator.core.pricing.place import Place
from estimator.core.results.advice import advise
from estimator.core.results.result import CleanerPlace, Estimate
from estimator.core.workload.workload import Workload
from tests.unit.estimator.samples import ON, own_price, shipped, size

WORK = {"parameters_billion": 7, "tokens_billion": 100}
DIRTY = Place(price_term="spot", provider="aws", region="ap-south-1", accelerator="h100-sxm5-80gb", accelerator_count=8)


def spot(region: str, usd: float, **changes: Any) -> PriceOffer:
    plain = {"price_term": "spot", "provider": "aws", "region": region, "slug": f"own-{region}-{usd}"}
    return own_price(usd, **(plain | changes))


HERE = spot("ap-south-1", 2.0)


def cleaner(*others: PriceOffer, place: Place = DIRTY, **options: Any) -> CleanerPlace | None:
    return size("pretraining", WORK, place, prices_own=[HERE, *others], **options).cleaner_place


def grid(region: str) -> float:
    return max(shipped().grid_by_code[f"aws:{region}"], key=lambda row: (row.year or 0, row.slug)).g_co2e_per_kwh


def test_the_cleanest_grid_wins_and_the_price_there_is_over_the_price_here() -> None:
    assert grid("eu-north-1") < grid("eu-central-1") < grid("ap-south-1")
    found = cleaner(spot("eu-central-1", 1.0), spot("eu-north-1", 2.1))
    assert found is not None
    assert (found.region, found.grid_g_kwh) == ("eu-north-1", grid("eu-north-1"))
    assert found.cost_ratio == pytest.approx(1.05)


def test_of_two_on_one_grid_the_cheaper() -> None:
    found = cleaner(spot("eu-north-1", 2.4), spot("eu-north-1", 2.2))
    assert found is not None
    assert found.cost_ratio == pytest.approx(1.1)


@pytest.mark.parametrize(
    "other",
    [
        spot("eu-north-1", 1.0, price_term="on_demand"),
        spot("eu-north-1", 1.0, accelerator="a100-sxm4-80gb"),
        spot("eu-north-1", 1.0, effective_to=ON),
        spot("", 1.0),
        spot("ap-south-2-unknown", 1.0),
    ],
    ids=["another term", "another chip", "ended", "no region", "grid not known"],
)
def test_what_is_no_cleaner_place(other: PriceOffer) -> None:
    assert cleaner(other) is None


def test_a_provider_that_is_not_allowed_is_no_place() -> None:
    assert cleaner(spot("eu-north-1", 1.0), providers_allowed={"lambda"}) is None
    assert cleaner(spot("eu-north-1", 1.0), providers_allowed={"aws"}) is not None


def test_who_does_not_know_the_grid_here_is_not_told_that_another_is_cleaner() -> None:
    nowhere = replace(DIRTY, region=None)
    assert cleaner(spot("eu-north-1", 1.0), place=nowhere) is None


def test_the_newest_list_price_of_a_place_counts_and_old_ones_do_not() -> None:
    listed = replace(spot("eu-north-1", 3.0), is_own=False, effective_from=None, as_of=ON - timedelta(days=9))
    newer = replace(listed, slug="newer", usd_per_gpu_hour=2.5, as_of=ON - timedelta(days=1))
    old = replace(listed, slug="old", usd_per_gpu_hour=0.5, as_of=ON - timedelta(days=OFFER_DAYS_MAX + 1))

    def with_listed(*offers: PriceOffer) -> CleanerPlace | None:
        return cleaner(catalogue=replace(shipped(), prices=offers))

    found = with_listed(listed, newer, old)
    assert found is not None
    assert (found.offer, found.cost_ratio) == ("newer", pytest.approx(1.25))
    assert with_listed(old) is None


def test_it_is_advised_with_what_is_saved_and_kept_with_the_estimate() -> None:
    prices = [HERE, spot("eu-north-1", 2.1)]

    def size_other(workload: Workload, place: Place) -> Estimate:
        return size("pretraining", WORK, place, prices_own=prices)

    estimate = size_other(Workload.parse("pretraining", WORK), DIRTY)
    [found] = [
        each
        for each in advise(Workload.parse("pretraining", WORK), DIRTY, estimate, size_other)
        if each.id == "cleaner_place"
    ]
    assert found.kept_share.p50 == pytest.approx(grid("eu-north-1") / grid("ap-south-1"), rel=0.3)
    assert "eu-north-1 of aws, at 105\u00a0% of the price" in found.text
    assert Estimate.from_json(estimate.to_json()).cleaner_place == estimate.cleaner_place
