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
DEVELOPER_SCALES = (0.0, 0.1, 0.2, 0.3)
RUN_SCALES = (0.1, 0.15, 0.2, 0.3, 0.4)


@dataclass(frozen=True, slots=True)
class Scales:
    """Standard deviations of the effects on ln utilisation; 0 switches an effect off. `size` is per e-fold."""

    generation: float
    experts: float
    size: float
    developer: float
    run: float


GRID: tuple[Scales, ...] = tuple(
    Scales(*scales)
    for scales in itertools.product(GENERATION_SCALES, EXPERT_SCALES, SIZE_SCALES, DEVELOPER_SCALES, RUN_SCALES)
)
"""Every combination tried, simplest first, so that a tie goes to the simpler one."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Covariances of unit scale between two lists of runs, one matrix an effect, each (rows, columns)."""

    generation: Array
    experts: Array
    size: Array
    developer: Array


def parts_between(rows: Sequence[Run], columns: Sequence[Run]) -> Parts:
    return Parts(
        generation=_same([run.generation for run in rows], [run.generation for run in columns]),
        experts=np.outer(_experts(rows), _experts(columns)),
        size=np.outer(_sizes(rows), _sizes(columns)),
        developer=_same([run.developer for run in rows], [run.developer for run in columns]),
    )


def log_utilisation(runs: Sequence[Run]) -> Array:
    return np.array([math.log(run.utilisation) for run in runs])


def predict_grid(train: Sequence[Run], test: Sequence[Run], grid: Sequence[Scales]) -> tuple[Array, Array]:
    """Mean and standard deviation of ln utilisation of each test run under each set of scales.

    A test run's developer is taken as unseen, whatever its name. Returns two arrays of shape (scales, test runs).
    Source: Rasmussen and Williams 2006, Gaussian Processes for Machine Learning, equations 2.25 and 2.26.
    """
    within, across = parts_between(train, train), parts_between(test, train)
    squares = np.array([[s.generation**2, s.experts**2, s.size**2, s.developer**2, s.run**2] for s in grid])
    generation, experts, size, developer, run = (column[:, None, None] for column in squares.T)
    covariance = PRIOR_SCALE**2 + generation * within.generation + experts * within.experts + size * within.size
    covariance = covariance + developer * within.developer + run * np.eye(len(train))
    cross = PRIOR_SCALE**2 + generation * across.generation + experts * across.experts + size * across.size
    weights = np.linalg.solve(covariance, np.swapaxes(cross, 1, 2))
    mean = PRIOR_MEAN + np.einsum("gnt,n->gt", weights, log_utilisation(train) - PRIOR_MEAN)
    own = (
        PRIOR_SCALE**2
        + squares[:, :1]
        + squares[:, 1:2] * _experts(test) ** 2
        + squares[:, 2:3] * _sizes(test) ** 2
        + squares[:, 3:4]
        + squares[:, 4:5]
    )
    variance = own - np.einsum("gtn,gnt->gt", cross, weights)
    return mean, np.sqrt(np.maximum(variance, 1e-12))


def _same(left: Sequence[str], right: Sequence[str]) -> Array:
    return (np.array(left)[:, None] == np.array(right)[None, :]).astype(np.float64)


def _experts(runs: Sequence[Run]) -> Array:
    return np.array([float(run.is_mixture_of_experts) for run in runs])


def _sizes(runs: Sequence[Run]) -> Array:
    return np.array([math.log(run.active_parameters / REFERENCE_PARAMETERS) for run in runs])
