"""Shipped runs that may teach about a file of one's own: nobody's who is in it, none of its runs by another name."""

from __future__ import annotations

import math
from collections.abc import Sequence

from estimator.validation.developers import is_same_developer, plain_name
from estimator.validation.runs import RUNS_FILE, Run, read_runs

SAME_WORK_WITHIN = 0.02


def runs_elsewhere(own: Sequence[Run]) -> list[Run]:
    """The usable shipped runs that have nothing to do with a file; none for the shipped file itself.

    # Invariant: hours are not looked at, so those of a file cannot choose what teaches about it.
    """
    developers = {run.developer for run in own}
    names = {plain_name(run.name) for run in own}
    return [
        run
        for run in read_runs(RUNS_FILE)[0]
        if not any(is_same_developer(run.developer, each) for each in developers)
        and plain_name(run.name) not in names
        and not any(_is_same_work(run, each) for each in own)
    ]


def _is_same_work(one: Run, other: Run) -> bool:
    """Whether two runs may be one by two names: as many active parameters, and as many tokens."""
    return all(
        math.isclose(*pair, rel_tol=SAME_WORK_WITHIN)
        for pair in ((one.active_parameters, other.active_parameters), (one.tokens, other.tokens))
    )
