"""Numbers as people read them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from governance.display import numbers

NBSP = numbers.NBSP


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "0"),
        (3.417, "3.42"),
        (68.43, "68.4"),
        (142, "142"),
        (4278, "4,280"),
        (9999, f"10.0{NBSP}k"),
        (28_517, f"28.5{NBSP}k"),
        (2_629_000, f"2.63{NBSP}M"),
        (999_700, f"1.00{NBSP}M"),
        (-1612.4, "−1,610"),
        (None, "unknown"),
    ],
)
def test_money_has_three_significant_digits(amount: float | None, text: str) -> None:
    assert numbers.money(amount) == text


def test_a_range_writes_its_scale_once() -> None:
    assert numbers.money_range(3560, 5240) == "3,560–5,240"
    assert numbers.money_range(29_400, 33_000) == f"29.4–33.0{NBSP}k"
    assert numbers.money_range(420, 2_300_000) == f"420–2.30{NBSP}M"
    assert numbers.money_range(None, 3) == "unknown"


def test_ledgers_show_every_cent() -> None:
    assert numbers.cents(2_861_204_660_000) == "2,861,204.66"
    assert numbers.cents(-1_612_400_000) == "−1,612.40"
    assert numbers.cents(None) == "unknown"


def test_flop_have_two_digits() -> None:
    assert numbers.flop(8.14e24) == "8.1e24"
    assert numbers.flop_line(1e23) == "1e23"
    assert numbers.flop_range(3.5e21, 5.1e21) == "3.5–5.1e21"
    assert numbers.flop_range(6e24, 1.09e25) == "6.0e24–1.1e25"
    assert numbers.flop(None) == "unknown"


def test_units_follow_a_no_break_space() -> None:
    assert numbers.hours(3614) == f"3,614{NBSP}h"
    assert numbers.hours(1_720_000) == f"1.72{NBSP}M{NBSP}h"
    assert numbers.energy(3100) == f"3.1{NBSP}MWh"
    assert numbers.percent(0.64) == f"64{NBSP}%"
    assert numbers.duration_range(76, 178) == f"3.2 to 7.4{NBSP}days"
    assert numbers.carbon(67.6) == f"68{NBSP}kg CO2e"


def test_instants_are_read_in_the_readers_zone() -> None:
    late = datetime(2026, 11, 26, 23, 30, tzinfo=UTC)
    year = timezone.localdate().year
    suffix = "" if year == 2026 else " 2026"
    with timezone.override(ZoneInfo("Europe/Stockholm")):
        assert numbers.moment(late) == f"Fri 27{NBSP}Nov{suffix}, 00:30"
    with timezone.override(ZoneInfo("America/Toronto")):
        assert numbers.moment(late) == f"Thu 26{NBSP}Nov{suffix}, 18:30"


@given(st.floats(min_value=0.01, max_value=1e14))
def test_rounding_never_moves_an_amount_by_more_than_a_half_percent(amount: float) -> None:
    text = numbers.money(amount)
    digits, _, suffix = text.partition(NBSP)
    shown = float(digits.replace(",", "")) * {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}[suffix]
    assert abs(shown - amount) <= 0.00501 * amount + 0.00501


def test_days_left_are_counted_in_days_of_the_calendar() -> None:
    now = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)
    for due, expected in (
        (datetime(2026, 12, 8, 9, 0, tzinfo=UTC), "17 days left"),
        (datetime(2026, 11, 22, 1, 0, tzinfo=UTC), "1 day left"),
        (datetime(2026, 11, 21, 16, 0, tzinfo=UTC), "last day"),
    ):
        assert numbers.days_left(due, now).replace("\u00a0", " ") == expected


def test_an_exact_range_has_one_end() -> None:
    assert numbers.money_range(588_672.0, 588_672.0).replace("\u00a0", " ") == "589 k"
    assert numbers.hours_range(5_480.0, 5_480.0) == "5,480"
