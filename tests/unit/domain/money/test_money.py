from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.domain.money.exposure import exposure_micro
from governance.domain.money.money import AMOUNT_MICRO_MAX, AmountOutOfRange, micro_rounded_up_to_cent, split


@pytest.mark.parametrize(
    ("amount", "micro"),
    [
        (0, 0),
        (1000.0, 1_000_000_000),
        (0.001, 10_000),
        (Decimal("2.005"), 2_010_000),
        # 0.1 + 0.2 in binary is a hair above 0.3: no cent is made of noise.
        (0.1 + 0.2, 300_000),
        (10_000_000_000, AMOUNT_MICRO_MAX),
    ],
)
def test_amounts_are_rounded_up_to_a_cent(amount: float, micro: int):
    assert micro_rounded_up_to_cent(amount) == micro


@pytest.mark.parametrize("amount", [float("nan"), float("inf"), -0.01, 1e30, 10_000_000_000.02])
def test_amounts_that_are_no_amounts_are_refused(amount: float):
    with pytest.raises(AmountOutOfRange):
        micro_rounded_up_to_cent(amount)


@given(st.integers(1, 10**12), st.integers(1, 97))
def test_shares_sum_to_the_whole(total: int, shares: int):
    parts = split(total, shares)
    assert sum(parts) == total
    assert max(parts) - min(parts) <= 1


def test_the_cap_decides_before_the_estimate():
    assert exposure_micro(cap_cost_usd=900.0, cost_p90_usd=5000.0) == 900_000_000


def test_without_a_cap_p90_decides():
    assert exposure_micro(cap_cost_usd=None, cost_p90_usd=5240.001) == 5_240_010_000


def test_an_unknown_price_is_unknown_and_never_zero():
    assert exposure_micro(cap_cost_usd=None, cost_p90_usd=None, running_micro=5) is None


def test_what_runs_already_and_what_cannot_be_cancelled_count():
    assert exposure_micro(cap_cost_usd=100.0, cost_p90_usd=None, commitment_tail_usd=400.0) == 400_000_000
    assert exposure_micro(cap_cost_usd=100.0, cost_p90_usd=None, running_micro=7) == 100_000_007
