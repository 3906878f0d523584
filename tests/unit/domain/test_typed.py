"""One reader of typed numbers and instants."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from governance.domain.typed import finite_number, is_kept_day, plain_numeral, read_instant


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("200,000", "200000"),
        ("200 000", "200000"),
        ("2\u00a0861\u202f204.66", "2861204.66"),
        ("\u2212200,000.50", "-200000.50"),
        ("6.3e24", "6.3e24"),
        ("20,00", None),
        ("1_000", None),
        ("\u0662\u0660", None),
        ("\uff11\uff12", None),
        ("0x10", None),
        ("1e9999", None),
        ("NaN", None),
        ("true", None),
        ("9" * 400, None),
        ("", None),
    ],
)
def test_amounts_are_read_as_our_pages_print_them(typed: str, plain: str | None) -> None:
    assert plain_numeral(typed) == plain


@pytest.mark.parametrize(
    "value",
    [True, False, None, [], {}, "1_000", "\u0661", "nan", "inf", "1e999", "", " 1", "1 ", float("nan"),
     float("inf"), 10**400],
)  # fmt: skip
def test_what_is_no_finite_number_is_none(value: object) -> None:
    assert finite_number(value) is None


@pytest.mark.parametrize(("value", "number"), [(3, 3), (2.5, 2.5), ("3", 3.0), ("-1.5e3", -1500.0), (0, 0)])
def test_numbers_of_programs_are_read(value: object, number: float) -> None:
    assert finite_number(value) == number


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "9999-12-31T23:59:59Z",
        "1999-12-31T23:59:59Z",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01",
        "\u0662\u0660\u0662\u0666-01-01T00:00:00Z",
        "yesterday",
        "",
    ],
)
def test_what_is_no_instant_that_can_be_kept_is_none(text: str) -> None:
    assert read_instant(text) is None


def test_an_instant_is_in_utc_whatever_its_offset() -> None:
    read = read_instant("2026-01-01T00:00:00-23:59")
    assert read == datetime(2026, 1, 1, 23, 59, tzinfo=UTC)
    assert read is not None
    assert read.tzinfo is UTC


def test_days_are_kept_within_the_years_of_the_facts() -> None:
    assert [is_kept_day(date(year, 1, 1)) for year in (1, 1999, 2000, 2199, 2200, 9999)] == [
        False, False, True, True, False, False,
    ]  # fmt: skip
