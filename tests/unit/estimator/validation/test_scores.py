"""Scores by hand."""

from __future__ import annotations

import math

import pytest

from estimator.validation.scores import Prediction, binomial_band, interval_score, score


def test_an_interval_that_holds_the_truth_scores_its_width() -> None:
    assert interval_score(1.0, 3.0, 2.0) == 2.0


@pytest.mark.parametrize(("actual", "expected"), [(0.5, 2.0 + 10 * 0.5), (3.25, 2.0 + 10 * 0.25)])
def test_a_miss_costs_ten_times_its_distance(actual: float, expected: float) -> None:
    assert interval_score(1.0, 3.0, actual) == pytest.approx(expected)


def test_the_score_of_two_predictions() -> None:
    near = Prediction("a", "x", 50.0, 110.0, 200.0, 100.0)
    far = Prediction("b", "x", 90.0, 150.0, 160.0, 300.0)
    reached = score([near, far])
    assert (reached.n, reached.coverage_80) == (2, 0.5)
    assert reached.median_abs_error == pytest.approx((0.1 + 0.5) / 2)
    assert reached.half_width_factor == pytest.approx((2.0 + math.sqrt(160 / 90)) / 2)


@pytest.mark.parametrize(("n", "low", "high"), [(10, 5, 10), (18, 11, 17), (40, 27, 37)])
def test_the_exact_binomial_band(n: int, low: int, high: int) -> None:
    """Summed by hand from binomial tails of 2.5 % at 0.80: 10 of 10 has probability 0.107 and stays inside."""

    def tail(counts: range) -> float:
        return sum(math.comb(n, k) * 0.8**k * 0.2 ** (n - k) for k in counts)

    found = binomial_band(n)
    assert (round(found[0] * n), round(found[1] * n)) == (low, high)
    assert tail(range(low)) <= 0.025 < tail(range(low + 1))
    assert tail(range(high + 1, n + 1)) <= 0.025
