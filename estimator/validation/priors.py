"""Utilisation priors for the catalogue: the fit to every usable run, read at one point of each class, and the effects
of what a run is trained with."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from estimator.core.quantities import Z80
from estimator.core.sizing.utilisation import (
    PRACTICE,
    REFERENCE_DEVICES,
    SIZE_BANDS,
    TENFOLD_DEVICES,
    utilisation_class,
)
from estimator.validation.folds import sample_of
from estimator.validation.process import Levels, Sample, fit, predict
from estimator.validation.runs import FUSED, RECOMPUTED, Run
from governance.display import numbers

PRIORS_FILE = Path(__file__).parent.parent / "data" / "utilisation_priors.csv"
QUANTITY = "training_mfu"
FITTED = (QUANTITY, PRACTICE)
UNSEEN = "any"
DIGITS = 4
SOURCE = "published_training_runs.csv of this folder, by `manage.py fit_priors` (docs/estimator.md, validation)"
NOTE = "model FLOP over dense 16-bit peak and the hours charged; failures inside the run included; a developer not seen"

PRACTICE_NOTE = "factor on the utilisation of the class, where it is stated; 1 where nothing is known"


def fit_priors(runs: Sequence[Run], as_of: date) -> list[dict[str, str]]:
    """Rows of the priors table: 10 %, 50 % and 90 % quantile of utilisation for each class, then of each practice.

    A class is a hardware generation, dense or mixture of experts, and a size at which the fit is read, nothing said of
    how it is trained; a generation without runs has the row of `any`. `sample_size` counts the runs nearest to it.
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
    whole = whole | {"slug": "training-mfu-any", "applies_to": "any", "sample_size": str(len(runs))}
    return [*rows, whole, *_practice_rows(runs, as_of)]


def replace_priors(text: str, rows: Sequence[dict[str, str]]) -> str:
    """The priors file with its fitted rows replaced; rows of other quantities and of convolutional nets stay."""
    reader = csv.DictReader(io.StringIO(text))
    kept = [row for row in reader if row["quantity"] not in FITTED or row["applies_to"] == "convolutional"]
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


def _practice_rows(runs: Sequence[Run], as_of: date) -> Iterator[dict[str, str]]:
    """Factors on utilisation, 1 where a row of the file says nothing: the 80 % interval of each effect alone."""
    known = sample_of(runs)
    fitted = fit(known, Levels.of(known))
    blank = replace(runs[0], software="", recomputed=None, has_fused_attention=None, devices=None)
    changed = {
        **{
            f"recompute_{word}": (replace(blank, recomputed=share), [run.recomputed == share for run in runs])
            for word, share in RECOMPUTED.items()
            if word
        },
        **{
            f"fused_attention_{word}": (
                replace(blank, has_fused_attention=is_fused),
                [run.has_fused_attention is is_fused for run in runs],
            )
            for word, is_fused in FUSED.items()
            if word
        },
        **{
            f"software_{word}": (replace(blank, software=word), [run.software == word for run in runs])
            for word in fitted.levels.software
        },
        TENFOLD_DEVICES: (replace(blank, devices=10 * REFERENCE_DEVICES), [run.devices is not None for run in runs]),
    }
    at_blank = Sample([blank], [False]).design(fitted.levels)[0]
    for name, (run, counted) in changed.items():
        mean, deviation = fitted.effect(Sample([run], [False]).design(fitted.levels)[0] - at_blank)
        ends = [math.exp(mean + times * deviation) for times in (-Z80, 0.0, Z80)]
        yield _row(name, ends, sum(counted), as_of, PRACTICE, PRACTICE_NOTE)


def _row(
    name: str, ends: Sequence[float], count: int, as_of: date, quantity: str = QUANTITY, note: str = NOTE
) -> dict[str, str]:
    low, middle, high = (numbers.typed(end, DIGITS) for end in ends)
    return {
        "slug": f"{quantity}-{name}".replace("_", "-"),
        "quantity": quantity,
        "applies_to": name,
        "p10": low,
        "p50": middle,
        "p90": high,
        "sample_size": str(count) if count else "",
        "as_of": as_of.isoformat(),
        "licence": "facts only",
        "source": SOURCE,
        "note": note,
    }


def _band(active_parameters: float) -> str:
    return min(SIZE_BANDS, key=lambda band: abs(math.log(active_parameters / SIZE_BANDS[band])))
