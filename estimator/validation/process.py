"""Utilisation as a Gaussian process: class, size, developer and run effects on its logarithm, each shrunk."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

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
OFFSET_SCALES = (0.0, 0.15, 0.3)

SCALES: Array = np.array(
    list(
        itertools.product(
            GENERATION_SCALES,
            EXPERT_SCALES,
            SIZE_SCALES,
            DEVELOPER_SCALES,
            RUN_SCALES,
            WEAK_SCALES,
            OFFSET_SCALES,
        )
    )
)
"""Standard deviations of the effects on ln utilisation, one row a combination, all of them equally likely beforehand.

Columns: generation, experts, size (per e-fold), developer, run, what a run outside the scope rule adds to its own, and
by how much all runs outside it are off together: hours that hold other work are not only noisier, they are too many.
"""
EFFECTS = ("generation", "experts", "size", "developer", "run", "weak", "offset")
CORNER = 1e9
"""Above the length of any row after division: utilisation is judged in logarithms of a few units."""
CHUNK = 200
"""Combinations that are worked through together: their covariances of a hundred runs stay in a cache."""


@dataclass(frozen=True, slots=True)
class Posterior:
    """What runs of developers not seen come to, given others.

    Attributes:
        weights: posterior weight of each combination of scales, in the order of `SCALES`; they sum to 1. Combinations
            are averaged, never chosen: a few developers cannot tell them apart.
        quantiles: the 10 %, 50 % and 90 % quantile of ln utilisation of each run.
    """

    weights: Array
    quantiles: tuple[tuple[float, float, float], ...]

    @property
    def expected_scales(self) -> dict[str, float]:
        """The scale of each effect, averaged over the combinations."""
        return dict(zip(EFFECTS, (self.weights @ SCALES).tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class Sample:
    """Runs, and which of them the scope rule leaves out: those carry a learnt noise and a learnt offset on top."""

    runs: Sequence[Run]
    weak: Sequence[bool]

    @property
    def sizes(self) -> Array:
        return np.array([math.log(run.active_parameters / REFERENCE_PARAMETERS) for run in self.runs])

    @property
    def experts(self) -> Array:
        return np.array([float(run.is_mixture_of_experts) for run in self.runs])

    @property
    def weakness(self) -> Array:
        return np.array(self.weak, dtype=np.float64)


def predict(known: Sample, asked: Sample) -> Posterior:
    """Utilisation of runs of developers not seen, given known ones.

    Source: Rasmussen and Williams 2006, Gaussian Processes for Machine Learning, equations 2.25, 2.26 and 2.30,
    mixed over the combinations of scales.
    """
    parts = [_posterior(known, asked, SCALES[start : start + CHUNK]) for start in range(0, len(SCALES), CHUNK)]
    likelihood, mean, deviation = (np.concatenate(part) for part in zip(*parts, strict=True))
    weights = np.exp(likelihood - likelihood.max())
    weights = weights / weights.sum()
    quantiles = (
        tuple(_mixture_quantile(share, weights, mean[:, at], deviation[:, at]) for share in (0.1, 0.5, 0.9))
        for at in range(len(asked.runs))
    )
    return Posterior(weights, tuple((low, middle, high) for low, middle, high in quantiles))


def _posterior(known: Sample, asked: Sample, scales: Array) -> tuple[Array, Array, Array]:
    """Log likelihood of each combination; mean and deviation of each run asked for, (combinations, runs)."""
    squares = [column[:, None, None] for column in (scales**2).T]
    developer, run, weak = squares[3:6]
    names = [each.developer for each in known.runs]
    covariance = _shared(known, known, squares) + developer * _same(names, names)
    covariance = covariance + run * np.eye(len(known.runs)) + weak * np.diag(known.weakness)
    observed = np.array([math.log(each.utilisation) for each in known.runs]) - PRIOR_MEAN
    rows = np.concatenate(
        [np.broadcast_to(observed, (len(scales), 1, len(known.runs))), _shared(asked, known, squares)], axis=1
    )
    factors, solved = _whiten(covariance, rows)
    whitened, half = solved[:, 0], solved[:, 1:]
    likelihood = -0.5 * (whitened**2).sum(axis=1) - np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1)
    mean = PRIOR_MEAN + np.einsum("gtn,gn->gt", half, whitened)
    generation, experts, size, developer, run, weak, offset = (column[:, None] for column in (scales**2).T)
    own = PRIOR_SCALE**2 + generation + experts * asked.experts**2 + size * asked.sizes**2
    own = own + developer + run + (weak + offset) * asked.weakness
    return likelihood, mean, np.sqrt(np.maximum(own - (half**2).sum(axis=2), 1e-12))


def _whiten(covariance: Array, rows: Array) -> tuple[Array, Array]:
    """The Cholesky factors of covariances (…, n, n), and rows (…, m, n) divided by them.

    One factorisation gives both: the rows stand below the covariance, and the corner, which is never used, only has to
    be large enough. NumPy has no triangular solver, and a general one costs five times as much.
    """
    count, more = covariance.shape[-1], rows.shape[-2]
    whole = np.empty((*covariance.shape[:-2], count + more, count + more))
    whole[..., :count, :count] = covariance
    whole[..., count:, :count] = rows
    whole[..., :count, count:] = np.swapaxes(rows, -1, -2)
    whole[..., count:, count:] = CORNER * np.eye(more)
    factors = np.linalg.cholesky(whole)
    return factors[..., :count, :count], factors[..., count:, :count]


def _shared(rows: Sample, columns: Sample, squares: Sequence[Array]) -> Array:
    """Covariance through constant, class, size and offset: what a developer not seen has in common with the others."""
    generation, experts, size, _, _, _, offset = squares
    same = _same([run.generation for run in rows.runs], [run.generation for run in columns.runs])
    covariance = PRIOR_SCALE**2 + generation * same
    covariance = covariance + experts * np.outer(rows.experts, columns.experts)
    covariance = covariance + offset * np.outer(rows.weakness, columns.weakness)
    return np.asarray(covariance + size * np.outer(rows.sizes, columns.sizes))


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
