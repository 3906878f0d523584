"""Where a budget is heading: the straight line that policies read, with the spread that past weeks show. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

WEEKS_MIN = 8
"""Fewer whole weeks of spending than this would make the spread a guess."""
# Standard normal quantile of 0.90.
_Z90 = 1.2815515655446004


@dataclass(frozen=True, slots=True)
class Forecast:
    """Spending at the end of the period, micro-units; what is promised already is the least it can be."""

    p10_micro: int
    p50_micro: int
    p90_micro: int


def forecast(
    *, spent_micro: int, promised_micro: int, elapsed_weeks: float, left_weeks: float, weekly_micro: Sequence[int]
) -> Forecast | None:
    """Spending at the end of the period if it goes on as so far; None when there is too little data.

    Source: p50 is the straight line through start and now. A week's spending varies with standard deviation s, so
    the sum over n weeks that are left varies with s x sqrt(n); p10 and p90 lie 1.28 of these away.

    Args:
        promised_micro: held, committed and spent together.
        elapsed_weeks, left_weeks: of the period; not negative.
        weekly_micro: spending of each whole week so far, those without any included.
    """
    if len(weekly_micro) < WEEKS_MIN or elapsed_weeks <= 0 or spent_micro <= 0:
        return None
    middle = spent_micro * (elapsed_weeks + left_weeks) / elapsed_weeks
    spread = _Z90 * statistics.pstdev(weekly_micro) * math.sqrt(max(0.0, left_weeks))
    low, high = max(middle - spread, spent_micro), middle + spread
    return Forecast(
        max(promised_micro, round(low)), max(promised_micro, round(middle)), max(promised_micro, round(high))
    )
