"""Working time: holidays are no working days, halves are halves, in every zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.domain.periods import (
    due_after_working_days,
    middle_of_working_time,
    next_working_moment,
    working_hours_between,
)

ZONES = ["UTC", "Europe/Dublin", "America/Toronto", "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Chatham"]
CHRISTMAS = frozenset({date(2026, 12, 25), date(2026, 12, 28)})
DAYS_OFF = st.frozensets(st.dates(date(2026, 1, 1), date(2027, 12, 31)), max_size=40)
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
INSTANTS = st.timedeltas(timedelta(0), timedelta(days=630)).map(lambda gone: FIRST + gone)
LENGTHS = st.timedeltas(timedelta(0), timedelta(days=70))


def test_a_deadline_skips_holidays() -> None:
    thursday = datetime(2026, 12, 24, 10, tzinfo=UTC)
    assert due_after_working_days(thursday, 1, "UTC") == datetime(2026, 12, 25, 17, tzinfo=UTC)
    assert due_after_working_days(thursday, 1, "UTC", CHRISTMAS) == datetime(2026, 12, 29, 17, tzinfo=UTC)


def test_a_stage_opened_on_friday_afternoon_is_half_gone_on_monday() -> None:
    friday = datetime(2026, 12, 4, 15, tzinfo=UTC)
    due = due_after_working_days(friday, 1, "UTC")
    # Two hours on Friday and eight on Monday: five hours are gone on Monday at noon.
    assert middle_of_working_time(friday, due, "UTC") == datetime(2026, 12, 7, 12, tzinfo=UTC)


def test_a_period_without_working_time_has_its_middle_by_the_clock() -> None:
    saturday = datetime(2026, 12, 5, 10, tzinfo=UTC)
    assert middle_of_working_time(saturday, saturday + timedelta(hours=4), "UTC") == saturday + timedelta(hours=2)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (datetime(2026, 12, 4, 16, tzinfo=UTC), datetime(2026, 12, 4, 16, tzinfo=UTC)),
        (datetime(2026, 12, 4, 17, tzinfo=UTC), datetime(2026, 12, 7, 9, tzinfo=UTC)),
        (datetime(2026, 12, 7, 3, tzinfo=UTC), datetime(2026, 12, 7, 9, tzinfo=UTC)),
        (datetime(2026, 12, 25, 10, tzinfo=UTC), datetime(2026, 12, 29, 9, tzinfo=UTC)),
    ],
)
def test_the_next_moment_at_which_people_work(at: datetime, expected: datetime) -> None:
    assert next_working_moment(at, "UTC", CHRISTMAS) == expected


@given(start=INSTANTS, days=st.integers(1, 20), zone=st.sampled_from(ZONES), off=DAYS_OFF)
def test_half_of_the_working_hours_lie_on_each_side_of_the_middle(
    start: datetime, days: int, zone: str, off: frozenset[date]
) -> None:
    end = due_after_working_days(start, days, zone, off)
    assert end.astimezone(ZoneInfo(zone)).date() not in off
    middle = middle_of_working_time(start, end, zone, off)
    before, after = (working_hours_between(*each, zone, off) for each in ((start, middle), (middle, end)))
    assert before == pytest.approx(after, abs=1e-6)
    assert before + after == pytest.approx(working_hours_between(start, end, zone, off))


@given(start=INSTANTS, length=LENGTHS, zone=st.sampled_from(ZONES), off=DAYS_OFF)
def test_working_hours_are_those_of_the_days_one_by_one(
    start: datetime, length: timedelta, zone: str, off: frozenset[date]
) -> None:
    end, place, hours = start + length, ZoneInfo(zone), 0.0
    day = start.astimezone(place).date()
    while day <= end.astimezone(place).date():
        opens, closes = (datetime(day.year, day.month, day.day, hour, tzinfo=place) for hour in (9, 17))
        if day.weekday() < 5 and day not in off:
            hours += max(0.0, (min(end, closes) - max(start, opens)).total_seconds()) / 3600
        day += timedelta(days=1)
    assert working_hours_between(start, end, zone, off) == pytest.approx(hours)


@given(at=INSTANTS, zone=st.sampled_from(ZONES), off=DAYS_OFF)
def test_the_next_working_moment_is_working_time_and_the_first(at: datetime, zone: str, off: frozenset[date]) -> None:
    found = next_working_moment(at, zone, off)
    assert found >= at
    assert working_hours_between(at, found, zone, off) == 0
    assert working_hours_between(found, found + timedelta(minutes=1), zone, off) > 0
