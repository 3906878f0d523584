"""Nested leave-one-developer-out: scales are chosen inside the training developers, errors are taken outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from estimator.core.quantities import Z80
from estimator.validation.process import GRID, Scales, log_utilisation, predict_grid
from estimator.validation.runs import Run, RunsError
from estimator.validation.scores import COVERAGE, Prediction

DEVELOPERS_MIN = 3
"""One to hold out, and two between which the scales can be chosen."""


@dataclass(frozen=True, slots=True)
class Fold:
    """What was chosen without one developer, and what it predicts for that developer's runs."""

    developer: str
    scales: Scales
    predictions: tuple[Prediction, ...]


def validate(runs: Sequence[Run]) -> tuple[Fold, ...]:
    """Predict each developer's runs from all the others'.

    Raises:
        RunsError: fewer than three developers.
    """
    names = developers_of(runs)
    if len(names) < DEVELOPERS_MIN:
        raise RunsError(f"runs of at least {DEVELOPERS_MIN} developers are needed; here are {len(names)}")
    return tuple(_fold(runs, name) for name in names)


def choose_scales(runs: Sequence[Run]) -> Scales:
    """The scales whose 80 % intervals have the lowest mean interval score, each developer left out in turn.

    Ties go to the earlier, simpler entry of the grid.
    """
    totals = np.zeros(len(GRID))
    for name in developers_of(runs):
        train, test = split(runs, name)
        mean, deviation = predict_grid(train, test, GRID)
        actual = log_utilisation(test)
        low, high = mean - Z80 * deviation, mean + Z80 * deviation
        missed = np.maximum(0.0, low - actual) + np.maximum(0.0, actual - high)
        totals += ((high - low) + missed * 2.0 / (1.0 - COVERAGE)).sum(axis=1)
    return GRID[int(np.argmin(np.round(totals, 9)))]


def developers_of(runs: Sequence[Run]) -> list[str]:
    return sorted({run.developer for run in runs})


def split(runs: Sequence[Run], developer: str) -> tuple[list[Run], list[Run]]:
    """Everybody else's runs, and this developer's."""
    return (
        [run for run in runs if run.developer != developer],
        [run for run in runs if run.developer == developer],
    )


def _fold(runs: Sequence[Run], developer: str) -> Fold:
    train, test = split(runs, developer)
    scales = choose_scales(train)
    mean, deviation = predict_grid(train, test, [scales])
    predictions = []
    for run, middle, spread in zip(test, mean[0], deviation[0], strict=True):
        # Hours fall as utilisation rises, so its upper end gives the lower hours.
        p10, p50, p90 = (
            run.busy_hours / float(np.exp(end)) for end in (middle + Z80 * spread, middle, middle - Z80 * spread)
        )
        predictions.append(Prediction(run.name, run.developer, p10, p50, p90, run.gpu_hours))
    return Fold(developer, scales, tuple(predictions))
