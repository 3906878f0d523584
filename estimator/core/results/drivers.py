"""What makes an estimate uncertain: each factor held at its ends alone, the widest swing first (a tornado)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from estimator.core.quantities import Interval
from estimator.core.results.result import Estimate
from estimator.core.sizing.priors import Ledger

DRIVERS_MAX = 8
Sizer = Callable[[Ledger], Estimate]
"""The same estimate again, with a ledger of one's own: `functools.partial(estimate, …)` under one argument."""


@dataclass(frozen=True, slots=True)
class Driver:
    """One uncertain factor, and the median of a quantity with that factor at its 10 % and 90 % end."""

    id: str
    text: str
    factor: Interval
    low: float
    high: float

    @property
    def swing(self) -> float:
        """How far the median moves, in the unit of the quantity."""
        return abs(self.high - self.low)

    def to_json(self) -> dict[str, Any]:
        return {"id": self.id, "text": self.text, "factor": self.factor.to_json(), "low": self.low, "high": self.high}


def find_drivers(size: Sizer, quantity: str = "cost_usd") -> tuple[Driver, ...]:
    """The factors that move the median of a quantity, widest swing first.

    Args:
        quantity: a field of `Estimate` that is an interval; where it is not known there are no drivers.
    """
    ledger = Ledger()
    if _median(size(ledger), quantity) is None:
        return ()
    drivers = []
    for slug, (text, interval) in ledger.factors.items():
        ends = [
            _median(size(Ledger(pins={slug: Interval.exact(end)})), quantity) for end in (interval.p10, interval.p90)
        ]
        if ends[0] is not None and ends[1] is not None and ends[0] != ends[1]:
            drivers.append(Driver(slug, text, interval, ends[0], ends[1]))
    return tuple(sorted(drivers, key=lambda driver: (-driver.swing, driver.id))[:DRIVERS_MAX])


def _median(estimate: Estimate, quantity: str) -> float | None:
    value: Interval | None = getattr(estimate, quantity)
    return None if value is None else value.p50
