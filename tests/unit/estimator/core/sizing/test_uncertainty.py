from __future__ import annotations

import math
import random

import pytest

from estimator.core.quantities import ZERO, Interval
from estimator.core.sizing.uncertainty import add, aged, divide, multiply, spread

DRIFT = Interval.lognormal(1.0, 0.25)


def test_a_product_agrees_with_a_simulation_of_lognormals() -> None:
    rng = random.Random(7)
    drawn = sorted(math.exp(rng.gauss(math.log(3), 0.4) + rng.gauss(math.log(5), 0.3)) for _ in range(200_000))
    analytic = multiply(Interval.lognormal(3.0, 0.4), Interval.lognormal(5.0, 0.3))
    for share, end in ((0.1, analytic.p10), (0.5, analytic.p50), (0.9, analytic.p90)):
        assert drawn[int(share * len(drawn))] == pytest.approx(end, rel=0.01)


def test_a_product_of_exact_numbers_is_exact() -> None:
    assert multiply(Interval.exact(400.0), Interval.exact(2.5)) == Interval.exact(1000.0)


def test_a_product_is_never_narrower_than_its_widest_factor() -> None:
    wide, narrow = Interval(1.0, 2.0, 6.0), Interval(0.9, 1.0, 1.1)
    product = multiply(wide, narrow)
    assert product.p90 / product.p50 > 3.0
    assert product.p50 / product.p10 > 2.0


def test_a_quotient_turns_the_interval_around() -> None:
    quotient = divide(Interval.exact(6.0), Interval(1.0, 2.0, 3.0))
    assert (quotient.p10, quotient.p50, quotient.p90) == pytest.approx((2.0, 3.0, 6.0))


def test_multiplying_by_zero_gives_zero() -> None:
    assert multiply(ZERO, Interval(1.0, 2.0, 3.0)) == ZERO


def test_a_sum_of_parts_of_one_run_adds_end_to_end() -> None:
    assert add(Interval(1.0, 2.0, 4.0), Interval(10.0, 20.0, 30.0)) == Interval(11.0, 22.0, 34.0)
    assert add() == ZERO


def test_a_price_of_today_does_not_widen_and_an_older_one_does() -> None:
    price = Interval.exact(2.0)
    assert aged(price, 0, DRIFT) == price
    widths = [aged(price, days, DRIFT).half_width for days in (30, 180, 400, 900)]
    assert widths == sorted(widths)
    assert aged(price, 365, DRIFT).half_width == pytest.approx(DRIFT.p90, rel=0.01)
    assert aged(price, 365, DRIFT).p50 == 2.0


def test_a_spread_of_one_value_is_that_value() -> None:
    assert spread([3.0]) == Interval.exact(3.0)
    assert spread([4.0, 1.0, 2.0, 3.0, 5.0]) == Interval(1.4, 3.0, 4.6)
