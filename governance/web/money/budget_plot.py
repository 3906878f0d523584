"""Spending against a limit over one period, laid out as numbers; `budgets/plot.html` draws it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from governance.display import dates, numbers, reader
from governance.domain.money.money import to_units
from governance.selectors.money.budgets import BudgetPage

WIDTH, HEIGHT = 1116, 326
LEFT, RIGHT, TOP, BOTTOM = 64.0, 1000.0, 14.0, 298.0
# A label this close to another would be read with it.
LABEL_GAP = 15.0
LEVELS_MAX = 6
MONTH_ROOM = 24.0


@dataclass(frozen=True, slots=True)
class Tick:
    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table that says the same as the plot."""

    name: str
    amount: str
    total: str


@dataclass(frozen=True, slots=True)
class SpendPlot:
    """Positions in user units of the drawing; `label` is the text alternative."""

    width: int
    height: int
    left: float
    right: float
    bottom: float
    label: str
    spent_line: str
    now_x: float
    now_text: str
    limit_y: float
    limit_text: str
    promised_y: float
    promised_height: float
    spent_y: float
    spent_text: str
    promised_text: str
    band: str
    band_end: str
    """The range at the end of the period: a band that is narrow beside the limit still has an end to be seen."""
    forecast_line: str
    ends: tuple[Tick, ...]
    levels: tuple[Tick, ...]
    months: tuple[Tick, ...]
    rows: tuple[Row, ...]


def spend_plot(found: BudgetPage, *, now: datetime) -> SpendPlot | None:
    """The plot of one budget; None when nothing has been spent and nothing is promised."""
    budget, forecast = found.budget, found.forecast
    limit, spent = to_units(budget.limit_micro), to_units(budget.spent_micro)
    promised = to_units(budget.held_micro + budget.committed_micro)
    if not limit or (not spent and not promised):
        return None
    start, end = budget.period_start, budget.period_end
    top = max([limit, spent + promised] + ([to_units(forecast.p90_micro)] if forecast else [])) * 1.08

    def x_of(at: datetime) -> float:
        share = (at - start) / (end - start)
        return round(LEFT + min(1.0, max(0.0, share)) * (RIGHT - LEFT), 1)

    def y_of(amount: float) -> float:
        return round(BOTTOM - min(1.0, max(0.0, amount / top)) * (BOTTOM - TOP), 1)

    until = min(max(now, start), end)
    now_x, spent_y, both_y = x_of(until), y_of(spent), y_of(spent + promised)
    points, total = [(LEFT, BOTTOM)], 0
    for week, amount in found.weekly:
        total += amount
        points.append((x_of(min(max(week, start), until)), y_of(to_units(total))))
    points.append((now_x, spent_y))
    band = band_end = line = ""
    ends: list[Tick] = []
    exact = numbers.exact
    text = f"Spent {exact(spent)}, held and committed {exact(promised)}, limit {exact(limit)}"
    if forecast is not None:
        low, middle, high = (to_units(each) for each in (forecast.p10_micro, forecast.p50_micro, forecast.p90_micro))
        band = f"{now_x},{spent_y} {RIGHT},{y_of(high)} {RIGHT},{y_of(low)}"
        band_end = f"M{RIGHT - 4} {y_of(high)}h8M{RIGHT} {y_of(high)}V{y_of(low)}M{RIGHT - 4} {y_of(low)}h8"
        line = f"{now_x},{spent_y} {RIGHT},{y_of(middle)}"
        ends = _apart(
            [
                (y_of(high), f"p90 {numbers.money(high)}"),
                (y_of(middle), f"p50 {numbers.money(middle)}"),
                (y_of(low), f"p10 {numbers.money(low)}"),
            ]
        )
        text += (
            f"; forecast at the end p10 {numbers.money(low)}, p50 {numbers.money(middle)}, p90 {numbers.money(high)}"
        )
    else:
        text += "; too little data for a forecast"
    return SpendPlot(
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        right=RIGHT,
        bottom=BOTTOM,
        label=text,
        spent_line=" ".join(f"{x},{y}" for x, y in points),
        now_x=now_x,
        now_text=f"today, {reader.day(now)}" if start <= now < end else reader.day(until),
        limit_y=y_of(limit),
        limit_text=f"Limit {exact(limit)}",
        promised_y=both_y,
        promised_height=round(spent_y - both_y, 1),
        spent_y=spent_y,
        spent_text=f"spent {exact(spent)}",
        promised_text=f"+ held and committed {exact(promised)}" if promised else "",
        band=band,
        band_end=band_end,
        forecast_line=line,
        ends=tuple(ends),
        levels=tuple(Tick(LEFT - 6, y_of(level), numbers.money(level)) for level in _round_levels(top)),
        months=tuple(_months(start, end, x_of)),
        rows=tuple(_rows(found)),
    )


def _rows(found: BudgetPage) -> list[Row]:
    """Spending week by week, then what is promised, where it leads and the limit."""
    rows, total = [], 0
    for week, amount in found.weekly:
        total += amount
        first = max(week, found.budget.period_start)
        rows.append(Row(reader.day(first), _cents(amount), _cents(total)))
    promised = found.budget.held_micro + found.budget.committed_micro
    rows.append(Row("Held and committed", _cents(promised), _cents(found.budget.spent_micro + promised)))
    if found.forecast is not None:
        ends = (("p10", found.forecast.p10_micro), ("p50", found.forecast.p50_micro), ("p90", found.forecast.p90_micro))
        rows += [Row(f"Forecast of the end, {name}", "", numbers.money(to_units(amount))) for name, amount in ends]
    return [*rows, Row("Limit", "", _cents(found.budget.limit_micro))]


def _cents(amount_micro: int) -> str:
    return numbers.cents(to_units(amount_micro))


def _apart(labels: list[tuple[float, str]]) -> list[Tick]:
    """Labels from the top down, none closer to the one above than can be read, none below the axis."""
    ys: list[float] = []
    for y, _ in labels:
        ys.append(max(y + 4, ys[-1] + LABEL_GAP if ys else TOP))
    excess = max(0.0, ys[-1] - BOTTOM) if ys else 0.0
    return [Tick(RIGHT + 8, round(y - excess, 1), text) for y, (_, text) in zip(ys, labels, strict=True)]


def _round_levels(top: float) -> list[float]:
    """0 and at most five round amounts below the top."""
    step = 10.0 ** math.floor(math.log10(top))
    step = next(size for size in (step * share for share in (0.1, 0.2, 0.25, 0.5, 1, 2)) if top / size < LEVELS_MAX)
    return [step * index for index in range(LEVELS_MAX) if step * index < top * 0.97]


def _months(start: datetime, end: datetime, x_of: Callable[[datetime], float]) -> list[Tick]:
    """The first of some months, at most six, in the reader's zone."""
    local = timezone.localtime(start)
    firsts: list[datetime] = []
    year, month = local.year, local.month
    while len(firsts) < 120:
        first = local.replace(year=year, month=month, day=1, hour=0, minute=0, second=0, microsecond=0)
        if first >= end:
            break
        if first >= start or not firsts:
            firsts.append(max(first, start))
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    stride = max(1, -(-len(firsts) // 6))
    ticks = [Tick(x_of(each), HEIGHT - 8.0, dates.month_name(timezone.localtime(each))) for each in firsts[::stride]]
    return [tick for tick in ticks if tick.x < RIGHT - MONTH_ROOM]
