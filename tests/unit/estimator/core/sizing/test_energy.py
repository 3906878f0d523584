from __future__ import annotations

from dataclasses import replace

import pytest

from estimator.core.pricing.place import Place
from estimator.core.sizing.energy import choose_grid, choose_pue
from estimator.core.sizing.priors import Ledger
from tests.unit.estimator.samples import H100, shipped, size


def test_energy_is_power_times_hours_with_server_and_facility_once() -> None:
    estimate = size("lease", window_hours=100)
    assert estimate.energy_kwh is not None
    assert estimate.pue is not None
    assert estimate.energy_kwh.p50 == pytest.approx(800 * 0.7 * 0.72 * 1.75 * estimate.pue)
    assert "boundary" in {item.id for item in estimate.assumptions}


def test_carbon_is_energy_times_grid_in_kilograms() -> None:
    """Trap 14: g per kWh, kg per run."""
    estimate = size("lease", window_hours=100)
    assert estimate.energy_kwh is not None
    assert estimate.carbon_kg is not None
    assert estimate.grid_g_kwh is not None
    assert 10 < estimate.grid_g_kwh < 100
    assert estimate.carbon_kg.p50 == pytest.approx(estimate.energy_kwh.p50 * estimate.grid_g_kwh / 1000)


def test_a_cloud_region_has_its_own_grid_and_a_market_figure() -> None:
    place = Place(
        price_term="on_demand", provider="google-cloud", region="europe-north1", country="FI",
        accelerator="tpu-v5e", accelerator_count=8,
    )  # fmt: skip
    estimate = size("lease", place=place, window_hours=100)
    assert estimate.carbon_kg is not None
    assert estimate.carbon_market_kg is not None
    assert estimate.carbon_market_kg.p50 < estimate.carbon_kg.p50


def test_without_a_contract_there_is_no_market_figure() -> None:
    assert size("lease", window_hours=100).carbon_market_kg is None


def test_the_newest_year_is_used_and_rows_without_a_year_come_last() -> None:
    chosen = choose_grid(replace(H100, country="FR"), shipped(), Ledger())
    assert chosen is not None
    assert chosen.year == max(row.year or 0 for row in shipped().grid_by_code["FR"])
    undated = replace(shipped(), grid=tuple(row for row in shipped().grid if row.year is None))
    only = choose_grid(replace(H100, country="FR"), undated, Ledger())
    assert only is not None
    assert only.year is None


def test_an_unknown_place_has_energy_and_no_carbon() -> None:
    estimate = size("lease", place=replace(H100, country=None), window_hours=100)
    assert estimate.energy_kwh is not None
    assert estimate.carbon_kg is None
    assert "carbon_kg" in {gap.what for gap in estimate.missing}


def test_a_stated_range_of_effectiveness_keeps_both_ends() -> None:
    pue = choose_pue(Place(price_term="on_demand", provider="google-cloud"), shipped(), Ledger())
    assert pue is not None
    assert (pue.p10, pue.p90) == (1.1, 1.12)


def test_an_unknown_operator_is_taken_for_an_average_room() -> None:
    pue = choose_pue(Place(price_term="owned_pool"), shipped(), Ledger())
    assert pue is not None
    assert pue.p50 == 1.56


def test_a_part_without_a_power_figure_has_no_energy() -> None:
    estimate = size("lease", place=replace(H100, accelerator="trainium1"), window_hours=100)
    assert estimate.energy_kwh is None
    assert "Trainium1" in next(gap.why for gap in estimate.missing if gap.what == "energy_kwh")
