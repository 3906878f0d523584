"""Leave-one-developer-out: everything is learnt from the other developers, errors are taken on the one left out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from estimator.validation.process import Sample, predict
from estimator.validation.runs import Run, RunsError
from estimator.validation.scope import why_out_of_scope
from estimator.validation.scores import Prediction

DEVELOPERS_MIN = 3
"""One to hold out, and two between which a developer's own effect can be told from a run's."""


@dataclass(frozen=True, slots=True)
class Fold:
    """What was learnt without one developer, and what it predicts for that developer's runs.

    `scales` are the standard deviations of the effects, averaged over what the other developers leave possible.
    """

    developer: str
    training_runs: int
    scales: dict[str, float]
    predictions: tuple[Prediction, ...]


def validate(judged: Sequence[Run], known: Sequence[Run]) -> tuple[Fold, ...]:
    """Predict each developer's judged runs from the known runs of all the others.

    Args:
        judged: the runs whose errors count.
        known: every usable run; those outside the scope rule inform with a noise of their own.

    Raises:
        RunsError: fewer than three developers.
    """
    count = len(developers_of(known))
    if count < DEVELOPERS_MIN:
        raise RunsError(f"runs of at least {DEVELOPERS_MIN} developers are needed; here are {count}")
    return tuple(_fold(judged, known, name) for name in developers_of(judged))


def developers_of(runs: Sequence[Run]) -> list[str]:
    return sorted({run.developer for run in runs})


def split(runs: Sequence[Run], developer: str) -> tuple[list[Run], list[Run]]:
    """Everybody else's runs, and this developer's."""
    return (
        [run for run in runs if run.developer != developer],
        [run for run in runs if run.developer == developer],
    )


def is_weak(run: Run) -> bool:
    """Whether the scope rule leaves a run out."""
    return bool(why_out_of_scope(run.cells))


def sample_of(runs: Sequence[Run]) -> Sample:
    """Runs with what the scope rule says of each."""
    return Sample(runs, [is_weak(run) for run in runs])


def _fold(judged: Sequence[Run], known: Sequence[Run], developer: str) -> Fold:
    train, _ = split(known, developer)
    _, test = split(judged, developer)
    predicted = predict(sample_of(train), sample_of(test))
    predictions = []
    for run, (low, middle, high) in zip(test, predicted.quantiles, strict=True):
        # Hours fall as utilisation rises, so its upper end gives the lower hours.
        p10, p50, p90 = (run.busy_hours / math.exp(end) for end in (high, middle, low))
        predictions.append(Prediction(run.name, run.developer, p10, p50, p90, run.gpu_hours))
    return Fold(developer, len(train), predicted.expected_scales, tuple(predictions))
