"""How a request lies against compute thresholds: a plot as numbers, and one line of words per threshold.

Drawn on the server as inline SVG, so the page needs no script, and its text alternative comes from the same data.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from estimator.core.quantities import Z80, Interval
from estimator.core.results.result import Estimate, ThresholdReading
from governance.display.numbers import NBSP, against, figure, flop, flop_range, percent
from governance.models import ModelLineage
from governance.policy.decisions.fired import FiredRule
from governance.selectors.approvals.rule_lines import line_of

MARGIN = 10.0
# A line further away is told in words: on the plot it would push the question into a corner.
ABOVE_FACTOR = 3.0
BELOW_FACTOR = 10.0
FAR_FACTOR = 1e4
# Lines more than two decades apart are read on a logarithmic axis.
LOG_SPAN = 100.0
LINES_MAX = 4

QUANTITIES = {
    "training_flop_cumulative": "Lineage compute, synthetic data and base included",
    "training_flop_direct": "Compute that changed the model",
    "modification_flop_ratio": "Share of the base model's compute",
    "modification_flop_systemic_base": "Compute on a base with systemic risk",
    "modification_flop_other_base": "Compute on a base of unknown size",
    "cluster_peak_flop_s": "Peak of the cluster, FLOP/s",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A threshold, legal (solid) or the organisation's own (dashed)."""

    limit: float
    name: str
    is_legal: bool


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """One threshold in words. `mark` and `state`: does exceed is p50, may exceed is p90."""

    limit: str
    name: str
    quantity: str
    p50: str
    p90: str
    mark: str
    state: str


@dataclass(frozen=True, slots=True)
class Label:
    x: float
    text: str
    anchor: str = "middle"
    is_legal: bool = False


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the stacked bar: what the lineage holds, and this request."""

    x: float
    width: float
    css: str


@dataclass(frozen=True, slots=True)
class ThresholdPlot:
    """Positions for one drawing; `compact` ones are 350 wide and leave the labels of p10 to p90 to the text."""

    width: int
    is_compact: bool
    is_log: bool
    segments: tuple[Segment, ...]
    band_x: float
    band_width: float
    p50_x: float
    p90_x: float
    p10_label: Label
    p50_label: Label
    p90_label: Label
    lines: tuple[Label, ...]
    ticks: tuple[Label, ...]
    label: str


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The section of the decision page."""

    readings: Sequence[ReadingRow]
    mark: str
    headline: str
    wide: ThresholdPlot | None = None
    compact: ThresholdPlot | None = None
    keys: Sequence[tuple[str, str]] = field(default=())
    range: str = ""
    """p10 to p90 of the lineage's or the run's compute."""


def thresholds(estimate: Estimate, lineage: ModelLineage | None, fired: Sequence[FiredRule]) -> Thresholds:
    """Everything about thresholds that an approver reads."""
    readings = sorted(estimate.thresholds, key=lambda each: (not each.exceeds, not each.may_exceed, each.limit))
    mark, headline = _headline(readings)
    rows = [_row(each) for each in readings]
    quantity, interval = _plotted(estimate, lineage)
    if interval is None or interval.p50 <= 0:
        return Thresholds(rows, mark, headline)
    limits = [each.limit for each in readings]
    ends = flop_range(interval.p10, interval.p90, limits)
    lines = [Line(each.limit, _short(each), True) for each in readings if each.quantity == quantity]
    lines += _own_lines(fired)
    near = _near(lines, interval)
    if not near:
        return Thresholds(rows, mark, headline, range=ends)
    parts = _parts(interval, lineage, is_cumulative=quantity == "training_flop_cumulative")
    return Thresholds(
        rows,
        mark,
        headline,
        wide=_plot(interval, near, parts, width=750, name=QUANTITIES[quantity]),
        compact=_plot(interval, near, parts, width=350, name=QUANTITIES[quantity]),
        keys=[(css, f"{text}{NBSP}{flop(amount)}") for css, text, amount in parts]
        + [("range", "p10–p90 of the sum" if len(parts) > 1 else "p10–p90")],
        range=ends,
    )


def chance_above(interval: tuple[float, float], limit: float) -> float:
    """Probability that a log-normal quantity with this p50 and p90 lies above a limit."""
    p50, p90 = interval
    if p50 <= 0:
        return 0.0
    sigma = math.log(p90 / p50) / Z80 if p90 > p50 else 0.0
    if sigma == 0:
        return 1.0 if p50 > limit else 0.0
    return 0.5 * math.erfc(math.log(limit / p50) / sigma / math.sqrt(2))


def _headline(readings: Sequence[ThresholdReading]) -> tuple[str, str]:
    """The highest line that is or may be crossed: the lower ones were the question of an earlier request."""
    if not readings:
        return "note", "No threshold applies"
    crossed = [each for each in readings if each.exceeds or each.may_exceed]
    if not crossed:
        return "ok", "Below every threshold"
    highest = max(crossed, key=lambda each: ("flop" in each.quantity and "ratio" not in each.quantity, each.limit))
    if highest.exceeds:
        return "review", f"Exceeds {_line_words(highest)}"
    chance = chance_above((highest.p50, highest.p90), highest.limit)
    return "review", f"May exceed {_line_words(highest)}; chance {percent(chance)}"


def _line_words(reading: ThresholdReading) -> str:
    if reading.quantity == "modification_flop_ratio":
        return f"{figure(reading.limit, 2)} of the base"
    return f"{flop(reading.limit)}{NBSP}FLOP"


def _row(reading: ThresholdReading) -> ReadingRow:
    mark, state = ("ok", "Below")
    if reading.exceeds:
        mark, state = "review", "Exceeds"
    elif reading.may_exceed:
        chance = chance_above((reading.p50, reading.p90), reading.limit)
        mark, state = "review", f"May exceed, {percent(chance)}"
    return ReadingRow(
        limit=flop(reading.limit),
        name=f"{reading.jurisdiction}: {reading.instrument}",
        quantity=QUANTITIES.get(reading.quantity, reading.quantity.replace("_", " ")),
        p50=against(reading.p50, reading.limit),
        p90=against(reading.p90, reading.limit),
        mark=mark,
        state=state,
    )


def _plotted(estimate: Estimate, lineage: ModelLineage | None) -> tuple[str, Interval | None]:
    """The sum whose line is the question: the lineage's with everything in it, or the run's own."""
    if lineage is not None and estimate.training_flop_cumulative is not None:
        return "training_flop_cumulative", estimate.training_flop_cumulative
    return "training_flop_direct", estimate.training_flop_direct


def _short(reading: ThresholdReading) -> str:
    return f"{flop(reading.limit)} {reading.jurisdiction}"


def _own_lines(fired: Sequence[FiredRule]) -> list[Line]:
    """Limits of the organisation's own on the lineage's compute, from rules that fired."""
    found: dict[float, Line] = {}
    for rule in fired:
        leaf = line_of(rule)
        if leaf is not None and leaf.limit and any(fact.startswith("lineage.flop_") for fact in leaf.facts):
            found.setdefault(leaf.limit, Line(leaf.limit, f"{flop(leaf.limit)} {rule.parent}", False))
    return list(found.values())


def _near(lines: Sequence[Line], interval: Interval) -> list[Line]:
    """Lines close enough to matter, each limit once, a legal line before an own one; else the next one above."""
    kept: dict[float, Line] = {}
    for line in sorted(lines, key=lambda each: not each.is_legal):
        kept.setdefault(line.limit, line)
    found = [line for line in kept.values() if interval.p10 / BELOW_FACTOR <= line.limit <= interval.p90 * ABOVE_FACTOR]
    if not any(line.limit >= interval.p50 for line in found):
        above = [line for line in kept.values() if interval.p50 <= line.limit <= interval.p90 * FAR_FACTOR]
        found += [min(above, key=lambda each: each.limit)] if above else []
    nearest = sorted(found, key=lambda each: abs(math.log(each.limit / interval.p90)))
    return sorted(nearest[:LINES_MAX], key=lambda each: each.limit)


def _parts(whole: Interval, lineage: ModelLineage | None, *, is_cumulative: bool) -> list[tuple[str, str, float]]:
    """What the p50 of the sum is made of: CSS class, words, FLOP."""
    if lineage is None:
        return [("this", "this request", whole.p50)]
    direct = lineage.direct_flop_p50
    parts = [("spent", "so far", direct)] if direct else []
    if is_cumulative and lineage.cumulative_flop_p50 > direct:
        parts.append(("used", "data and base weights", lineage.cumulative_flop_p50 - direct))
    before = sum(amount for _, _, amount in parts)
    return [*parts, ("this", "this request", max(0.0, whole.p50 - before))]


def _plot(
    interval: Interval, lines: Sequence[Line], parts: Sequence[tuple[str, str, float]], *, width: int, name: str
) -> ThresholdPlot:
    shown = [interval.p10, interval.p90, *(line.limit for line in lines)]
    is_log = max(shown) / max(min(shown), 1e-300) > LOG_SPAN
    low, high = (
        (10 ** math.floor(math.log10(min(shown))), 10 ** math.ceil(math.log10(max(shown) * 1.05)))
        if is_log
        else (0.0, max(shown) * 1.28)
    )
    right = width - MARGIN

    def x_of(value: float) -> float:
        share = math.log(max(value, low) / low) / math.log(high / low) if is_log else value / high
        return round(MARGIN + min(1.0, max(0.0, share)) * (right - MARGIN), 1)

    is_compact = width < 500
    p10, p50, p90 = x_of(interval.p10), x_of(interval.p50), x_of(interval.p90)
    told = "; ".join(f"a threshold at {line.name}" for line in lines)
    limits = [line.limit for line in lines]
    return ThresholdPlot(
        width=width,
        is_compact=is_compact,
        is_log=is_log,
        segments=() if is_log else tuple(_segments(parts, x_of)),
        band_x=p10,
        band_width=max(2.0, round(p90 - p10, 1)),
        p50_x=p50,
        p90_x=p90,
        # The three labels stand apart: p10 under the band's beginning, p50 under the bar, p90 beside the diamond.
        p10_label=Label(min(p10, p50 - 90), f"p10 {flop(interval.p10, limits)}", "start" if p10 < 60 else "middle"),
        p50_label=Label(p50, f"p50 {flop(interval.p50, limits)}", "start" if p50 < 40 else "middle"),
        p90_label=Label(p90 + 10, f"p90 {flop(interval.p90, limits)}", "start")
        if p90 < right - 90
        else Label(p90 - 10, "", "end"),
        lines=tuple(_line_labels(lines, x_of, width)),
        ticks=tuple(_ticks(low, high, x_of, is_log=is_log, count=2 if is_compact else 5)),
        label=f"{name}: p10 {flop(interval.p10, limits)}, p50 {flop(interval.p50, limits)}, "
        f"p90 {flop(interval.p90, limits)} FLOP; {told}" + ("; logarithmic axis" if is_log else ""),
    )


def _segments(parts: Sequence[tuple[str, str, float]], x_of: Callable[[float], float]) -> list[Segment]:
    segments, total = [], 0.0
    for css, _, amount in parts:
        start, end = x_of(total), x_of(total + amount)
        segments.append(Segment(start, max(1.0, round(end - start, 1)), css))
        total += amount
    return segments


def _line_labels(lines: Sequence[Line], x_of: Callable[[float], float], width: int) -> list[Label]:
    """Lines with their names; a name that would touch the one before it is left to the table below the plot."""
    labels, free_from = [], -math.inf
    for line in lines:
        x, half = x_of(line.limit), 3.3 * len(line.name)
        anchor = "start" if x < half else "end" if x + half > width else "middle"
        begin = x - {"start": 0, "middle": half, "end": 2 * half}[anchor]
        text = line.name if begin >= free_from else ""
        if text:
            free_from = begin + 2 * half + 8
        labels.append(Label(x, text, anchor, line.is_legal))
    return labels


def _ticks(low: float, high: float, x_of: Callable[[float], float], *, is_log: bool, count: int) -> list[Label]:
    if is_log:
        first, last = round(math.log10(low)), round(math.log10(high))
        stride = max(1, math.ceil((last - first) / count))
        values = [10.0**exponent for exponent in range(first, last + 1, stride)]
    else:
        raw = high / count
        size = 10 ** math.floor(math.log10(raw))
        step = next(size * m for m in (1, 2, 2.5, 5, 10) if size * m >= raw * 0.8)
        values = [step * index for index in range(int(high / step) + 1)]
    labels = []
    for index, value in enumerate(values):
        is_last = index == len(values) - 1
        text = "0" if value == 0 else flop(value) + (f"{NBSP}FLOP" if is_last else "")
        x = x_of(value)
        labels.append(Label(x, text, "start" if index == 0 else "end" if is_last and x > x_of(high) - 40 else "middle"))
    return labels
