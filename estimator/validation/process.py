"""Utilisation as a Gaussian process: effects of device, model, software and developer on its logarithm, each shrunk."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from estimator.core.sizing.utilisation import REFERENCE_DEVICES
from estimator.validation.runs import Run

Array = NDArray[np.float64]

REFERENCE_PARAMETERS = 1e10
SMALL_PARAMETERS = 1e9
"""Below this the matrices of a model are too small to fill a device by themselves: who tunes the run gets far more of
it than who does not, so utilisation varies the more."""

SINGLE_EFFECTS = {
    "constant": (math.log(math.sqrt(0.30 * 0.50)), 0.5),
    "experts": (0.0, 0.3),
    "size": (0.0, 0.1),
    "devices": (0.0, 0.15),
    "recomputation": (math.log(3 / 4), 0.15),
    "fused_attention": (math.log(1.3), 0.2),
    "offset": (0.0, 0.3),
    "file": (0.0, 0.3),
}
"""Mean and standard deviation, beforehand, of each effect on ln utilisation that stands by itself.

The constant lies between the 30 % of Sevilla et al. 2022 for language models and the 50 % of the European Commission's
example. Size counts per e-fold of active parameters, devices per tenfold. Whoever computes every layer twice does 4/3
of the work (Chen et al. 2016); a fused attention kernel made training 1.15 to 1.7 times as fast (Dao et al. 2022,
section 4.1). The offset is by how much all runs outside the scope rule are off together: hours that hold other work
are not only noisier, they are too many. The file is by how much runs of one's own differ from the shipped ones.
"""
GENERATION_SCALES = (0.0, 0.15, 0.3, 0.6)
SOFTWARE_SCALES = (0.0, 0.15, 0.3, 0.6)
DEVELOPER_SCALES = (0.1, 0.2, 0.4, 0.8)
RUN_SCALES = (0.1, 0.2, 0.4)
WEAK_SCALES = (0.0, 0.2, 0.4, 0.8)
SMALL_SCALES = (0.0, 0.25, 0.5, 1.0)

SCALES: Array = np.array(
    list(itertools.product(GENERATION_SCALES, SOFTWARE_SCALES, DEVELOPER_SCALES, RUN_SCALES, WEAK_SCALES, SMALL_SCALES))
)
"""Standard deviations that only the runs can tell, one row a combination, all of them equally likely beforehand.

Columns: between hardware generations, between kinds of training software, between developers, between a developer's
runs, what a run outside the scope rule adds to that, and what a small model adds for each decade of parameters below
`SMALL_PARAMETERS`.
"""
GROUPS = ("generation", "software", "developer", "run", "weak", "small")
NOISE = slice(2, 6)
"""The columns of developer, run, weak run and small model: noise, where the others are effects that runs share."""
NOISES, NOISE_OF = np.unique(SCALES[:, NOISE], axis=0, return_inverse=True)
"""The noises that occur, and which of them each combination has."""
NEGLIGIBLE = 1e-7
"""Combinations with less than this share of the largest weight do not count: all of them together weigh under 0.1 %."""


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
        """Each standard deviation, averaged over the combinations."""
        return dict(zip(GROUPS, (self.weights @ SCALES).tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class Sample:
    """Runs, and which of them the scope rule leaves out: those carry a learnt noise and offset on top."""

    runs: Sequence[Run]
    weak: Sequence[bool]

    @property
    def weakness(self) -> Array:
        return np.array(self.weak, dtype=np.float64)

    @property
    def smallness(self) -> Array:
        """Decades of active parameters below `SMALL_PARAMETERS`, 0 above them."""
        return np.array([max(0.0, math.log10(SMALL_PARAMETERS / run.active_parameters)) for run in self.runs])

    def design(self, levels: Levels) -> Array:
        """What each effect does to each run, (runs, effects), in the order of `Levels.means`."""
        return np.array(
            [
                [
                    *(float(run.generation == name) for name in levels.generations),
                    *(float(run.software == name) for name in levels.software),
                    *single_effects(run, is_weak).values(),
                ]
                for run, is_weak in zip(self.runs, self.weak, strict=True)
            ]
        )


def single_effects(run: Run, is_weak: bool) -> dict[str, float]:
    """How much of each of `SINGLE_EFFECTS` a run has; what its row does not say counts as midway."""
    return {
        "constant": 1.0,
        "experts": float(run.is_mixture_of_experts),
        "size": math.log(run.active_parameters / REFERENCE_PARAMETERS),
        "devices": math.log10(run.devices / REFERENCE_DEVICES) if run.devices else 0.0,
        "recomputation": 0.0 if run.recomputed is None else run.recomputed - 0.5,
        "fused_attention": 0.0 if run.has_fused_attention is None else float(run.has_fused_attention) - 0.5,
        "offset": float(is_weak),
        "file": float(run.is_own),
    }


@dataclass(frozen=True, slots=True)
class Levels:
    """The hardware generations and kinds of training software that occur: each has an effect of its own."""

    generations: tuple[str, ...]
    software: tuple[str, ...]

    @classmethod
    def of(cls, *samples: Sample) -> Levels:
        runs = [run for sample in samples for run in sample.runs]
        return cls(
            tuple(sorted({run.generation for run in runs})), tuple(sorted({run.software for run in runs} - {""}))
        )

    @property
    def means(self) -> Array:
        """Prior mean of each effect."""
        shared = len(self.generations) + len(self.software)
        return np.array([0.0] * shared + [mean for mean, _ in SINGLE_EFFECTS.values()])

    @property
    def deviations(self) -> Array:
        """Prior standard deviation of each effect, (combinations, effects)."""
        generation, software, *_ = SCALES.T
        single = [np.full(len(SCALES), deviation) for _, deviation in SINGLE_EFFECTS.values()]
        return np.column_stack([*[generation] * len(self.generations), *[software] * len(self.software), *single])


@dataclass(frozen=True, slots=True)
class Fitted:
    """The effects as known runs leave them, for each combination of scales.

    Attributes:
        weights: posterior weight of each combination; they sum to 1.
        means: (combinations, effects), in the order of `Levels`.
        covariances: (combinations, effects, effects).
    """

    levels: Levels
    weights: Array
    means: Array
    covariances: Array

    def effect(self, at: Array) -> tuple[float, float]:
        """Mean and standard deviation of a sum of effects, `at` times each."""
        means = self.means @ at
        variances = np.einsum("i,gij,j->g", at, self.covariances, at)
        mean = float(self.weights @ means)
        return mean, math.sqrt(float(self.weights @ (variances + means**2)) - mean**2)


def fit(known: Sample, levels: Levels) -> Fitted:
    """What runs share, given the noise of runs and developers.

    A linear model of some thirty effects with normal priors, so that only matrices of that size are factorised, and the
    noise of a developer's runs has one part in common.

    Source: Rasmussen and Williams 2006, Gaussian Processes for Machine Learning, equations 2.8 to 2.11 (the linear
    model), 2.30 (the likelihood) and A.9 (a developer's part), mixed over the combinations of scales.
    """
    prior = levels.deviations
    products, log_determinant = _products(known, levels)
    inner = np.eye(prior.shape[1]) + prior[:, :, None] * products[:, 1:, 1:] * prior[:, None, :]
    covariance = prior[:, :, None] * np.linalg.inv(inner) * prior[:, None, :]
    explained = np.einsum("gij,gj->gi", covariance, products[:, 1:, 0])
    misfit = products[:, 0, 0] - np.einsum("gi,gi->g", explained, products[:, 1:, 0])
    likelihood = -0.5 * (misfit + log_determinant + np.linalg.slogdet(inner)[1])
    weights = np.exp(likelihood - likelihood.max())
    return Fitted(levels, weights / weights.sum(), levels.means + explained, covariance)


def predict(known: Sample, asked: Sample) -> Posterior:
    """Utilisation of runs of developers not seen, given known ones."""
    fitted = fit(known, Levels.of(known, asked))
    weights, design = fitted.weights, asked.design(fitted.levels)
    counts = weights > NEGLIGIBLE * weights.max()
    mean = fitted.means[counts] @ design.T
    variance = np.einsum("ti,gij,tj->gt", design, fitted.covariances[counts], design, optimize=True)
    developer, run, weak, small = (column[:, None] for column in (SCALES[counts, NOISE] ** 2).T)
    deviation = np.sqrt(variance + developer + run + weak * asked.weakness + small * asked.smallness**2)
    mixed = weights[counts] / weights[counts].sum()
    # No run does more than the peak: ln utilisation ends at 0.
    low, middle, high = np.minimum(_mixture_quantiles((0.1, 0.5, 0.9), mixed, mean, deviation), 0.0).tolist()
    return Posterior(weights, tuple(zip(low, middle, high, strict=True)))


def _products(known: Sample, levels: Levels) -> tuple[Array, Array]:
    """Products of the observations and the design through the inverse of the noise, and its log determinant.

    The first of shape (combinations, 1 + effects, 1 + effects), observations first; the noise has only so many values,
    so each is worked through once.
    """
    design = known.design(levels)
    observed = np.array([math.log(run.utilisation) for run in known.runs]) - design @ levels.means
    columns = np.column_stack([observed, design])
    names = sorted({run.developer for run in known.runs})
    member = np.array([[float(run.developer == name) for name in names] for run in known.runs])
    developer, run, weak, small = (column[:, None] for column in (NOISES**2).T)
    variance = run + weak * known.weakness + small * known.smallness**2
    precision = 1.0 / variance
    sums = precision @ member
    products = np.einsum("ni,kn,nj->kij", columns, precision, columns, optimize=True)
    together = np.einsum("nd,kn,ni->kdi", member, precision, columns, optimize=True)
    products -= np.einsum("kdi,kd,kdj->kij", together, developer / (1.0 + developer * sums), together, optimize=True)
    log_determinant = np.log(variance).sum(axis=1) + np.log1p(developer * sums).sum(axis=1)
    return products[NOISE_OF], log_determinant[NOISE_OF]


def _mixture_quantiles(shares: Sequence[float], weights: Array, mean: Array, deviation: Array) -> Array:
    """Quantiles of mixtures of normals, (shares, runs), by bisection to 1e-10; all of them at once.

    Args:
        weights: of each normal, the same for every run.
        mean, deviation: (normals, runs).
    """
    wanted = np.array(shares)[:, None]
    low, high = (
        np.broadcast_to(ends, (len(shares), mean.shape[1]))
        for ends in ((mean - 8 * deviation).min(axis=0), (mean + 8 * deviation).max(axis=0))
    )
    scaled = deviation * math.sqrt(2.0)
    while (is_open := high - low > 1e-10).any():
        middle = 0.5 * (low + high)
        is_below = weights @ (0.5 * (1.0 + _erf((middle[:, None, :] - mean) / scaled))) < wanted
        low, high = np.where(is_open & is_below, middle, low), np.where(is_open & ~is_below, middle, high)
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
