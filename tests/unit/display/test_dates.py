"""Days, instants, periods and lists as people read them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from governance.display import dates, reader
from governance.display.lists import joined


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


LATE = datetime(2026, 11, 26, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "now", "text"),
    [
        ("Europe/Stockholm", datetime(2026, 12, 1, tzinfo=UTC), "Fri 27 Nov, 00:30"),
        ("America/Toronto", datetime(2026, 12, 1, tzinfo=UTC), "Thu 26 Nov, 18:30"),
        # In Stockholm it is 2027 already.
        ("Europe/Stockholm", datetime(2026, 12, 31, 23, 30, tzinfo=UTC), "Fri 27 Nov 2026, 00:30"),
        ("America/Toronto", datetime(2026, 12, 31, 23, 30, tzinfo=UTC), "Thu 26 Nov, 18:30"),
    ],
)
def test_an_instant_is_read_in_the_readers_zone_and_carries_another_year(zone: str, now: datetime, text: str) -> None:
    assert plain(dates.moment(LATE, zone=ZoneInfo(zone), now=now)) == text


def test_a_page_reads_the_zone_of_its_thread() -> None:
    with timezone.override(ZoneInfo("America/Toronto")):
        assert reader.moment(LATE) == dates.moment(LATE, zone=ZoneInfo("America/Toronto"), now=timezone.now())
        assert reader.moment(None) == reader.day(None) == ""


def test_a_sentence_without_a_reader_carries_year_and_zone() -> None:
    assert plain(dates.full_moment(LATE)) == "26 Nov 2026, 23:30 UTC"
    assert plain(dates.full_day(date(2026, 1, 5))) == "5 Jan 2026"
    assert plain(dates.month(date(2026, 1, 5))) == "Jan 2026"
    assert dates.zone_named("Mars/Olympus") == ZoneInfo("UTC")


def test_a_period_is_told_by_its_first_and_last_day() -> None:
    assert (
        plain(dates.period(datetime(2026, 2, 1, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC)))
        == "1 Feb 2026 to 31 Jan 2027"
    )
    assert plain(dates.window(date(2026, 12, 4), date(2026, 12, 18))) == "4 Dec to 18 Dec 2026"
    assert plain(dates.window(date(2026, 12, 4), None)) == "from 4 Dec 2026, without end"


def test_days_left_are_counted_in_days_of_the_calendar() -> None:
    now = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)
    for due, expected in (
        (datetime(2026, 12, 8, 9, 0, tzinfo=UTC), "17 days left"),
        (datetime(2026, 11, 22, 1, 0, tzinfo=UTC), "1 day left"),
        (datetime(2026, 11, 21, 16, 0, tzinfo=UTC), "last day"),
    ):
        assert plain(dates.days_left(due, now, UTC)) == expected


def test_a_list_is_joined_as_a_sentence_says_it() -> None:
    assert [joined(each) for each in ([], ["a"], ["a", "b"], ["a", "", "b", "c"])] == ["", "a", "a and b", "a, b and c"]
    assert joined(["a", "b", "c", "d"], "or", at_most=2) == "a, b or 2 more"
