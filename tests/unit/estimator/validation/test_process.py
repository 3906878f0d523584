"""The process against arithmetic that can be done by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from estimator.validation.process import _erf, _mixture_quantiles


def test_the_error_function_agrees_with_the_standard_library() -> None:
    points = np.linspace(-4, 4, 161)
    assert np.allclose(_erf(points), [math.erf(point) for point in points], atol=2e-7)


def test_a_mixture_of_one_has_the_quantiles_of_a_normal() -> None:
    found = _mixture_quantiles([0.9], np.array([1.0]), np.array([[2.0]]), np.array([[0.5]]))
    assert found == pytest.approx(np.array([[2.0 + 0.5 * 1.2815515655]]), abs=1e-5)


def test_a_mixture_of_two_is_wider_than_either_and_each_run_has_its_own() -> None:
    """A tenth of the whole is a fifth of the lower half: -1 - 0.8416 × 0.1."""
    halves = np.array([0.5, 0.5])
    means, deviations = np.array([[-1.0, 2.0], [1.0, 2.0]]), np.array([[0.1, 0.5], [0.1, 0.5]])
    low, high = _mixture_quantiles([0.1, 0.9], halves, means, deviations)
    assert low == pytest.approx(np.array([-1.08416, 2.0 - 0.5 * 1.28155]), abs=1e-4)
    assert high == pytest.approx(np.array([1.08416, 2.0 + 0.5 * 1.28155]), abs=1e-4)
