"""The capacity calendar as numbers: one bar for this request, one for each that wants the same machines meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from governance.display import dates
from governance.display.numbers import count
from governance.selectors.requests.capacity import Capacity, Claim

WIDTH = 750
LABEL_WIDTH = 150.0
RIGHT = 690.0
ROW_HEIGHT = 28
TOP = 20
# An open-ended claim is drawn up to here.
OPEN_ENDED = timedelta(days=180)
MONTHS_MAX = 8
NAME_CHARS_MAX = 19


@dataclass(frozen=True, slots=True)
class Bar:
    name: str
    x: float
    width: float
    y: int
    text: str
    css: str
    overlap_x: float = 0.0
    overlap_width: float = 0.0


@dataclass(frozen=True, slots=True)
class Month:
    x: float
    text: str


@dataclass(frozen=True, slots=True)
class CapacityPlot:
    """Positions for one drawing; `label` says the same in words."""

    width: int
    height: int
    bars: tuple[Bar, ...]
    months: tuple[Month, ...]
    label: str


def capacity_plot(capacity: Capacity) -> CapacityPlot:
    """Lay out the window of this request and what overlaps it."""
    claims = [capacity.mine, *capacity.others]
    begin = capacity.mine.starts_at - timedelta(days=7)
    end = max(_end(claim) for claim in claims)
    end = min(end, _end(capacity.mine) + timedelta(days=150)) + timedelta(days=7)
    span = (end - begin).total_seconds()

    def x_of(at: datetime) -> float:
        share = (at - begin).total_seconds() / span
        return round(LABEL_WIDTH + min(1.0, max(0.0, share)) * (RIGHT - LABEL_WIDTH), 1)

    mine_x, mine_end = x_of(capacity.mine.starts_at), x_of(_end(capacity.mine))
    bars = []
    for index, claim in enumerate(claims):
        x, until = x_of(claim.starts_at), x_of(_end(claim))
        start, stop = max(x, mine_x), min(until, mine_end)
        bars.append(
            Bar(
                name=claim.name
                if len(claim.name) <= NAME_CHARS_MAX
                else f"{claim.name[:NAME_CHARS_MAX].rstrip(' ,.')}…",
                x=x,
                width=max(2.0, round(until - x, 1)),
                y=TOP + 6 + index * ROW_HEIGHT,
                text=count(claim.count),
                css="this" if index == 0 else "used" if claim.is_granted else "held",
                overlap_x=start,
                overlap_width=round(max(0.0, stop - start), 1) if index else 0.0,
            )
        )
    told = "; ".join(
        f"{claim.name} {'holds' if claim.is_granted else 'requests'} {count(claim.count)} until {_last_day(claim)}"
        for claim in capacity.others
    )
    return CapacityPlot(
        width=WIDTH,
        height=TOP + 8 + ROW_HEIGHT * len(claims),
        bars=tuple(bars),
        months=tuple(Month(x_of(month), dates.month_name(month)) for month in _months(begin, end)),
        label=f"Capacity: this request needs {count(capacity.mine.count)} until {_last_day(capacity.mine)}"
        + (f"; {told}" if told else "; no conflict"),
    )


def _end(claim: Claim) -> datetime:
    return claim.ends_at or claim.starts_at + OPEN_ENDED


def _last_day(claim: Claim) -> str:
    return dates.full_day(dates.last_day(_end(claim)))


def _months(begin: datetime, end: datetime) -> list[datetime]:
    """First days of months within the window, at most `MONTHS_MAX` of them."""
    found = []
    month = begin.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for _ in range(36):
        month = (month + timedelta(days=32)).replace(day=1)
        if month >= end:
            break
        found.append(month)
    stride = -(-len(found) // MONTHS_MAX) or 1
    return found[::stride]
