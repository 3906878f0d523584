"""Simulated histories: the published runs with hours drawn from the process, to try the procedure without truth."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

from estimator.validation.folds import is_weak, validate
from estimator.validation.process import GROUPS, SCALES, SINGLE_EFFECTS, Levels, Sample, single_effects
from estimator.validation.runs import Run
from estimator.validation.scores import Prediction

SEED = 20261121


def simulate(runs: Sequence[Run], histories: int, seed: int = SEED) -> Iterator[list[Prediction]]:
    """Held-out predictions of the runs in scope, one list for each made-up history of the same runs."""
    source = random.Random(seed)  # noqa: S311 (a simulation, not a secret)
    for _ in range(histories):
        drawn = draw_history(runs, source)
        judged = [run for run in drawn if not is_weak(run)]
        yield [each for fold in validate(judged, drawn) for each in fold.predictions]


def draw_history(runs: Sequence[Run], source: random.Random) -> list[Run]:
    """The same runs with hours drawn: standard deviations from the grid, then every effect, then every run."""
    scales = dict(zip(GROUPS, SCALES[source.randrange(len(SCALES))].tolist(), strict=True))
    levels = Levels.of(Sample(runs, [False] * len(runs)))
    single = {name: source.gauss(mean, deviation) for name, (mean, deviation) in SINGLE_EFFECTS.items()}
    generations = {name: source.gauss(0.0, scales["generation"]) for name in levels.generations}
    software = {name: source.gauss(0.0, scales["software"]) for name in levels.software} | {"": 0.0}
    developers = {name: source.gauss(0.0, scales["developer"]) for name in sorted({run.developer for run in runs})}
    drawn = []
    for run, smallness in zip(runs, Sample(runs, [False] * len(runs)).smallness, strict=True):
        log_utilisation = generations[run.generation] + software[run.software] + developers[run.developer]
        log_utilisation += sum(single[name] * much for name, much in single_effects(run, is_weak(run)).items())
        noise = math.hypot(scales["run"], scales["weak"] * is_weak(run), scales["small"] * smallness)
        log_utilisation += source.gauss(0.0, noise)
        drawn.append(replace(run, gpu_hours=run.busy_hours / math.exp(min(log_utilisation, 0.0))))
    return drawn
