"""Plots of the estimator page as numbers: offers by cost and time, drivers, and lines of a total."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from estimator.core.results.compare import Comparison
from estimator.core.results.drivers import Driver
from governance.display import numbers

WIDTH, HEIGHT = 720, 320
LEFT, RIGHT, TOP, BOTTOM = 64.0, 704.0, 14.0, 280.0
POINTS_MAX = 150
RADII = (3.0, 5.0, 7.5)
TICKS_MAX = 6


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Point:
    """One offer: `css` says whether it is on the front; a dashed ring means that its carbon is not known."""

    x: float
    y: float
    radius: float
    css: str
    title: str


@dataclass(frozen=True, slots=True)
class Scatter:
    """Offers by cost (across) and wall time (up), both logarithmic; the area of a point grows with its carbon."""

    width: int
    height: int
    left: float
    right: float
    top: float
    bottom: float
    points: tuple[Point, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    label: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A horizontal bar between its words and its figure; per cent of the room that there is."""

    x: float
    width: float
    text: str
    figure: str


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars on one axis, and where the median lies on it."""

    middle_x: float | None
    bars: tuple[Bar, ...]


def offer_scatter(comparison: Comparison) -> Scatter | None:
    """The cheapest offers that count and the whole front; None where fewer than two can be drawn."""
    lines = [line for line in comparison.lines(POINTS_MAX) if line.cost_usd.p50 > 0 and line.wall_hours.p50 > 0]
    if len(lines) < 2:
        return None
    x_of, x_ticks = _log_axis([line.cost_usd.p50 for line in lines], LEFT + 12, RIGHT - 12, numbers.money)
    y_of, y_ticks = _log_axis([line.wall_hours.p50 for line in lines], BOTTOM - 12, TOP + 12, numbers.duration)
    carbon = sorted(line.carbon_kg.p50 for line in lines if line.carbon_kg)
    points = []
    for line in sorted(lines, key=lambda each: each.is_on_front):
        kilograms = line.carbon_kg.p50 if line.carbon_kg else None
        points.append(
            Point(
                x_of(line.cost_usd.p50),
                y_of(line.wall_hours.p50),
                _radius(kilograms, carbon),
                "this" if line.is_on_front else "hole" if kilograms is None else "used",
                f"{line.offer.slug}: {numbers.money(line.cost_usd.p50)} USD, {numbers.duration(line.wall_hours.p50)}, "
                f"{numbers.carbon(kilograms)}",
            )
        )
    front = sum(line.is_on_front for line in lines)
    label = (
        f"{len(lines)} offers by cost and wall time, both axes logarithmic; {front} that nothing beats on cost, time "
        "and carbon together; the table below has the figures"
    )
    return Scatter(WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM, tuple(points), tuple(x_ticks), tuple(y_ticks), label)


def driver_bars(drivers: Sequence[Driver], middle: float, write: Callable[[float], str]) -> Bars | None:
    """A tornado around the median: each bar from one end of a factor to the other."""
    if not drivers:
        return None
    low = min(middle, *(min(driver.low, driver.high) for driver in drivers))
    high = max(middle, *(max(driver.low, driver.high) for driver in drivers))
    span = (high - low) or 1.0

    def x_of(value: float) -> float:
        return round((value - low) / span * 100.0, 1)

    bars = []
    for driver in drivers:
        first, last = sorted((driver.low, driver.high))
        figure = f"{write(first)}{numbers.EN_DASH}{write(last)}"
        width = _seen(x_of(last) - x_of(first))
        bars.append(Bar(min(x_of(first), 100.0 - width), width, driver.text, figure))
    return Bars(x_of(middle), tuple(bars))


def line_bars(lines: Sequence[tuple[str, float]], write: Callable[[float], str]) -> Bars | None:
    """Lines of a total, longest first."""
    kept = sorted(((name, value) for name, value in lines if value > 0), key=lambda line: -line[1])
    if not kept:
        return None
    longest = kept[0][1]
    return Bars(None, tuple(Bar(0.0, _seen(value / longest * 100.0), name, write(value)) for name, value in kept))


def _seen(width: float) -> float:
    """Wide enough to be seen."""
    return max(0.6, round(width, 1))


def _radius(kilograms: float | None, ordered: Sequence[float]) -> float:
    """Small, middle or large by thirds of what is drawn; unknown is drawn small, and hollow."""
    if kilograms is None or len(ordered) < 3:
        return RADII[0]
    third = sum(value < kilograms for value in ordered) * 3 // len(ordered)
    return RADII[min(third, 2)]


def _log_axis(
    values: Sequence[float], start: float, end: float, write: Callable[[float], str]
) -> tuple[Callable[[float], float], list[Tick]]:
    low, high = math.log10(min(values)), math.log10(max(values))
    if high - low < 0.2:
        low, high = low - 0.1, high + 0.1

    def at(value: float) -> float:
        return round(start + (math.log10(value) - low) / (high - low) * (end - start), 1)

    steps = [m * 10.0**e for e in range(math.floor(low), math.ceil(high) + 1) for m in (1, 2, 5)]
    inside = [value for value in steps if low <= math.log10(value) <= high]
    stride = max(1, math.ceil(len(inside) / TICKS_MAX))
    return at, [Tick(at(value), write(value)) for value in inside[::stride]]
