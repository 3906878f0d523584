"""The validation of one file of runs: with the scope rule and without it, beside the constant rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from estimator.validation.beside import Beside, compare_beside
from estimator.validation.constants import best_constant, constant_scores, hindsight_constant
from estimator.validation.elsewhere import runs_elsewhere
from estimator.validation.folds import Fold, validate
from estimator.validation.runs import Run, RunsError, read_runs
from estimator.validation.scope import is_of_the_collection, why_out_of_scope
from estimator.validation.scores import Prediction, Score, binomial_band, score
from governance.display.numbers import exact_percent, figure

ERROR_MAX = 0.25
HALF_WIDTH_MAX = 1.8


@dataclass(frozen=True, slots=True)
class Part:
    """One set of runs, predicted with each developer held out."""

    folds: tuple[Fold, ...]
    score: Score
    band: tuple[float, float]
    best_name: str
    best: Score
    hindsight_name: str
    hindsight: Score
    constants: dict[str, Score]

    @property
    def predictions(self) -> tuple[Prediction, ...]:
        return tuple(each for fold in self.folds for each in fold.predictions)

    @property
    def bars(self) -> dict[str, bool]:
        """The five bars that the documentation names, met or not."""
        return {
            "median_abs_error_at_most_0.25": self.score.median_abs_error <= ERROR_MAX,
            "half_width_factor_at_most_1.8": self.score.half_width_factor <= HALF_WIDTH_MAX,
            "coverage_in_binomial_band": self.band[0] <= self.score.coverage_80 <= self.band[1],
            "median_abs_error_below_best_constant": self.score.median_abs_error < self.best.median_abs_error,
            "interval_score_below_best_constant": self.score.interval_score < self.best.interval_score,
        }

    def to_json(self) -> dict[str, Any]:
        return {
            **self.score.to_json(),
            "coverage_band_95": list(self.band),
            "best_constant": {"rule": self.best_name, **self.best.to_json()},
            "hindsight_constant": {"rule": self.hindsight_name, **self.hindsight.to_json()},
            "constants": {name: each.to_json() for name, each in self.constants.items()},
            "bars": self.bars,
            "folds": [
                {
                    "developer": fold.developer,
                    "runs": len(fold.predictions),
                    "training_runs": fold.training_runs,
                    "scales": fold.scales,
                }
                for fold in self.folds
            ],
            "runs": [
                {
                    "run": each.run,
                    "developer": each.developer,
                    "gpu_hours": each.actual,
                    "p10": each.p10,
                    "p50": each.p50,
                    "p90": each.p90,
                    "abs_error": each.error,
                    "covered": each.is_covered,
                }
                for each in self.predictions
            ],
        }


@dataclass(frozen=True, slots=True)
class Validation:
    """A file's validation; `left_out` counts usable runs by the reason for which the scope rule leaves them out.

    `collected` is the part of the runs in scope that was read for the collection, or None where a file has none.
    """

    file: str
    row_count: int
    usable_count: int
    left_out: dict[str, int]
    in_scope: Part
    all_usable: Part
    collected: Part | None
    beside: tuple[Beside, ...]

    def to_json(self) -> dict[str, Any]:
        """The in-scope figures at the top; `without_scope_rule` holds the same for every usable run."""
        return {
            "file": self.file,
            "rows": self.row_count,
            "usable": self.usable_count,
            "left_out_by_scope_rule": self.left_out,
            **self.in_scope.to_json(),
            "without_scope_rule": self.all_usable.to_json(),
            "in_scope_of_the_collection": self.collected.to_json() if self.collected else None,
            "beside": [each.to_json() for each in self.beside],
        }


def validate_file(path: Path) -> Validation:
    """Read a file of runs, apply the scope rule, and validate with and without it.

    A file of one's own is judged as an estimate is made: the shipped runs of other developers are known, to the
    constant rules too.

    Raises:
        RunsError: the file cannot be read, no run is in scope, or fewer than three developers are left.
    """
    usable, row_count = read_runs(path)
    elsewhere = runs_elsewhere(usable)
    if elsewhere:
        usable = tuple(replace(run, is_own=True) for run in usable)
    reasons = Counter(reason for run in usable if (reason := why_out_of_scope(run.cells)))
    scoped = [run for run in usable if not why_out_of_scope(run.cells)]
    if not scoped:
        left_out = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common()) or "nothing is usable"
        raise RunsError(f"{path.name}: no run is in scope, so no error can be shown: {left_out}")
    folds = validate(usable, [*usable, *elsewhere])
    of_scope = [*scoped, *(run for run in elsewhere if not why_out_of_scope(run.cells))]
    collected = [run for run in scoped if is_of_the_collection(run.cells)]
    return Validation(
        file=path.name,
        row_count=row_count,
        usable_count=len(usable),
        left_out=dict(sorted(reasons.items())),
        in_scope=judge(folds, of_scope, scoped),
        all_usable=judge(folds, [*usable, *elsewhere], usable),
        collected=judge(folds, of_scope, collected) if collected else None,
        beside=compare_beside(usable),
    )


def judge(folds: Sequence[Fold], known: Sequence[Run], counted: Sequence[Run] | None = None) -> Part:
    """What the folds hold of some runs; the constants learn from the known ones of their kind.

    Args:
        counted: those of the known runs whose errors are shown, all of them without it.
    """
    counted = known if counted is None else counted
    names = {run.name for run in counted}
    picked = (
        replace(fold, predictions=tuple(each for each in fold.predictions if each.run in names)) for fold in folds
    )
    shown = tuple(fold for fold in picked if fold.predictions)
    reached = score([each for fold in shown for each in fold.predictions])
    constants = constant_scores(known, counted)
    best_name, best = best_constant(constants)
    hindsight_name, hindsight = hindsight_constant(counted)
    return Part(shown, reached, binomial_band(len(counted)), best_name, best, hindsight_name, hindsight, constants)


def format_validation(validation: Validation) -> str:
    """A table for a terminal."""
    return "\n".join(_lines(validation)) + "\n"


def _lines(validation: Validation) -> Iterator[str]:
    yield f"{validation.file}: {validation.row_count} rows, {validation.usable_count} usable"
    for reason, count in validation.left_out.items():
        yield f"  out of scope: {count:3} {reason}"
    for title, part in (
        ("In scope, leave-one-developer-out", validation.in_scope),
        ("Every usable run, leave-one-developer-out", validation.all_usable),
        ("In scope and read for the collection, the same predictions", validation.collected),
    ):
        if part is None:
            continue
        yield ""
        yield f"{title}: {len(part.folds)} developers"
        yield f"{'':44} {'n':>4} {'median':>8} {'mean':>8} {'covered':>8} {'width':>7} {'score':>7}"
        yield _score_line("Comptroller", part.score)
        yield _score_line(f"best constant: {part.best_name}", part.best)
        yield _score_line(f"in hindsight: {part.hindsight_name}", part.hindsight)
        for name, each in part.constants.items():
            yield _score_line(name, each)
        yield f"coverage may lie between {figure(part.band[0])} and {figure(part.band[1])} (exact binomial, 95 %)"
        for name, is_met in part.bars.items():
            yield f"  {'met    ' if is_met else 'NOT met'} {name.replace('_', ' ')}"
    yield ""
    for other in validation.beside:
        error = exact_percent(other.median_abs_error)
        yield f"{other.quantity} ({other.boundary}): {other.n} runs, median error {error}"


def _score_line(name: str, score: Score) -> str:
    return (
        f"{name:44} {score.n:4} {exact_percent(score.median_abs_error):>8} {exact_percent(score.mean_abs_error):>8} "
        f"{exact_percent(score.coverage_80):>8} {'×' + figure(score.half_width_factor):>7} "
        f"{figure(score.interval_score):>7}"
    )
