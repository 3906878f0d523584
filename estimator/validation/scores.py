"""Scores of interval predictions of GPU-hours, and the exact binomial band for a coverage."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

COVERAGE = 0.80


@dataclass(frozen=True, slots=True)
class Prediction:
    """Device-hours of one run as predicted without its developer, and as charged."""

    run: str
    developer: str
    p10: float
    p50: float
    p90: float
    actual: float

    @property
    def error(self) -> float:
        """|predicted/actual - 1|."""
        return abs(self.p50 / self.actual - 1.0)

    @property
    def is_covered(self) -> bool:
        return self.p10 <= self.actual <= self.p90

    @property
    def half_width_factor(self) -> float:
        return math.sqrt(self.p90 / self.p10)

    @property
    def interval_score(self) -> float:
        return interval_score(math.log(self.p10), math.log(self.p90), math.log(self.actual))


@dataclass(frozen=True, slots=True)
class Score:
    """What a rule achieves on some runs; lower is better for all but `coverage_80`, which is to be near 0.80."""

    n: int
    median_abs_error: float
    mean_abs_error: float
    coverage_80: float
    half_width_factor: float
    interval_score: float

    def to_json(self) -> dict[str, float | int]:
        return {name: getattr(self, name) for name in self.__slots__}


def interval_score(low: float, high: float, actual: float) -> float:
    """The width of an 80 % interval, plus ten times what it misses by; in the unit of its arguments.

    Source: Gneiting and Raftery 2007, Strictly Proper Scoring Rules, equation 43, at alpha 0.2.
    """
    missed = max(0.0, low - actual) + max(0.0, actual - high)
    return (high - low) + missed * 2.0 / (1.0 - COVERAGE)


def score(predictions: Sequence[Prediction]) -> Score:
    return Score(
        n=len(predictions),
        median_abs_error=statistics.median(each.error for each in predictions),
        mean_abs_error=statistics.fmean(each.error for each in predictions),
        coverage_80=statistics.fmean(each.is_covered for each in predictions),
        half_width_factor=statistics.median(each.half_width_factor for each in predictions),
        interval_score=statistics.fmean(each.interval_score for each in predictions),
    )


def binomial_band(n: int, share: float = COVERAGE, mass: float = 0.95) -> tuple[float, float]:
    """The shares between which the coverage of `n` independent runs lies with at least this probability, exactly."""
    tail = (1.0 - mass) / 2.0
    below, low, high = 0.0, 0, n
    for count in range(n + 1):
        below += math.comb(n, count) * share**count * (1.0 - share) ** (n - count)
        if below <= tail:
            low = count + 1
        if below >= 1.0 - tail:
            high = count
            break
    return low / n, high / n
