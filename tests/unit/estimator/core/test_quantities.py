from __future__ import annotations

import json
import math

import pytest

from estimator.core.quantities import Interval, QuantityError


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_nan_and_infinity_never_become_an_interval(bad: float) -> None:
    with pytest.raises(QuantityError):
        Interval(0.0, 1.0, bad)
    with pytest.raises(QuantityError):
        Interval.exact(bad)


def test_an_interval_out_of_order_is_refused() -> None:
    with pytest.raises(QuantityError):
        Interval(2.0, 1.0, 3.0)


def test_scaling_by_a_negative_number_is_refused() -> None:
    with pytest.raises(QuantityError):
        Interval.exact(1.0).scaled(-1.0)


def test_json_gives_the_same_interval_back() -> None:
    interval = Interval(0.1, 1 / 3, 7e25)
    assert Interval.from_json(json.loads(json.dumps(interval.to_json()))) == interval


def test_the_half_width_of_an_exact_or_zero_quantity_is_one() -> None:
    assert Interval.exact(5.0).half_width == 1.0
    assert Interval(0.0, 0.0, 3.0).half_width == 1.0
    assert Interval(1.0, 2.0, 3.0).half_width == 1.5


def test_a_lognormal_interval_spans_the_same_factor_both_ways() -> None:
    interval = Interval.lognormal(10.0, 0.3)
    assert interval.p90 / interval.p50 == pytest.approx(interval.p50 / interval.p10)
    assert interval.p90 == pytest.approx(10.0 * math.exp(1.2815515655 * 0.3))
