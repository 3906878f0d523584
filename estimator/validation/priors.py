"""Utilisation priors for the catalogue: the fit to every usable run, read at one point of each class."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from estimator.core.duration import SIZE_BANDS, utilisation_class
from estimator.validation.folds import sample_of
from estimator.validation.process import Sample, predict
from estimator.validation.runs import Run

PRIORS_FILE = Path(__file__).parent.parent / "data" / "utilisation_priors.csv"
QUANTITY = "training_mfu"
UNSEEN = "any"
DIGITS = 4
SOURCE = "published_training_runs.csv of this folder, by `manage.py fit_priors` (docs/estimator.md, validation)"
NOTE = "model FLOP over dense 16-bit peak and the hours charged; failures inside the run included; a developer not seen"


def fit_priors(runs: Sequence[Run], as_of: date) -> list[dict[str, str]]:
    """Rows of the priors table: 10 %, 50 % and 90 % quantile of utilisation for each class.

    A class is a hardware generation, dense or mixture of experts, and a size at which the fit is read; a generation
    without runs has the row of `any`. `sample_size` counts the runs nearest to the class.
    """
    generations = [*sorted({run.generation for run in runs}), UNSEEN]
    points = list(_points(generations, runs[0]))
    # The class `any` is a generation that no run has, so that its own effect stays in the interval.
    quantiles = predict(sample_of(runs), Sample([run for _, run in points], [False] * len(points))).quantiles
    counts: dict[str, int] = {}
    for run in runs:
        for generation in (run.generation, UNSEEN):
            name = utilisation_class(generation, run.is_mixture_of_experts, _band(run.active_parameters))
            counts[name] = counts.get(name, 0) + 1
    rows = [
        _row(name, [math.exp(end) for end in ends], counts.get(name, 0), as_of)
        for (name, _), ends in zip(points, quantiles, strict=True)
    ]
    middle = utilisation_class(UNSEEN, False, "medium")
    whole = next(row for row in rows if row["applies_to"] == middle)
    return [*rows, whole | {"slug": "training-mfu-any", "applies_to": "any", "sample_size": str(len(runs))}]


def replace_priors(text: str, rows: Sequence[dict[str, str]]) -> str:
    """The priors file with its fitted rows replaced; rows of other quantities and of convolutional nets stay."""
    reader = csv.DictReader(io.StringIO(text))
    kept = [row for row in reader if row["quantity"] != QUANTITY or row["applies_to"] == "convolutional"]
    out = io.StringIO()
    writer = csv.DictWriter(out, reader.fieldnames or (), lineterminator="\n")
    writer.writeheader()
    writer.writerows([*rows, *kept])
    return out.getvalue()


def _points(generations: Sequence[str], template: Run) -> Iterator[tuple[str, Run]]:
    for generation in generations:
        for is_mixture in (False, True):
            for band, parameters in SIZE_BANDS.items():
                point = replace(
                    template,
                    developer="",
                    generation=generation,
                    is_mixture_of_experts=is_mixture,
                    active_parameters=parameters,
                    software="",
                    recomputed=None,
                    has_fused_attention=None,
                    devices=None,
                )
                yield utilisation_class(generation, is_mixture, band), point


def _row(name: str, ends: Sequence[float], count: int, as_of: date) -> dict[str, str]:
    low, middle, high = (f"{end:.{DIGITS}f}" for end in ends)
    return {
        "slug": f"training-mfu-{name.replace('_', '-')}",
        "quantity": QUANTITY,
        "applies_to": name,
        "p10": low,
        "p50": middle,
        "p90": high,
        "sample_size": str(count) if count else "",
        "as_of": as_of.isoformat(),
        "licence": "facts only",
        "source": SOURCE,
        "note": NOTE,
    }


def _band(active_parameters: float) -> str:
    return min(SIZE_BANDS, key=lambda band: abs(math.log(active_parameters / SIZE_BANDS[band])))
