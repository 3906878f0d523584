"""Forecasts: a straight line with the spread of past weeks, or nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from governance.selectors.money.forecasts import WEEKS_MIN, forecast

MONEY = st.integers(min_value=0, max_value=10**13)


def test_even_spending_has_no_spread() -> None:
    found = forecast(spent_micro=1_000, promised_micro=1_000, elapsed_weeks=10, left_weeks=10, weekly_micro=[100] * 10)
    assert found is not None
    assert (found.p10_micro, found.p50_micro, found.p90_micro) == (2_000, 2_000, 2_000)


def test_uneven_spending_widens_the_band_with_the_weeks_that_are_left() -> None:
    weeks = [0, 200] * 5
    near = forecast(spent_micro=1_000, promised_micro=0, elapsed_weeks=10, left_weeks=4, weekly_micro=weeks)
    far = forecast(spent_micro=1_000, promised_micro=0, elapsed_weeks=10, left_weeks=16, weekly_micro=weeks)
    assert near is not None
    assert far is not None
    assert near.p90_micro - near.p50_micro == round(1.2815515655446004 * 100 * 2)
    assert far.p90_micro - far.p50_micro == round(1.2815515655446004 * 100 * 4)


def test_too_few_weeks_or_no_spending_give_no_forecast() -> None:
    few = [100] * (WEEKS_MIN - 1)
    assert forecast(spent_micro=700, promised_micro=0, elapsed_weeks=7, left_weeks=45, weekly_micro=few) is None
    none = [0] * WEEKS_MIN
    assert forecast(spent_micro=0, promised_micro=0, elapsed_weeks=8, left_weeks=44, weekly_micro=none) is None


@given(st.lists(MONEY, min_size=WEEKS_MIN, max_size=60), MONEY, st.floats(min_value=0, max_value=60))
def test_a_forecast_is_ordered_and_never_below_what_is_spent_or_promised(
    weeks: list[int], promised: int, left: float
) -> None:
    spent = sum(weeks)
    found = forecast(
        spent_micro=spent, promised_micro=promised, elapsed_weeks=len(weeks), left_weeks=left, weekly_micro=weeks
    )
    if spent == 0:
        assert found is None
        return
    assert found is not None
    assert max(promised, spent) <= found.p10_micro <= found.p50_micro <= found.p90_micro
