"""Arithmetic of intervals: deterministic, analytic, and never narrower than its parts.

Quantities here are products of positive, skewed factors, so each side of an interval is treated as a log-normal of
its own spread. Independent spreads add in quadrature; quantities that rise and fall together add end to end.
"""

from __future__ import annotations

import math

from estimator.core.quantities import ZERO, Interval

DAYS_PER_YEAR = 365.25
AGE_YEARS_MAX = 12.0
"""Beyond this a price is not made vaguer still; the age is shown all the same."""


def multiply(*factors: Interval) -> Interval:
    """The product of independent quantities.

    Source: the logarithm of a product of independent log-normals has the sum of their variances; applied to the lower
    and the upper half-width apart, so that skewed factors keep their skew.
    """
    median = math.prod(factor.p50 for factor in factors)
    if median == 0:
        # No logarithm of zero: take the ends as they are, which is never narrower.
        low, high = math.prod(factor.p10 for factor in factors), math.prod(factor.p90 for factor in factors)
        return Interval(low, median, high)
    lower = math.sqrt(sum(_log_ratio(factor.p50, factor.p10) ** 2 for factor in factors))
    upper = math.sqrt(sum(_log_ratio(factor.p90, factor.p50) ** 2 for factor in factors))
    return Interval(median / math.exp(lower), median, median * math.exp(upper))


def divide(dividend: Interval, divisor: Interval) -> Interval:
    """The quotient of independent quantities; the divisor is positive."""
    return multiply(dividend, invert(divisor))


def invert(interval: Interval) -> Interval:
    return Interval(1.0 / interval.p90, 1.0 / interval.p50, 1.0 / interval.p10)


def add(*terms: Interval) -> Interval:
    """The sum of quantities that rise and fall together, such as parts of one run; the cautious sum for a limit."""
    if not terms:
        return ZERO
    return Interval(sum(t.p10 for t in terms), sum(t.p50 for t in terms), sum(t.p90 for t in terms))


def aged(price: Interval, age_days: int, drift_year: Interval) -> Interval:
    """A price of `age_days` ago as a price of today: the spread grows with the root of the age.

    Args:
        drift_year: the catalogue's prior for the change of a price within one year, as a factor around 1.
    """
    years = min(max(age_days, 0) / DAYS_PER_YEAR, AGE_YEARS_MAX)
    if years == 0:
        return price
    root = math.sqrt(years)
    drift = Interval(drift_year.p10**root, 1.0, drift_year.p90**root)
    return multiply(price, drift)


def spread(values: list[float]) -> Interval:
    """The empirical 10 %, 50 % and 90 % quantile of some values, by linear interpolation between order statistics."""
    ordered = sorted(values)
    low, median, high = (_quantile(ordered, share) for share in (0.1, 0.5, 0.9))
    return Interval(low, median, high)


def _quantile(ordered: list[float], share: float) -> float:
    position = share * (len(ordered) - 1)
    index = int(position)
    if index + 1 >= len(ordered):
        return ordered[-1]
    return ordered[index] + (ordered[index + 1] - ordered[index]) * (position - index)


def _log_ratio(high: float, low: float) -> float:
    """ln(high/low), taken as a very wide spread where the lower end is zero."""
    return math.log(high / low) if low > 0 else 30.0
