"""Intervals and units: the numbers that every other module of the estimator passes around."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Z80 = 1.2815515655446004
"""Standard normal quantile of 0.90: p10 and p90 lie this many standard deviations from the median."""

GIB = 2**30
GB = 10**9
SECONDS_PER_HOUR = 3600.0
HOURS_PER_DAY = 24.0
HOURS_PER_MONTH = 720.0
"""A month of the run rate is 30 days, as in `estimate.run_rate_p90_usd_month`."""
HOURS_PER_YEAR = 8766.0
"""365.25 days: a reserved year and a year of ownership."""
TERA = 1e12
BILLION = 1e9
MILLION = 1e6


PETAFLOP_S_DAY = 8.64e19
"""FLOP of 1e15 FLOP/s for a day."""


class QuantityError(ValueError):
    """A number that may not enter or leave the estimator: NaN, infinite, or an interval out of order."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A quantity known as its 10 %, 50 % and 90 % quantile, in the unit that its field name states.

    # Invariant: all three are finite and p10 <= p50 <= p90. NaN and infinity stop here.
    """

    p10: float
    p50: float
    p90: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.p10) and math.isfinite(self.p50) and math.isfinite(self.p90)):
            raise QuantityError(f"an interval needs finite numbers, not `{self.p10}`, `{self.p50}`, `{self.p90}`")
        if not self.p10 <= self.p50 <= self.p90:
            raise QuantityError(f"an interval is ordered, unlike `{self.p10}`, `{self.p50}`, `{self.p90}`")

    @classmethod
    def exact(cls, value: float) -> Interval:
        """A quantity without uncertainty, such as a signed price."""
        return cls(value, value, value)

    @classmethod
    def lognormal(cls, median: float, sigma: float) -> Interval:
        """The 80 % interval of a log-normal quantity with this median and standard deviation of its logarithm."""
        factor = math.exp(Z80 * sigma)
        return cls(median / factor, median, median * factor)

    def to_the(self, exponent: float) -> Interval:
        """This positive quantity to a power; a negative one turns the ends round."""
        return Interval(*sorted((self.p10**exponent, self.p50**exponent, self.p90**exponent)))

    @property
    def half_width(self) -> float:
        """p90/p50, the factor that `estimate.half_width` states; 1.0 for an exact or a zero quantity."""
        return self.p90 / self.p50 if self.p50 > 0 else 1.0

    @property
    def is_exact(self) -> bool:
        return self.p10 == self.p90

    def scaled(self, factor: float) -> Interval:
        """The same quantity in other units, or `factor` times as much of it; `factor` is not negative."""
        if factor < 0:
            raise QuantityError(f"an interval is scaled by zero or more, not by `{factor}`")
        return Interval(self.p10 * factor, self.p50 * factor, self.p90 * factor)

    def rounded(self, digits: int) -> Interval:
        return Interval(round(self.p10, digits), round(self.p50, digits), round(self.p90, digits))

    def at_least(self, floor: float) -> Interval:
        return Interval(max(self.p10, floor), max(self.p50, floor), max(self.p90, floor))

    def to_json(self) -> dict[str, float]:
        return {"p10": self.p10, "p50": self.p50, "p90": self.p90}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Interval:
        return cls(float(data["p10"]), float(data["p50"]), float(data["p90"]))


ZERO = Interval(0.0, 0.0, 0.0)


def petaflop_s_days(flop: float) -> float:
    """FLOP in the older unit of training compute: 1e15 FLOP/s for a day."""
    return flop / PETAFLOP_S_DAY
