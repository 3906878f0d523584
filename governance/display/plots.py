"""Plots as numbers: where band, bar, diamond, lines and ticks lie. The templates draw them as inline SVG.

Drawn on the server, so a page needs no script and no inline style, and its text alternative comes from the same data.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

WIDTH = 350
WIDE = 680
LEFT, RIGHT = 8.0, 342.0
LABEL_GAP = 46.0
# Limits more than two decades apart are read on a logarithmic axis.
LOG_DECADES = 2.0


@dataclass(frozen=True, slots=True)
class Limit:
    """A line that a quantity is read against. `is_hard` lines may not be passed and are drawn solid."""

    value: float
    label: str
    is_hard: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """A text or line at a horizontal position, in user units of the drawing."""

    x: float
    text: str
    anchor: str = "middle"
    is_hard: bool = False


@dataclass(frozen=True, slots=True)
class IntervalPlot:
    """One measured quantity: band p10–p90, bar at p50, diamond at the number that decides, lines at limits."""

    label: str
    width: int
    right: float
    height: int
    axis_y: float
    band_x: float
    band_width: float
    band_y: float
    bar_x: float
    diamond: str
    ticks: tuple[Mark, ...]
    limits: tuple[Mark, ...]
    is_log: bool
    rows: tuple[tuple[str, str], ...] = field(default=())


def interval_plot(
    *,
    p10: float,
    p50: float,
    p90: float,
    format_value: Callable[[float], str],
    name: str,
    format_line: Callable[[float], str] | None = None,
    format_deciding: Callable[[float], str] | None = None,
    deciding: float | None = None,
    limits: Sequence[Limit] = (),
    unit: str = "",
    is_log: bool | None = None,
    width: int = WIDTH,
) -> IntervalPlot:
    """Lay out one interval.

    Args:
        deciding: where the diamond lies; None draws none.
        format_value: how a value of this quantity is written.
        format_deciding: how the number that decides is written; None writes it like any value.
        format_line: how a round figure of it is written, at ticks and limits; None writes it like any value.
        width: of the drawing; `WIDE` fills a main column, `WIDTH` a side column or a phone.
        is_log: None chooses: logarithmic when the limits span more than two decades.
    """
    shown = [value for value in (p10, p50, p90, deciding, *(limit.value for limit in limits)) if value is not None]
    positive = [value for value in shown if value > 0]
    if is_log is None:
        is_log = bool(limits) and len(positive) > 1 and math.log10(max(positive) / min(positive)) > LOG_DECADES
    is_log = is_log and bool(positive)
    right = width - LEFT
    low, high, ticks = _log_axis(positive) if is_log else _linear_axis(max([*shown, 0.0]))

    def x_of(value: float) -> float:
        if is_log:
            share = (math.log10(max(value, low)) - math.log10(low)) / (math.log10(high) - math.log10(low))
        else:
            share = (value - low) / (high - low)
        return round(LEFT + min(1.0, max(0.0, share)) * (right - LEFT), 1)

    format_line, format_deciding = format_line or format_value, format_deciding or format_value
    has_limits = bool(limits)
    axis_y = 40.0 if has_limits else 26.0
    band_y = axis_y - 17
    decides = "" if deciding is None else _diamond(x_of(deciding), axis_y - 11)
    unit_text = f" {unit}" if unit else ""
    lines = "; ".join(f"{limit.label} at {format_line(limit.value)}{unit_text}" for limit in limits)
    label = (
        f"{name}: p10 {format_value(p10)}, p50 {format_value(p50)}, p90 {format_value(p90)}{unit_text}"
        + (f"; assessed at {format_deciding(deciding)}{unit_text}" if deciding is not None else "")
        + (f"; {lines}" if lines else "")
    )
    rows = [("p10", f"{format_value(p10)}{unit_text}"), ("p50", f"{format_value(p50)}{unit_text}")]
    rows += [("p90", f"{format_value(p90)}{unit_text}")]
    if deciding is not None:
        rows.append(("assessed at", f"{format_deciding(deciding)}{unit_text}"))
    rows += [(limit.label, f"{format_line(limit.value)}{unit_text}") for limit in limits]
    return IntervalPlot(
        label=label,
        width=width,
        right=right,
        height=int(axis_y + 22),
        axis_y=axis_y,
        band_x=x_of(p10),
        band_width=max(1.5, round(x_of(p90) - x_of(p10), 1)),
        band_y=band_y,
        bar_x=x_of(p50),
        diamond=decides,
        ticks=tuple(_tick_marks(ticks, x_of, format_line, unit_text, right)),
        limits=tuple(_limit_marks(limits, x_of, width)),
        is_log=is_log,
        rows=tuple(rows),
    )


def _linear_axis(largest: float) -> tuple[float, float, list[float]]:
    """0 to a round number above the largest value, with the middle marked."""
    if largest <= 0:
        return 0.0, 1.0, [0.0, 1.0]
    step = 10 ** math.floor(math.log10(largest))
    high = next(m * step for m in (1, 1.5, 2, 3, 4, 5, 6, 8, 10, 12, 15) if m * step >= largest * 1.12)
    return 0.0, high, [0.0, high / 2, high]


def _log_axis(values: Sequence[float]) -> tuple[float, float, list[float]]:
    """Whole decades around the values, at most five of them marked."""
    first = math.floor(math.log10(min(values)) - 0.3)
    last = math.ceil(math.log10(max(values)) + 0.3)
    stride = max(1, math.ceil((last - first) / 4))
    ticks = [10.0**exponent for exponent in range(first, last + 1, stride)]
    return 10.0**first, 10.0**last, ticks


def _tick_marks(
    values: Sequence[float],
    x_of: Callable[[float], float],
    format_value: Callable[[float], str],
    unit: str,
    right: float,
) -> list[Mark]:
    marks = []
    for index, value in enumerate(values):
        is_last = index == len(values) - 1
        x = x_of(value)
        anchor = "start" if index == 0 else "end" if x > right - 30 else "middle"
        text = "0" if value == 0 else format_value(value)
        marks.append(Mark(x, text + (unit if is_last and len(unit) < 8 else ""), anchor))
    return marks


def _limit_marks(limits: Sequence[Limit], x_of: Callable[[float], float], width: int) -> list[Mark]:
    """Lines with their labels; a label that would touch the one before it is left to the text alternative."""
    marks: list[Mark] = []
    free_from = -math.inf
    for limit in sorted(limits, key=lambda each: each.value):
        x = x_of(limit.value)
        half = 3.2 * len(limit.label)
        anchor = "start" if x - half < 0 else "end" if x + half > width else "middle"
        start = x - (0 if anchor == "start" else 2 * half if anchor == "end" else half)
        text = limit.label if start >= free_from else ""
        if text:
            free_from = start + 2 * half + 6
        marks.append(Mark(x, text, anchor, limit.is_hard))
    return marks


def _diamond(x: float, y: float) -> str:
    return f"M{x} {y - 5}l5 5-5 5-5-5z"


@dataclass(frozen=True, slots=True)
class HeadroomBar:
    """Used and held in grey, this request in the accent; `is_over` when it does not fit."""

    width: int
    height: int
    used_width: float
    request_width: float
    is_over: bool
    label: str


def headroom_bar(used_ratio: float, after_ratio: float, *, width: int = 64, height: int = 12) -> HeadroomBar:
    """A bar of the limit: what is used and held before, and what this request adds.

    Args:
        used_ratio, after_ratio: shares of the limit; above 1 the bar is full and says so.
    """
    used = min(1.0, max(0.0, used_ratio))
    after = min(1.0, max(used, after_ratio))
    used_width = round(used * width, 1)
    # A thin line still shows where this request lies when it is too small to have a width.
    request_width = 0.0 if after_ratio <= used_ratio else max(2.0, round((after - used) * width, 1))
    used_width = min(used_width, width - request_width)
    label = f"{used_ratio * 100:.1f}\u00a0% used and held before"
    label += f", {after_ratio * 100:.1f}\u00a0% after" if after_ratio != used_ratio else ""
    return HeadroomBar(width, height, used_width, request_width, after_ratio > 1.0, label)


@dataclass(frozen=True, slots=True)
class UsageBar:
    """Hours used in dark, with a line at the share of time gone."""

    width: int
    used_width: float
    time_x: float | None
    label: str


def usage_bar(used_ratio: float | None, time_ratio: float | None, *, width: int = 120) -> UsageBar:
    """A grant's use against its time; shares of the whole."""
    used = min(1.0, max(0.0, used_ratio or 0.0))
    time = None if time_ratio is None else round(min(1.0, max(0.0, time_ratio)) * width, 1)
    parts = [f"{used_ratio * 100:.0f}\u00a0% of hours used" if used_ratio is not None else "no use reported yet"]
    if time_ratio is not None:
        parts.append(f"{time_ratio * 100:.0f}\u00a0% of time gone")
    return UsageBar(width, round(used * width, 1), time, ", ".join(parts))
