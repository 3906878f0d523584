"""Rules of one constant utilisation, as the field uses them, with intervals learnt from the other developers."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence

from estimator.validation.folds import developers_of, split
from estimator.validation.runs import Run
from estimator.validation.scores import COVERAGE, Prediction, Score, score
from governance.display.numbers import exact_percent, figure

FIXED_SHARES = (1.0, 0.5, 0.4, 0.375, 0.3)
"""All of the peak; the European Commission's example; Sevilla et al. 2022 for others and for language models; the
median of Epoch AI's cost model."""
FITTED = "median of the other developers"
HINDSIGHT_SHARES = tuple(step / 200.0 for step in range(10, 201))
HINDSIGHT_FACTORS = tuple(1.0 + step / 100.0 for step in range(5, 301))

Rule = Callable[[Sequence[Run]], float]


def constant_rules() -> dict[str, Rule]:
    """Name to rule: a utilisation from the runs of the other developers; most rules do not look at them."""
    rules: dict[str, Rule] = {f"{exact_percent(share)} of peak": _always(share) for share in FIXED_SHARES}
    rules[FITTED] = lambda train: statistics.median(run.utilisation for run in train)
    return rules


def predict_constant(runs: Sequence[Run], rule: Rule) -> tuple[Prediction, ...]:
    """Predict each developer's runs with a constant; the interval is the factor that held 80 % of the others' runs.

    Source: split-conformal quantile of |ln(actual/predicted)|, rank ceil(0.8 (n + 1)) of n.
    """
    predictions = []
    for name in developers_of(runs):
        train, test = split(runs, name)
        share = rule(train)
        misses = sorted(abs(math.log(run.utilisation / share)) for run in train)
        rank = min(len(misses), math.ceil(COVERAGE * (len(misses) + 1)))
        predictions += [_predict(run, share, math.exp(misses[rank - 1])) for run in test]
    return tuple(predictions)


def constant_scores(runs: Sequence[Run], counted: Sequence[Run]) -> dict[str, Score]:
    """Each rule on the runs that count; it learns from all of them but the developer's own."""
    names = {run.name for run in counted}
    return {
        name: score([each for each in predict_constant(runs, rule) if each.run in names])
        for name, rule in constant_rules().items()
    }


def best_constant(scores: Mapping[str, Score]) -> tuple[str, Score]:
    """The constant rule with the lowest median error on these very runs: chosen with the errors in view."""
    name = min(scores, key=lambda each: (scores[each].median_abs_error, scores[each].interval_score))
    return name, scores[name]


def hindsight_constant(runs: Sequence[Run]) -> tuple[str, Score]:
    """A constant and a factor tuned on these very runs, which nobody could have known: a bound, not a rule."""

    def median_error(share: float) -> float:
        return statistics.median(_predict(run, share, 1.0).error for run in runs)

    share = min(HINDSIGHT_SHARES, key=median_error)
    by_factor = {factor: score([_predict(run, share, factor) for run in runs]) for factor in HINDSIGHT_FACTORS}
    factor = min(by_factor, key=lambda each: by_factor[each].interval_score)
    return f"{exact_percent(share)} of peak, a factor of {figure(factor)}", by_factor[factor]


def _always(share: float) -> Rule:
    return lambda train: share


def _predict(run: Run, share: float, factor: float) -> Prediction:
    hours = run.busy_hours / share
    return Prediction(run.name, run.developer, hours / factor, hours, hours * factor, run.gpu_hours)
