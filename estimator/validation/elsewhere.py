"""Shipped runs that may teach about a file of one's own: nobody's who is in it, none of its runs by another name."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from estimator.validation.runs import RUNS_FILE, Run, read_runs

SAME_PARAMETERS_WITHIN = 0.02
SAME_HOURS_WITHIN = 0.01
PREFIX_MIN = 3
"""`Meta` and `Meta AI` are one developer; two letters in common say nothing."""


def runs_elsewhere(own: Sequence[Run]) -> list[Run]:
    """The usable shipped runs that have nothing to do with a file; none for the shipped file itself."""
    developers = {_plain(run.developer) for run in own}
    names = {_plain(run.name) for run in own}
    return [
        run
        for run in read_runs(RUNS_FILE)[0]
        if not any(_is_same_developer(_plain(run.developer), each) for each in developers)
        and _plain(run.name) not in names
        and not any(_is_same_run(run, each) for each in own)
    ]


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _is_same_developer(one: str, other: str) -> bool:
    shorter, longer = sorted((one, other), key=len)
    return shorter == longer or (len(shorter) >= PREFIX_MIN and longer.startswith(shorter))


def _is_same_run(one: Run, other: Run) -> bool:
    return math.isclose(
        one.active_parameters, other.active_parameters, rel_tol=SAME_PARAMETERS_WITHIN
    ) and math.isclose(one.gpu_hours, other.gpu_hours, rel_tol=SAME_HOURS_WITHIN)
