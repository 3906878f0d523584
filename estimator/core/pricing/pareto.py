"""The Pareto front: what no other choice beats on every count at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from estimator.core.sizing.spread import Array


def pareto_front(objectives: Array) -> NDArray[np.intp]:
    """Positions of the rows that no other row dominates, in the order of the first column.

    A row dominates another that it does not exceed anywhere and undercuts somewhere; of equal rows the first stays.

    Args:
        objectives: shape (rows, counts), lower is better; infinity stands for what is not known.
    """
    order = np.lexsort(objectives.T[::-1])
    remaining = objectives[order]
    front = []
    # Each pass keeps the lowest row left and drops all that it dominates: rows × size of the front.
    while len(order):
        front.append(order[0])
        stays = (remaining < remaining[0]).any(axis=1)
        order, remaining = order[stays], remaining[stays]
    return np.array(front, dtype=np.intp)
