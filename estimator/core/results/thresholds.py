"""Reading legal lines against a run: in force on a day, strict or inclusive, p50 does exceed, p90 may exceed."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta

from estimator.core.catalogue import Accelerator, ComputeThreshold
from estimator.core.quantities import Interval
from estimator.core.results.result import LineageCompute, Notice, ThresholdReading

EU_NOTIFICATION_DAYS = 14
EQUAL_WITHIN = 1e-12
"""Sums of FLOP that differ by less than this share are the same sum: rounding must not cross a strict line."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Training compute with this request included, in FLOP.

    `direct` changed parameters; `cumulative` adds synthetic data and starting weights; `ratio` is this lineage's
    change over its base model, None without a base of known compute.
    """

    direct: Interval
    cumulative: Interval
    ratio: Interval | None


def sum_lineage(training: Interval, generation: Interval, lineage: LineageCompute | None) -> Sums:
    """Add this ask to what the lineage holds; both ends together, the cautious sum for a limit."""
    before = lineage or LineageCompute()
    direct = _plus(before.direct_p50, before.direct_p90, training)
    both = Interval(*(a + b for a, b in zip(_ends(training), _ends(generation), strict=True)))
    cumulative = _plus(before.cumulative_p50, before.cumulative_p90, both)
    ratio = direct.scaled(1.0 / before.base_model_flop) if before.base_model_flop else None
    return Sums(direct, cumulative, ratio)


def read_thresholds(
    sums: Sums,
    lineage: LineageCompute | None,
    cluster_peak_flop_s: float | None,
    in_force: Iterable[ComputeThreshold],
) -> tuple[ThresholdReading, ...]:
    """Every compute threshold in force whose quantity is known."""
    quantities: dict[str, Interval | None] = {
        "training_flop_direct": sums.direct,
        "training_flop_cumulative": sums.cumulative,
        "modification_flop_ratio": sums.ratio,
        "cluster_peak_flop_s": None if cluster_peak_flop_s is None else Interval.exact(cluster_peak_flop_s),
    }
    if lineage is not None and lineage.base_model_systemic is not None and not lineage.base_model_flop:
        # The fallback lines hold only where the compute of the base is unknown.
        base = "systemic" if lineage.base_model_systemic else "other"
        quantities[f"modification_flop_{base}_base"] = sums.direct
    readings = []
    for row in in_force:
        value = quantities.get(row.quantity)
        if value is not None:
            readings.append(_reading(row, value.p50, value.p90))
    return tuple(readings)


def read_chip_thresholds(
    accelerator: Accelerator, in_force: Iterable[ComputeThreshold]
) -> tuple[ThresholdReading, ...]:
    """Export lines for one device: total processing performance, with a density band where stated."""
    if accelerator.tpp is None:
        return ()
    second = {"chip_density": accelerator.performance_density}
    readings = []
    for row in in_force:
        # A row with `<` describes who may ask for leniency; it is no line that a chip crosses.
        if row.quantity != "chip_tpp" or row.operator.startswith("<"):
            continue
        reading = _reading(row, accelerator.tpp, accelerator.tpp)
        if row.second_quantity is not None:
            value = second.get(row.second_quantity)
            if value is None:
                # An unknown die area leaves the question open: it may exceed, it does not surely exceed.
                reading = replace(reading, exceeds=False)
            elif not _within(value, row.second_minimum, row.second_below):
                reading = replace(reading, exceeds=False, may_exceed=False)
        readings.append(reading)
    return tuple(readings)


def exceeds(value: float, operator: str, limit: float) -> bool:
    """Whether a value stands beyond a line: `>` is strict, `>=` includes the line itself."""
    is_equal = math.isclose(value, limit, rel_tol=EQUAL_WITHIN)
    match operator:
        case ">":
            return value > limit and not is_equal
        case ">=":
            return value > limit or is_equal
        case "<":
            return value < limit and not is_equal
        case "<=":
            return value < limit or is_equal
        case _:
            raise ValueError(f"`{operator}` is not an operator of a threshold")


def notification_due_on(met_on: date) -> date:
    """The last day to notify the Commission of a model that met, or is known to meet, the systemic-risk threshold.

    Source: Regulation (EU) 2024/1689, article 52(1): without delay and in any event within two weeks.
    """
    return met_on + timedelta(days=EU_NOTIFICATION_DAYS)


def read_notices(
    readings: Iterable[ThresholdReading], in_force: Iterable[ComputeThreshold], known_on: date
) -> tuple[Notice, ...]:
    """The duties to notify that lines on cumulative compute start, with the days that the catalogue's law gives.

    Args:
        known_on: the day on which it becomes known that the line will be met; an estimate is such knowledge.
    """
    clocks = {row.jurisdiction: row for row in in_force if row.quantity == "notification_days"}
    notices = []
    for reading in readings:
        clock = clocks.get(reading.jurisdiction)
        if clock is None or reading.quantity != "training_flop_cumulative" or not reading.may_exceed:
            continue
        notices.append(
            Notice(
                threshold=reading.id,
                jurisdiction=reading.jurisdiction,
                instrument=", ".join(part for part in (clock.instrument, clock.article) if part),
                limit=reading.limit,
                days=int(clock.limit),
                known_on=known_on,
                due_on=known_on + timedelta(days=int(clock.limit)),
                is_expected=reading.exceeds,
            )
        )
    return tuple(notices)


def _reading(row: ComputeThreshold, p50: float, p90: float) -> ThresholdReading:
    ceiling = math.inf if row.limit_below is None else row.limit_below
    return ThresholdReading(
        id=row.id,
        jurisdiction=row.jurisdiction,
        instrument=row.instrument,
        quantity=row.quantity,
        operator=row.operator,
        limit=row.limit,
        unit=row.unit,
        p50=p50,
        p90=p90,
        exceeds=exceeds(p50, row.operator, row.limit) and p50 < ceiling,
        may_exceed=exceeds(p90, row.operator, row.limit) and p90 < ceiling,
    )


def _within(value: float, minimum: float | None, below: float | None) -> bool:
    return (minimum is None or value >= minimum) and (below is None or value < below)


def _plus(p50: float, p90: float, run: Interval) -> Interval:
    low = p50 * p50 / p90 if p90 > 0 else 0.0
    return Interval(min(low, p50) + run.p10, p50 + run.p50, max(p90, p50) + run.p90)


def _ends(interval: Interval) -> tuple[float, float, float]:
    return interval.p10, interval.p50, interval.p90
