from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from estimator.core.pricing.offers import PriceOffer
from estimator.core.pricing.prices import choose_price
from estimator.core.sizing.priors import Ledger
from tests.unit.estimator.samples import H100, ON, own_price, shipped, size


def test_an_own_price_wins_over_every_list_price() -> None:
    estimate = size("lease", place=replace(H100, provider="aws"), window_hours=10, prices_own=[own_price(2.95)])
    assert estimate.price is not None
    assert estimate.price.is_own
    assert estimate.price.usd_per_gpu_hour.is_exact
    assert estimate.price_age_days == 0


def test_an_own_price_of_the_region_comes_before_one_for_all() -> None:
    place = replace(H100, region="eu-north-1")
    offers = [
        own_price(2.0),
        own_price(3.0, slug="north", region="eu-north-1"),
        own_price(1.0, slug="x", region="else"),
    ]
    estimate = size("lease", place=place, window_hours=10, prices_own=offers)
    assert estimate.price is not None
    assert estimate.price.offer == "north"


def test_an_own_price_holds_from_its_first_day_until_before_its_last() -> None:
    offer = own_price(2.0, effective_from=date(2026, 3, 1), effective_to=date(2026, 6, 1))
    assert not offer.holds_on(date(2026, 2, 28))
    assert offer.holds_on(date(2026, 3, 1))
    assert offer.holds_on(date(2026, 5, 31))
    assert not offer.holds_on(date(2026, 6, 1))


def test_an_own_price_of_another_seller_or_term_is_not_used() -> None:
    offers = [own_price(1.0, provider="coreweave"), own_price(1.0, slug="y", price_term="spot")]
    price = choose_price(H100, shipped(), offers, ON, Ledger())
    assert price is not None
    assert not price.is_own


def test_a_pool_without_an_internal_rate_has_no_price() -> None:
    estimate = size("lease", place=replace(H100, price_term="owned_pool", provider=None), window_hours=10)
    assert estimate.price is None
    assert estimate.cost_usd is None
    assert "internal rate" in next(gap.why for gap in estimate.missing if gap.what == "price")


def test_a_missing_price_is_missing_and_never_zero() -> None:
    """Maia at Azure has no dated price."""
    estimate = size("lease", place=replace(H100, provider="azure", accelerator="maia-100"), window_hours=10)
    assert estimate.cost_usd is None
    assert estimate.cost_cap_usd is None
    assert {"price", "cost_usd"} <= {gap.what for gap in estimate.missing}


def test_a_price_of_the_future_is_not_known_yet() -> None:
    assert size("lease", window_hours=10, on=date(2016, 1, 1)).price is None


def test_an_older_price_widens_the_interval_and_shows_its_age() -> None:
    new, old = size("lease", window_hours=10), size("lease", window_hours=10, on=date(2028, 1, 1))
    assert new.price is not None
    assert old.price is not None
    assert old.price.age_days > new.price.age_days > 0
    assert old.half_width is not None
    assert new.half_width is not None
    assert old.half_width > new.half_width


def test_only_the_newest_list_prices_of_a_seller_are_used() -> None:
    """List prices of different dates are never pooled."""
    old = PriceOffer("old", "lambda", "h100-sxm5-80gb", "on_demand", 99.0, date(2024, 1, 1), "list")
    new = replace(old, slug="new", usd_per_gpu_hour=3.0, as_of=ON)
    catalogue = replace(shipped(), prices=(old, new))
    price = choose_price(H100, catalogue, (), ON, Ledger())
    assert price is not None
    assert price.offer == "new"
    assert price.usd_per_gpu_hour.p90 == 3.0


def test_without_a_provider_the_market_gives_the_spread() -> None:
    estimate = size("lease", place=replace(H100, provider=None), window_hours=10)
    assert estimate.price is not None
    assert estimate.price.usd_per_gpu_hour.half_width > 1.2
    assert "market" in {item.id for item in estimate.assumptions}


def test_a_region_is_recognised_whatever_its_spelling() -> None:
    base = PriceOffer("us", "lambda", "h100-sxm5-80gb", "on_demand", 5.0, ON, "list", region="East US")
    other = replace(base, slug="eu", usd_per_gpu_hour=7.0, region="West Europe")
    catalogue = replace(shipped(), prices=(base, other))
    price = choose_price(replace(H100, region="eastus"), catalogue, (), ON, Ledger())
    assert price is not None
    assert price.offer == "us"


def test_the_answer_does_not_depend_on_the_order_of_rows() -> None:
    backwards = replace(shipped(), prices=shipped().prices[::-1], facilities=shipped().facilities[::-1])
    for provider in ("lambda", "aws", None):
        place = replace(H100, provider=provider)
        assert size("lease", place=place, window_hours=10) == size(
            "lease", place=place, window_hours=10, catalogue=backwards
        )


def test_an_agreed_price_that_ends_before_the_work_is_a_warning_and_never_an_error() -> None:
    offer = own_price(2.0, effective_to=ON + timedelta(days=10))

    def is_warned(hours: float) -> bool:
        estimate = size("lease", place=H100, window_hours=hours, prices_own=[offer])
        return any("the agreed price ends" in warning for warning in estimate.warnings)

    assert [is_warned(hours) for hours in (239.0, 240.0, 241.0, 70_000_000.0)] == [False, False, True, True]
