"""Owning, hybrid fleets, hosting and what comes on top: arithmetic by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from estimator.core.errors import InputError
from estimator.core.pricing.offers import TokenPrice
from estimator.core.pricing.ownership import OwnershipTerms, best_hybrid, choose_hybrid, cost_over, own, service_load
from estimator.core.pricing.place import PriceTerm
from estimator.core.quantities import Interval
from estimator.core.results.exploration import Question, explore
from estimator.core.sizing.duration import Serving
from estimator.core.sizing.hosting import choose_hosting
from estimator.core.workload.extras import Extras, break_down
from estimator.core.workload.workload import Workload
from tests.unit.estimator.samples import H100, ON, shipped, size

BARE = OwnershipTerms(lifetime_years=5, residual_share=0, capital_cost_share=0, electricity_usd_kwh=0, support_share=0)


def test_every_line_of_an_owned_fleet() -> None:
    terms = OwnershipTerms(
        server_factor=1.5,
        interconnect_share=0.2,
        lifetime_years=4,
        residual_share=0.1,
        capital_cost_share=0.08,
        electricity_usd_kwh=0.1,
        pue=1.5,
        space_usd_kw_month=100,
        staff_usd_year=50_000,
        support_share=0.1,
    )
    fleet = own(10_000, 16, 1.0, terms)
    assert fleet.capital_usd == pytest.approx(16 * 10_000 * 1.5 / 0.8)
    assert fleet.depreciation == pytest.approx(300_000 * 0.9 / 4)
    assert fleet.financing == pytest.approx(12_000)
    assert fleet.power == pytest.approx(16 * 8766 * 0.1)
    assert fleet.cooling == pytest.approx(fleet.power * 0.5)
    assert fleet.space == pytest.approx(16 * 1.5 * 100 * 12)
    assert fleet.support == pytest.approx(30_000)
    assert fleet.usd_per_hour(0.5) == pytest.approx(2 * fleet.usd_per_hour(1.0))
    assert fleet.usd_per_hour(1.0) * 8766 * 16 == pytest.approx(fleet.usd_year)


def test_owning_breaks_even_where_its_hour_costs_the_rent() -> None:
    fleet = own(37_500, 8, 1.0, BARE)
    share = fleet.break_even_utilisation(2.0)
    assert share is not None
    assert fleet.usd_per_hour(share) == pytest.approx(2.0)
    assert fleet.break_even_utilisation(0.5) is None


def test_a_refresh_buys_the_fleet_again() -> None:
    fleet = own(10_000, 1, 0.0, BARE)
    assert cost_over(fleet, BARE, 5.0) == pytest.approx(10_000)
    assert cost_over(fleet, BARE, 10.0) == pytest.approx(20_000)
    assert cost_over(fleet, BARE, 7.5) == pytest.approx(15_000)


@pytest.mark.parametrize(("rent", "base"), [(0.5, 0), (1.5, 8), (6.0, 64)])
def test_the_best_owned_base_depends_on_the_rent(rent: float, base: int) -> None:
    """An owned device costs 8,766 USD a year: at 1.50 USD it pays from 5,844 hours, at 6.00 from 1,461."""
    load = [(8, 6_766.0), (64, 2_000.0)]
    assert best_hybrid(load, 8_766.0, rent).owned_devices == base
    everything = [best_hybrid([level], 8_766.0, rent).usd_year for level in load]
    assert best_hybrid(load, 8_766.0, rent).usd_year <= sum(everything) + 1e-6


@pytest.mark.parametrize("load", [[], [(-1, 5.0)], [(1, 9_000.0)]])
def test_a_load_that_cannot_be_is_refused(load: list[tuple[int, float]]) -> None:
    with pytest.raises(InputError):
        best_hybrid(load, 1.0, 1.0)


@pytest.mark.parametrize("terms", [{"pue": 0.9}, {"residual_share": 1.0}, {"lifetime_years": 0.0}])
def test_terms_out_of_range_are_named(terms: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(terms))):
        OwnershipTerms(**terms)


def test_zero_utilisation_is_refused() -> None:
    with pytest.raises(InputError, match="utilisation"):
        own(1.0, 1, 1.0, BARE).usd_per_hour(0.0)


def hosted_price(into: float, out: float) -> TokenPrice:
    return TokenPrice("t", "p", "m", into, out, None, None, None, ON, "list")


def test_own_replicas_and_a_hosted_model_meet_at_the_break_even() -> None:
    replica = Serving(2, 16, Interval.exact(5_000.0), Interval.exact(500.0), 100.0)

    def choose(million: float) -> tuple[float, float]:
        found = choose_hosting(
            input_million_month=million / 2,
            output_million_month=million / 2,
            replica=replica,
            usd_per_gpu_hour=2.0,
            hosted=hosted_price(5.0, 15.0),
        )
        assert found.break_even_million_month == pytest.approx(2 * 720 * 2.0 / 10.0)
        return found.own_usd_month, found.hosted_usd_month

    own_usd, hosted_usd = choose(288.0)
    assert own_usd == pytest.approx(hosted_usd)
    assert choose(100.0)[0] > choose(100.0)[1]
    assert choose(600.0)[0] < choose(600.0)[1]


def test_a_cheap_hosted_model_is_never_beaten() -> None:
    replica = Serving(8, 1, Interval.exact(100.0), Interval.exact(10.0), 100.0)
    found = choose_hosting(
        input_million_month=10,
        output_million_month=10,
        replica=replica,
        usd_per_gpu_hour=5.0,
        hosted=hosted_price(0.1, 0.2),
    )
    assert found.break_even_million_month is None


def test_extras_are_lines_of_the_total() -> None:
    extras = Extras(
        host_surcharge=0.25, storage_gb_months=1000, storage_usd_gb_month=0.02, egress_gb=500, egress_usd_gb=0.09
    )
    found = break_down(Interval(80.0, 100.0, 130.0), Interval.exact(10.0), extras)
    assert found.total == Interval(80 * 1.25 + 65, 100 * 1.25 + 65, 130 * 1.25 + 65)
    assert set(found.lines) == {"accelerators", "host", "storage", "egress"}
    assert found.shortfall == 0


def test_a_minimum_spend_is_owed_beyond_the_use() -> None:
    found = break_down(Interval(80.0, 100.0, 600.0), None, Extras(minimum_spend_usd=500))
    assert found.total == Interval(500.0, 500.0, 600.0)
    assert found.shortfall == 400.0


def test_an_estimate_carries_its_extras() -> None:
    plain = size("lease", is_sized=False, gpu_hours_cap=100)
    more = size("lease", is_sized=False, gpu_hours_cap=100, extras=Extras(staff_hours=10, staff_usd_hour=80))
    assert plain.cost_usd is not None
    assert more.cost_usd is not None
    assert more.cost_usd.p50 == pytest.approx(plain.cost_usd.p50 + 800)
    assert dict(more.cost_lines)["staff"] == Interval.exact(800.0)


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_an_extra_that_is_no_amount_is_refused(value: float) -> None:
    with pytest.raises(InputError, match="egress_gb"):
        Extras(egress_gb=value)


def test_a_renewable_contract_makes_the_market_based_carbon() -> None:
    located = size("lease", is_sized=False, gpu_hours_cap=100)
    contract = size("lease", is_sized=False, gpu_hours_cap=100, renewable_share=0.75)
    assert contract.carbon_kg == located.carbon_kg
    assert contract.carbon_kg is not None
    assert contract.carbon_market_kg is not None
    assert contract.carbon_market_kg.p50 == pytest.approx(0.25 * contract.carbon_kg.p50)
    assert contract.embodied_kg is not None
    assert contract.water_l is not None
    with pytest.raises(InputError, match="renewable_share"):
        size("lease", is_sized=False, gpu_hours_cap=100, renewable_share=1.5)


@pytest.mark.parametrize("ratio", [1.0, 2.0, 3.0, 8.0])
def test_a_service_load_has_the_stated_peak_over_mean(ratio: float) -> None:
    load = service_load(10_000, ratio)
    mean = sum(devices * hours for devices, hours in load) / sum(hours for _, hours in load)
    assert mean == pytest.approx(10_000 / ratio, rel=0.01)
    assert [devices for devices, _ in load] == sorted((devices for devices, _ in load), reverse=True)


def test_the_best_mix_is_no_dearer_than_either_extreme_and_between_them_where_it_pays() -> None:
    choice = choose_hybrid(service_load(64, 3.0), 8_766.0, 2.5)
    assert choice.best.usd_year < min(choice.owned_usd_year, choice.rented_usd_year)
    assert 0 < choice.best.owned_devices < choice.peak_devices <= 64
    assert choose_hybrid(service_load(64, 1.0), 8_766.0, 2.5).best.owned_devices == 64


def test_an_exploration_weighs_a_service_over_a_year_and_a_run_over_its_hours() -> None:
    place = replace(H100, accelerator_count=16)
    served = explore(
        Question(
            Workload.parse(
                "inference_online",
                {"parameters_billion": 70, "requests_per_day": 2_000_000, "input_tokens": 1500, "output_tokens": 300},
            ),
            place,
            shipped(),
            ON,
        )
    ).hybrid
    assert served is not None
    assert 0 < served.best.owned_devices < served.peak_devices
    run = Question(Workload.parse("pretraining", {"parameters_billion": 1, "tokens_billion": 20}), place, shipped(), ON)
    short = explore(run).hybrid
    assert short is not None
    assert (short.best.owned_devices, short.peak_devices) == (0, 16)
    owned = explore(replace(run, place=replace(place, price_term=PriceTerm.RESERVED_1Y)))
    assert owned.hybrid is None
