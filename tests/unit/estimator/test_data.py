"""The shipped data: units, traps of the sources, and rows that must stay."""

from __future__ import annotations

import re
from datetime import date

import pytest

from estimator.loader import DATA_DIR
from tests.unit.estimator.samples import shipped, shipped_rows


def by_slug(table: str) -> dict[str, dict[str, object]]:
    return {row["slug"]: row for row in shipped_rows()[table]}


@pytest.mark.parametrize(
    ("table", "count"),
    [("accelerators", 77), ("prices", 1403), ("purchase_prices", 124), ("token_prices", 1390), ("grid_carbon", 677),
     ("facilities", 20), ("thresholds", 23)],
)  # fmt: skip
def test_no_row_of_the_sources_was_lost(table: str, count: int) -> None:
    assert len(shipped_rows()[table]) == count


def test_every_row_has_a_source_and_a_licence() -> None:
    for rows in shipped_rows().values():
        assert all(row["source"] and row["licence"] for row in rows)


def test_peaks_are_dense() -> None:
    """Trap 1: the printed sparse figures are 1979 (H100), 242 (L4), 733 (L40S), 250 (A10)."""
    peaks = {"h100-sxm5-80gb": 989.4, "l4": 121.0, "l40s": 362.0, "a10": 125.0}
    for slug, peak in peaks.items():
        assert by_slug("accelerators")[slug]["dense_tflop_s_16bit"] == peak


def test_parts_of_every_maker_stand_beside_nvidia() -> None:
    assert {"tpu-v5e", "tpu-v7-ironwood", "trainium2", "mi300x", "gaudi3", "maia-100"} <= set(shipped().accelerators)


def test_total_processing_performance_is_the_largest_of_dense_rate_times_bits() -> None:
    for row in shipped_rows()["accelerators"]:
        rates = [
            (row["dense_tflop_s_fp32"], 32), (row["dense_tflop_s_16bit"], 16), (row["dense_tflop_s_fp8"], 8),
            (row["dense_tera_op_s_int8"], 8), (row["dense_tflop_s_fp4"], 4), (row["dense_tflop_s_tf32"], 19),
            (row["dense_tflop_s_fp64"], 64),
        ]  # fmt: skip
        assert row["tpp"] == pytest.approx(max((rate or 0) * bits for rate, bits in rates), rel=0.35), row["slug"]


def test_density_is_performance_over_die() -> None:
    for row in shipped_rows()["accelerators"]:
        if row["tpp"] and row["die_mm2"]:
            assert row["performance_density"] == pytest.approx(row["tpp"] / row["die_mm2"], rel=0.02), row["slug"]


def test_one_seller_has_one_row_whatever_its_spelling() -> None:
    names = [re.sub(r"[^a-z0-9]", "", str(row["name"]).lower()) for row in shipped_rows()["providers"]]
    assert len(names) == len(set(names))
    aliases = {row["printed"].casefold(): row["provider"] for row in shipped_rows()["provider_aliases"]}
    assert aliases["gcp"] == aliases["gemini"] == "google-cloud"
    assert aliases["bedrock_converse"] == "aws"


def test_a_spot_price_equal_to_on_demand_prices_nothing() -> None:
    """Trap 17: Azure's H100 spot is printed at its on-demand price."""
    doubted = [row for row in shipped_rows()["prices"] if row["doubt"] and row["accelerator"]]
    assert [(row["provider"], row["accelerator"], row["price_term"]) for row in doubted] == [
        ("azure", "h100-sxm5-80gb", "spot")
    ]
    assert not any(offer.slug == doubted[0]["slug"] for offer in shipped().prices)


def test_prices_without_a_known_part_are_kept_and_price_nothing() -> None:
    unnamed = [row for row in shipped_rows()["prices"] if not row["accelerator"]]
    assert 0 < len(unnamed) < 110
    assert all(row["doubt"] for row in unnamed)
    assert all(offer.accelerator in shipped().accelerators for offer in shipped().prices)


def test_node_prices_are_per_device() -> None:
    """The printed price of a DGX H100 is 300,000 USD for eight."""
    assert all(
        row["usd_per_device"] < 60_000 for row in shipped_rows()["purchase_prices"] if "h100" in row["accelerator"]
    )


def test_rescinded_lines_stay_with_their_dates() -> None:
    rows = by_slug("thresholds")
    assert rows["us-eo14110-training"]["effective_to"] == date(2025, 1, 20)
    assert rows["us-eo14110-training"]["status"] == "rescinded"
    assert all(row["effective_from"] for row in rows.values())


def test_grid_rows_without_a_year_are_kept_and_marked() -> None:
    undated = [row for row in shipped_rows()["grid_carbon"] if not row["is_year_stated"]]
    assert len(undated) == 181
    assert all(row["year_to"] is None for row in undated)


def test_ranges_of_effectiveness_keep_both_ends() -> None:
    ranges = [(row["pue_low"], row["pue_high"]) for row in shipped_rows()["facilities"]]
    assert (1.09, 1.12) in ranges
    assert all(low <= high for low, high in ranges)


def test_priors_are_shares_where_they_are_shares() -> None:
    for prior in shipped().priors:
        assert prior.p10 <= prior.p50 <= prior.p90
        if prior.quantity in ("training_mfu", "prefill_mfu", "decode_bandwidth_utilisation", "board_power_share"):
            assert prior.p10 > 0
            # The 90 % end of a tiny model's run is where no run can be beyond.
            assert prior.p90 < 1 or (prior.applies_to.endswith("_tiny") and prior.p90 == 1)


def test_the_readme_counts_the_rows() -> None:
    text = (DATA_DIR / "README.md").read_text(encoding="utf-8")
    for table, rows in shipped_rows().items():
        assert f"| {table}.csv | {len(rows):,} |" in text


def test_indexes_hold_every_price_once() -> None:
    snapshot = shipped()
    assert sum(len(rows) for rows in snapshot.prices_by_part.values()) == len(snapshot.prices)
    assert sum(len(rows) for rows in snapshot.prices_by_place.values()) == len(snapshot.prices)
