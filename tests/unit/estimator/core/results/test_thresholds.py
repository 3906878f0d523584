from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from estimator.core.quantities import ZERO, Interval
from estimator.core.results.estimate import Estimate
from estimator.core.results.result import LineageCompute
from estimator.core.results.thresholds import exceeds, read_chip_thresholds, read_notices, read_thresholds, sum_lineage
from tests.unit.estimator.samples import ON, shipped, size

SMALL = {"parameters_billion": 1, "tokens_billion": 1}


def readings(direct: Interval, lineage: LineageCompute | None = None, on: date = ON):  # type: ignore[no-untyped-def]
    in_force = [row for row in shipped().thresholds if row.in_force_on(on)]
    return {r.id: r for r in read_thresholds(sum_lineage(direct, ZERO, lineage), lineage, None, in_force)}


def test_the_european_lines_are_strict_and_the_korean_one_is_inclusive() -> None:
    """Trap 16."""
    at_line = Interval.exact(1e25)
    assert not readings(at_line)["eu-systemic-risk"].exceeds
    assert readings(Interval.exact(1.000001e25))["eu-systemic-risk"].exceeds
    assert readings(Interval.exact(1e26))["kr-ai-basic-act"].exceeds
    assert not readings(Interval.exact(1e26))["us-ca-sb53-training"].exceeds


def test_rounding_does_not_cross_a_strict_line() -> None:
    a_hair_above = sum([1e24] * 10) * (1 + 1e-15)
    assert a_hair_above > 1e25
    assert not exceeds(a_hair_above, ">", 1e25)
    assert exceeds(1e25 * (1 - 1e-15), ">=", 1e25)


def test_the_median_does_exceed_and_the_ninth_decile_may() -> None:
    reading = readings(Interval(0.5e23, 0.9e23, 1.4e23))["eu-gpai-indicative"]
    assert not reading.exceeds
    assert reading.may_exceed


def test_the_lineage_is_summed_with_this_ask() -> None:
    lineage = LineageCompute(9e24, 9.5e24, 9.5e24, 1.1e25)
    reading = readings(Interval.exact(0.4e24), lineage)["eu-systemic-risk"]
    assert reading.p50 == pytest.approx(9.9e24)
    assert not reading.exceeds
    assert reading.may_exceed


def test_generated_data_counts_towards_the_cumulative_sum_alone() -> None:
    sums = sum_lineage(Interval.exact(1e22), Interval.exact(3e22), None)
    assert sums.direct.p50 == 1e22
    assert sums.cumulative.p50 == 4e22


def test_a_third_of_the_base_makes_a_modifier_and_the_fallbacks_hold_only_without_a_base() -> None:
    known = readings(Interval.exact(1.13e23), LineageCompute(base_model_flop=2.7e23, base_model_systemic=False))
    assert known["eu-modifier-third"].exceeds
    assert known["eu-modifier-third"].p50 == pytest.approx(0.4185, rel=1e-3)
    assert "eu-modifier-fallback-gpai" not in known
    unknown = readings(Interval.exact(4e22), LineageCompute(base_model_systemic=False))
    assert unknown["eu-modifier-fallback-gpai"].exceeds
    assert "eu-modifier-third" not in unknown
    systemic = readings(Interval.exact(4e22), LineageCompute(base_model_systemic=True))
    assert not systemic["eu-modifier-fallback-systemic"].exceeds
    assert "eu-modifier-fallback-gpai" not in systemic


def test_rescinded_and_future_lines_are_not_in_force() -> None:
    now = readings(Interval.exact(1e27))
    assert not any(name.startswith(("us-eo14110", "us-diffusion", "us-ny-raise")) for name in now)
    assert readings(Interval.exact(1e27), on=date(2024, 6, 1))["us-eo14110-training"].exceeds
    assert readings(Interval.exact(1e27), on=date(2027, 1, 1))["us-ny-raise-training"].exceeds
    assert "us-eo14110-training" not in readings(Interval.exact(1e27), on=date(2025, 1, 20))


def test_a_line_superseded_before_its_first_day_is_never_in_force() -> None:
    row = next(row for row in shipped().thresholds if row.id == "us-ny-raise-cost-original")
    assert not any(row.in_force_on(day) for day in (date(2026, 12, 31), date(2027, 1, 1), date(2027, 1, 2)))


@pytest.mark.parametrize(
    ("chip", "lines"),
    [
        ("a100-sxm4-80gb", {"us-3a090-a1", "us-3a090-a2"}),
        ("h100-sxm5-80gb", {"us-3a090-a1", "us-3a090-a2"}),
        ("h20-96gb", set()),
        ("l4", {"us-3a090-a2"}),
        ("h200-sxm-141gb", {"us-3a090-a1", "us-3a090-a2"}),
        ("a40", {"us-3a090-b2"}),
    ],
)
def test_chips_stand_where_the_export_rule_puts_them(chip: str, lines: set[str]) -> None:
    in_force = [row for row in shipped().thresholds if row.in_force_on(ON)]
    read = read_chip_thresholds(shipped().accelerators[chip], in_force)
    assert {r.id for r in read if r.exceeds} == lines


def test_an_unknown_die_leaves_a_density_line_open() -> None:
    in_force = [row for row in shipped().thresholds if row.in_force_on(ON)]
    undrawn = replace(shipped().accelerators["l4"], performance_density=None)
    reading = next(r for r in read_chip_thresholds(undrawn, in_force) if r.id == "us-3a090-a2")
    assert not reading.exceeds
    assert reading.may_exceed


def test_a_lease_may_train_and_does_not_surely_train() -> None:
    estimate = size("lease", window_hours=8766 * 8)
    reading = next(r for r in estimate.thresholds if r.id == "eu-gpai-indicative")
    assert estimate.run_flop_training is not None
    assert estimate.run_flop_training.p50 == 0.0
    assert not reading.exceeds
    assert reading.may_exceed


def test_small_work_exceeds_nothing() -> None:
    assert not any(reading.may_exceed for reading in size("pretraining", SMALL).thresholds)


HUGE = {"parameters_billion": 400, "tokens_billion": 8000}


def test_two_weeks_to_notify_start_with_the_estimate() -> None:
    """AI Act, article 52(1): within two weeks after the line is met, or it becomes known that it will be met."""
    found = size("pretraining", HUGE)
    [notice] = found.notices
    assert (notice.threshold, notice.jurisdiction, notice.limit) == ("eu-systemic-risk", "EU", 1e25)
    assert (notice.known_on, notice.due_on) == (ON, date.fromordinal(ON.toordinal() + 14))
    assert notice.instrument == "AI Act, Art 52(1)"
    assert notice.is_expected
    assert Estimate.from_json(found.to_json()) == found


def test_no_notice_below_the_line_nor_for_work_that_adds_nothing() -> None:
    assert size("pretraining", SMALL).notices == ()
    full = LineageCompute(2e25, 2e25, 2e25, 2e25)
    served = size(
        "inference_batch",
        {"parameters_billion": 1, "requests": 10, "input_tokens": 5, "output_tokens": 5},
        lineage=full,
    )
    assert next(reading for reading in served.thresholds if reading.id == "eu-systemic-risk").exceeds
    assert served.notices == ()


def test_a_jurisdiction_without_a_clock_starts_none() -> None:
    found = tuple(readings(Interval.exact(2e26)).values())
    assert {reading.jurisdiction for reading in found if reading.exceeds} > {"EU"}
    in_force = [row for row in shipped().thresholds if row.in_force_on(ON)]
    assert {notice.jurisdiction for notice in read_notices(found, in_force, ON)} == {"EU"}
    assert read_notices(found, [row for row in in_force if row.quantity != "notification_days"], ON) == ()


def test_an_estimate_stored_before_there_were_notices_is_read() -> None:
    stored = size("pretraining", HUGE).to_json()
    del stored["notices"]
    assert Estimate.from_json(stored).notices == ()
