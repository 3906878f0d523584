"""Simulated histories: the published runs with hours drawn from the process, to try the procedure without truth."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

from estimator.validation.folds import is_weak, validate
from estimator.validation.process import EFFECTS, PRIOR_MEAN, REFERENCE_PARAMETERS, SCALES, Sample
from estimator.validation.runs import Run
from estimator.validation.scores import Prediction

CENTRE_SCALE = 0.3
SEED = 20261121


def simulate(runs: Sequence[Run], histories: int, seed: int = SEED) -> Iterator[list[Prediction]]:
    """Held-out predictions of the runs in scope, one list for each made-up history of the same runs."""
    source = random.Random(seed)  # noqa: S311 (a simulation, not a secret)
    for _ in range(histories):
        drawn = draw_history(runs, source)
        judged = [run for run in drawn if not is_weak(run)]
        yield [each for fold in validate(judged, drawn) for each in fold.predictions]


def draw_history(runs: Sequence[Run], source: random.Random) -> list[Run]:
    """The same runs with hours drawn: scales from the grid, then every effect, then every run."""
    scales = dict(zip(EFFECTS, SCALES[source.randrange(len(SCALES))].tolist(), strict=True))
    centre = PRIOR_MEAN + source.gauss(0.0, CENTRE_SCALE)
    generations = {name: source.gauss(0.0, scales["generation"]) for name in sorted({run.generation for run in runs})}
    developers = {name: source.gauss(0.0, scales["developer"]) for name in sorted({run.developer for run in runs})}
    experts, size, offset = (source.gauss(0.0, scales[name]) for name in ("experts", "size", "offset"))
    drawn = []
    for run, smallness in zip(runs, Sample(runs, [False] * len(runs)).smallness, strict=True):
        log_utilisation = centre + generations[run.generation] + developers[run.developer]
        log_utilisation += experts * run.is_mixture_of_experts
        log_utilisation += size * math.log(run.active_parameters / REFERENCE_PARAMETERS)
        log_utilisation += offset * is_weak(run)
        noise = math.hypot(scales["run"], scales["weak"] * is_weak(run), scales["small"] * smallness)
        log_utilisation += source.gauss(0.0, noise)
        drawn.append(replace(run, gpu_hours=run.busy_hours / math.exp(log_utilisation)))
    return drawn
