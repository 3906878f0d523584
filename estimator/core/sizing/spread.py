"""Intervals by the thousand: the same analytic arithmetic as `uncertainty`, on NumPy columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from estimator.core.quantities import Interval

Array = NDArray[np.float64]
_WIDE = 30.0
"""ln(p50/p10) where the lower end is zero, as in `uncertainty`."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Columns of positive quantities: medians, and the squared lower and upper half-widths in the logarithm."""

    middle: Array
    lower_squared: Array
    upper_squared: Array

    @classmethod
    def of(cls, intervals: Sequence[Interval | None]) -> Spread:
        """Columns from intervals; a quantity that is not known becomes NaN."""
        ends = np.array([(i.p10, i.p50, i.p90) if i else (np.nan,) * 3 for i in intervals], dtype=np.float64)
        low, middle, high = ends.reshape(-1, 3).T
        with np.errstate(divide="ignore", invalid="ignore"):
            lower = np.where(low > 0, np.log(middle / low), np.where(middle > 0, _WIDE, 0.0))
            upper = np.where(middle > 0, np.log(high / middle), 0.0)
        return cls(middle, lower**2, upper**2)

    def times(self, other: Spread) -> Spread:
        """The product of independent quantities: squared half-widths add."""
        return Spread(
            self.middle * other.middle,
            self.lower_squared + other.lower_squared,
            self.upper_squared + other.upper_squared,
        )

    def scaled(self, factor: Array | float) -> Spread:
        return Spread(self.middle * factor, self.lower_squared, self.upper_squared)

    def at(self, index: NDArray[np.intp]) -> Spread:
        """The rows at these positions."""
        return Spread(self.middle[index], self.lower_squared[index], self.upper_squared[index])

    @property
    def low(self) -> Array:
        return np.asarray(self.middle / np.exp(np.sqrt(self.lower_squared)))

    @property
    def high(self) -> Array:
        return np.asarray(self.middle * np.exp(np.sqrt(self.upper_squared)))

    def interval(self, row: int) -> Interval | None:
        """One row as an interval, or None where it is not known."""
        if not np.isfinite(self.middle[row]):
            return None
        return Interval(float(self.low[row]), float(self.middle[row]), float(self.high[row]))
