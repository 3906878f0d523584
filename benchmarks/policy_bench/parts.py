"""What benchmarks ask of the backtest's parts: all of them in one process, and fired rules as one number a row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from governance.policy.backends.bitmaps import RuleBits
from governance.policy.backends.columns import Columns
from governance.policy.backtest.backtest import OUTCOME_COLUMN, Backtest, Matrix, outcomes_of


def backtest_parts(backtest: Backtest, parts: Iterable[tuple[str, Columns]]) -> Matrix:
    """The matrix over many parts; each is done with before the next is read."""
    matrix = Matrix()
    for name, columns in parts:
        old = outcomes_of(columns.columns[OUTCOME_COLUMN], columns.count)
        matrix.add(old, backtest.outcomes(name, columns))
    return matrix


def masks(rules: Sequence[RuleBits], count: int) -> NDArray[np.uint64]:
    """Per row one number whose bit i says that rule i fired; for up to 64 rules."""
    together = np.zeros(count, np.uint64)
    for index, rule in enumerate(rules):
        together |= np.unpackbits(rule.fired, count=count).astype(np.uint64) << np.uint64(index)
    return together
