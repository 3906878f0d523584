"""Numbers as people read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.display import numbers

NBSP = numbers.NBSP


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "0"),
        (3.417, "3.42"),
        (4, "4"),
        (68.43, "68.4"),
        (142, "142"),
        (4278, "4,280"),
        (9999, f"10{NBSP}k"),
        (28_517, f"28.5{NBSP}k"),
        (2_629_000, f"2.63{NBSP}M"),
        (999_700, f"1{NBSP}M"),
        (-1612.4, "−1,610"),
        (4.2e16, "4.2e16"),
        (float("inf"), "unknown"),
        (None, "unknown"),
    ],
)
def test_money_has_three_significant_digits_and_no_empty_decimal(amount: float | None, text: str) -> None:
    assert numbers.money(amount) == text


@given(st.floats(min_value=0.01, max_value=1e14))
def test_rounding_never_moves_an_amount_by_more_than_a_half_percent(amount: float) -> None:
    text = numbers.money(amount)
    digits, _, suffix = text.partition(NBSP)
    shown = float(digits.replace(",", "")) * {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}[suffix]
    assert abs(shown - amount) <= 0.00501 * amount + 0.00501


def test_a_range_writes_its_scale_once() -> None:
    assert numbers.money_range(3560, 5240) == "3,560–5,240"
    assert numbers.money_range(29_400, 33_000) == f"29.4–33{NBSP}k"
    assert numbers.money_range(420, 2_300_000) == f"420–2.3{NBSP}M"
    assert numbers.money_range(None, 3) == "unknown"


def test_an_exact_range_has_one_end() -> None:
    assert numbers.money_range(588_672.0, 588_672.0) == f"589{NBSP}k"
    assert numbers.hours_range(5_480.0, 5_480.0) == "5,480"
    assert numbers.flop_range(3.5e21, 3.5e21) == "3.5e21"


def test_an_amount_that_is_decided_on_keeps_its_cents_and_a_ledger_its_empty_ones() -> None:
    assert [numbers.exact(each) for each in (46_771.2, 1000, 0, -2.5, 0.001, None)] == [
        "46,771.20", "1,000", "0", "−2.50", "0", "unknown",
    ]  # fmt: skip
    assert [numbers.cents(each) for each in (2_861_204.66, -1612.4, 1000, None)] == [
        "2,861,204.66", "−1,612.40", "1,000.00", "unknown",
    ]  # fmt: skip
    assert [numbers.rate(each) for each in (1.45, 2.9, 0.0042, None)] == ["1.45", "2.90", "0.0042", "unknown"]


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.23, 3, "0.23"), (42.5, 3, "42.5"), (142.7, 3, "143"), (999.7, 3, "1,000"), (4992, 3, "4,992"),
        (12_345.6, 3, "12,346"), (0.00217, 2, "0.0022"), (3.14159, 6, "3.14159"), (1.5e-7, 2, "1.5e−07"),
        (3e15, 3, "3e15"), (-0.5, 3, "−0.5"), (0, 3, "0"), (None, 3, "unknown"), (float("nan"), 3, "unknown"),
    ],
)  # fmt: skip
def test_a_figure_keeps_its_whole_part(value: float | None, digits: int, text: str) -> None:
    assert numbers.figure(value, digits) == text


def test_flop_have_two_digits_and_three_beside_a_limit() -> None:
    assert numbers.flop(8.14e24) == "8.1e24"
    assert numbers.flop(1e23) == "1e23"
    assert numbers.flop(1.04e25, [1e25]) == "1.04e25"
    assert numbers.flop(1e25, [1e25]) == "1e25"
    assert numbers.flop(5_000) == "5,000"
    assert numbers.flop_range(3.5e21, 5.1e21) == "3.5–5.1e21"
    assert numbers.flop_range(6e24, 1.09e25) == "6e24–1.1e25"
    assert numbers.flop(None) == "unknown"


def test_units_follow_a_no_break_space() -> None:
    assert numbers.hours(3614) == f"3,614{NBSP}h"
    assert numbers.hours(1_720_000) == f"1.72{NBSP}M{NBSP}h"
    assert numbers.energy(3100) == f"3.1{NBSP}MWh"
    assert numbers.carbon(67.6) == f"68{NBSP}kg CO2e"
    assert numbers.memory(0.42) == f"0.42{NBSP}GiB"
    assert numbers.times(64, "H200") == f"64{NBSP}×{NBSP}H200"
    assert numbers.billions(0.35) == f"350{NBSP}M"
    assert numbers.billions(1400) == f"1.4{NBSP}T"
    assert numbers.counted(1, "flag") == f"1{NBSP}flag"
    assert numbers.counted(1200, "entry", "entries") == f"1,200{NBSP}entries"


def test_a_time_takes_the_unit_in_which_it_reads_best() -> None:
    assert [numbers.duration(each) for each in (12 / 3600, 0.5, 1, 18.24, 76, None)] == [
        f"12{NBSP}s", f"30{NBSP}min", f"1{NBSP}h", f"18{NBSP}h", f"3.2{NBSP}days", "unknown",
    ]  # fmt: skip
    assert numbers.duration_range(76, 178) == f"3.2 to 7.4{NBSP}days"


def test_a_share_that_is_decided_on_keeps_one_decimal() -> None:
    assert [numbers.percent(each) for each in (0.64, 1.017, 0.034, 0.05, 0.0004, 0, None)] == [
        f"64{NBSP}%", f"102{NBSP}%", f"3.4{NBSP}%", f"5{NBSP}%", f"less than 0.1{NBSP}%", f"0{NBSP}%", "unknown",
    ]  # fmt: skip
    assert [numbers.exact_percent(each) for each in (1.017, 0.8, -0.004)] == [
        f"101.7{NBSP}%", f"80{NBSP}%", f"−0.4{NBSP}%",
    ]  # fmt: skip


def test_a_box_of_a_form_reads_back_the_number_that_it_was_given() -> None:
    assert [numbers.typed(each) for each in (1500.0, 0.1 + 0.2, 10**15)] == ["1500", "0.3", "1000000000000000"]
    assert numbers.typed(2.5, 2) == "2.50"


def test_a_narrow_column_rounds_what_a_sentence_writes_in_full() -> None:
    pairs = [(2_190_000.0, "USD"), (1_150_000.0, "kWh"), (46_771.2, "USD"), (0.8, "share")]
    assert [(numbers.quantity(*each), numbers.rounded_quantity(*each)) for each in pairs] == [
        (f"2,190,000{NBSP}USD", f"2.19{NBSP}M{NBSP}USD"),
        (f"1,150,000{NBSP}kWh", f"1,150{NBSP}MWh"),
        (f"46,771.20{NBSP}USD", f"46,771.20{NBSP}USD"),
        (f"80{NBSP}%", f"80{NBSP}%"),
    ]
