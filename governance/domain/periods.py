"""Working days and half-open periods, computed from an IANA zone, kept in UTC."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

START_OF_WORKING_DAY = time(9, 0)
END_OF_WORKING_DAY = time(17, 0)
WORKING_DAYS_MAX = 60


def is_working_day(day: date, holidays: Collection[date]) -> bool:
    """Monday to Friday, and no holiday."""
    return day.weekday() < 5 and day not in holidays


def due_after_working_days(now: datetime, working_days: int, zone: str, holidays: Collection[date] = ()) -> datetime:
    """17:00 local time, `working_days` after `now`; Saturdays, Sundays and holidays are not counted.

    Args:
        now: aware instant.
        working_days: 1 to `WORKING_DAYS_MAX`.
        zone: IANA name of the organisation's working day.

    Returns:
        Aware UTC instant.
    """
    if not 1 <= working_days <= WORKING_DAYS_MAX:
        raise ValueError(f"working days `{working_days}` must be between 1 and {WORKING_DAYS_MAX}")
    day = now.astimezone(ZoneInfo(zone)).date()
    left = working_days
    while left:
        day += timedelta(days=1)
        left -= is_working_day(day, holidays)
    return datetime.combine(day, END_OF_WORKING_DAY, ZoneInfo(zone)).astimezone(UTC)


def working_hours_between(start: datetime, end: datetime, zone: str = "UTC", holidays: Collection[date] = ()) -> float:
    """Hours of working days, 9:00 to 17:00 local time, that lie in a half-open period; 0 when it is empty."""
    place = ZoneInfo(zone)
    first, last = start.astimezone(place).date(), end.astimezone(place).date()
    if end <= start:
        return 0.0
    # Whole days between the two ends are counted, not walked: a period may span years.
    days_between = max(0, (last - first).days - 1)
    weeks, left = divmod(days_between, 7)
    working_days = weeks * 5 + sum((first + timedelta(days=1 + day)).weekday() < 5 for day in range(left))
    working_days -= sum(first < day < last and day.weekday() < 5 for day in holidays)
    length = timedelta(hours=END_OF_WORKING_DAY.hour - START_OF_WORKING_DAY.hour)
    seconds = working_days * length.total_seconds()
    for day in {first, last}:
        if is_working_day(day, holidays):
            opens, closes = _hours_of(day, place)
            seconds += max(0.0, (min(end, closes) - max(start, opens)).total_seconds())
    return seconds / 3600


def middle_of_working_time(start: datetime, end: datetime, zone: str, holidays: Collection[date] = ()) -> datetime:
    """The instant at which half of the working time of a period has gone; its middle where it has none.

    Args:
        start, end: aware instants, at most some months apart.

    Returns:
        Aware UTC instant.
    """
    place = ZoneInfo(zone)
    left = working_hours_between(start, end, zone, holidays) / 2 * 3600
    if left <= 0:
        return (start + (end - start) / 2).astimezone(UTC)
    day = start.astimezone(place).date()
    while True:
        if is_working_day(day, holidays):
            opens, closes = (instant.astimezone(UTC) for instant in _hours_of(day, place))
            begins = max(opens, start.astimezone(UTC))
            here = max(0.0, (closes - begins).total_seconds())
            if here >= left:
                return begins + timedelta(seconds=left)
            left -= here
        day += timedelta(days=1)


def next_working_moment(at: datetime, zone: str, holidays: Collection[date] = ()) -> datetime:
    """`at` if people work then, else the next 9:00 of a working day; an aware UTC instant."""
    place = ZoneInfo(zone)
    day = at.astimezone(place).date()
    while True:
        opens, closes = _hours_of(day, place)
        if is_working_day(day, holidays) and at < closes:
            return max(at, opens).astimezone(UTC)
        day += timedelta(days=1)


def _hours_of(day: date, place: ZoneInfo) -> tuple[datetime, datetime]:
    return datetime.combine(day, START_OF_WORKING_DAY, place), datetime.combine(day, END_OF_WORKING_DAY, place)
