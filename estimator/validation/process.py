"""Utilisation as a Gaussian process: class, size, developer and run effects on its logarithm, each shrunk."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from estimator.validation.runs import Run

Array = NDArray[np.float64]

PRIOR_MEAN = math.log(math.sqrt(0.30 * 0.50))
"""Between the 30 % of Sevilla et al. 2022 for language models and the 50 % of the European Commission's example."""
PRIOR_SCALE = 0.5
REFERENCE_PARAMETERS = 1e10
GENERATION_SCALES = (0.0, 0.15, 0.3)
EXPERT_SCALES = (0.0, 0.15, 0.3)
SIZE_SCALES = (0.0, 0.05, 0.1)
DEVELOPER_SCALES = (0.05, 0.1, 0.2, 0.3, 0.4)
RUN_SCALES = (0.05, 0.1, 0.2, 0.3)
WEAK_SCALES = (0.0, 0.2, 0.4)

SCALES: Array = np.array(
    list(itertools.product(GENERATION_SCALES, EXPERT_SCALES, SIZE_SCALES, DEVELOPER_SCALES, RUN_SCALES, WEAK_SCALES))
)
"""Standard deviations of the effects on ln utilisation, one row a combination, all of them equally likely beforehand.

Columns: generation, experts, size (per e-fold), developer, run, and what a run outside the scope rule adds to its own.
"""
EFFECTS = ("generation", "experts", "size", "developer", "run", "weak")


@dataclass(frozen=True)
class Fit:
    """The process given some runs: for every combination of scales its weight, and what prediction needs.

    # Invariant: `weights` sum to 1. Combinations are averaged, never chosen: a few developers cannot tell them apart.
    """

    runs: tuple[Run, ...]
    weak: tuple[bool, ...]

    @cached_property
    def _squares(self) -> list[Array]:
        return [column[:, None, None] for column in (SCALES**2).T]

    @cached_property
    def _factors(self) -> Array:
        """Cholesky factors of the covariance, (combinations, runs, runs)."""
        developer, run, weak = self._squares[3:]
        names = [each.developer for each in self.runs]
        covariance = self._shared(self.runs, self.runs) + developer * _same(names, names)
        covariance = covariance + run * np.eye(len(self.runs)) + weak * np.diag(np.array(self.weak, dtype=float))
        return np.asarray(np.linalg.cholesky(covariance), dtype=np.float64)

    @cached_property
    def _whitened(self) -> Array:
        observed = np.array([math.log(run.utilisation) for run in self.runs]) - PRIOR_MEAN
        columns = np.broadcast_to(observed[:, None], (len(SCALES), len(self.runs), 1))
        return np.asarray(np.linalg.solve(self._factors, columns), dtype=np.float64)

    @cached_property
    def weights(self) -> Array:
        """Posterior weight of each combination of scales.

        Source: Rasmussen and Williams 2006, Gaussian Processes for Machine Learning, equation 2.30, normalised.
        """
        log_likelihood = -0.5 * (self._whitened**2).sum(axis=(1, 2))
        log_likelihood -= np.log(np.diagonal(self._factors, axis1=1, axis2=2)).sum(axis=1)
        weights = np.exp(log_likelihood - log_likelihood.max())
        return np.asarray(weights / weights.sum())

    @property
    def expected_scales(self) -> dict[str, float]:
        """The scale of each effect, averaged over the combinations."""
        return dict(zip(EFFECTS, (self.weights @ SCALES).tolist(), strict=True))

    def predict(self, runs: Sequence[Run], weak: Sequence[bool]) -> list[tuple[float, float, float]]:
        """The 10 %, 50 % and 90 % quantile of ln utilisation of runs of developers not seen.

        Source: equations 2.25 and 2.26 of the same, mixed over the combinations of scales.
        """
        cross = self._shared(runs, self.runs)
        half = np.linalg.solve(self._factors, np.swapaxes(cross, 1, 2))
        mean = PRIOR_MEAN + np.einsum("gnt,gn->gt", half, self._whitened[:, :, 0])
        generation, experts, size, developer, run, extra = (column[:, None] for column in (SCALES**2).T)
        own = PRIOR_SCALE**2 + generation + experts * _experts(runs) ** 2 + size * _sizes(runs) ** 2
        own = own + developer + run + extra * np.array(weak, dtype=float)
        deviation = np.sqrt(np.maximum(own - (half**2).sum(axis=1), 1e-12))
        quantiles = [
            [_mixture_quantile(share, self.weights, mean[:, at], deviation[:, at]) for share in (0.1, 0.5, 0.9)]
            for at in range(len(runs))
        ]
        return [(low, middle, high) for low, middle, high in quantiles]

    def _shared(self, rows: Sequence[Run], columns: Sequence[Run]) -> Array:
        """Covariance through constant, class and size: what a developer not seen has in common with the others."""
        generation, experts, size, *_ = self._squares
        same = _same([run.generation for run in rows], [run.generation for run in columns])
        covariance = PRIOR_SCALE**2 + generation * same
        covariance = covariance + experts * np.outer(_experts(rows), _experts(columns))
        return np.asarray(covariance + size * np.outer(_sizes(rows), _sizes(columns)))


def fit_process(runs: Sequence[Run], weak: Sequence[bool]) -> Fit:
    """The process given runs; `weak` marks those outside the scope rule, which carry a learnt noise on top."""
    return Fit(tuple(runs), tuple(weak))


def _mixture_quantile(share: float, weights: Array, mean: Array, deviation: Array) -> float:
    """A quantile of a mixture of normals, by bisection to 1e-10."""
    low, high = float((mean - 8 * deviation).min()), float((mean + 8 * deviation).max())
    scaled = deviation * math.sqrt(2.0)
    while high - low > 1e-10:
        middle = 0.5 * (low + high)
        below = float(weights @ (0.5 * (1.0 + _erf((middle - mean) / scaled))))
        low, high = (middle, high) if below < share else (low, middle)
    return 0.5 * (low + high)


_ERFC_COEFFICIENTS = (
    0.17087277,
    -0.82215223,
    1.48851587,
    -1.13520398,
    0.27886807,
    -0.18628806,
    0.09678418,
    0.37409196,
    1.00002368,
    -1.26551223,
)


def _erf(values: Array) -> Array:
    """The error function to 1.2e-7, in NumPy.

    Source: Press et al. 2007, Numerical Recipes, section 6.2 (rational Chebyshev fit of erfc).
    """
    t = 1.0 / (1.0 + 0.5 * np.abs(values))
    inner = np.zeros_like(t)
    for coefficient in _ERFC_COEFFICIENTS:
        inner = coefficient + t * inner
    complement = t * np.exp(-values * values + inner)
    return np.where(values >= 0, 1.0 - complement, complement - 1.0)


def _same(left: Sequence[str], right: Sequence[str]) -> Array:
    return (np.array(left)[:, None] == np.array(right)[None, :]).astype(np.float64)


def _experts(runs: Sequence[Run]) -> Array:
    return np.array([float(run.is_mixture_of_experts) for run in runs])


def _sizes(runs: Sequence[Run]) -> Array:
    return np.array([math.log(run.active_parameters / REFERENCE_PARAMETERS) for run in runs])
