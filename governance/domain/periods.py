"""Working days and half-open periods, computed from an IANA zone, kept in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

START_OF_WORKING_DAY = time(9, 0)
END_OF_WORKING_DAY = time(17, 0)
WORKING_DAYS_MAX = 60


def due_after_working_days(now: datetime, working_days: int, zone: str) -> datetime:
    """17:00 local time, `working_days` after `now`, Saturdays and Sundays not counted.

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
        if day.weekday() < 5:
            left -= 1
    return datetime.combine(day, END_OF_WORKING_DAY, ZoneInfo(zone)).astimezone(UTC)


def working_hours_between(start: datetime, end: datetime, zone: str = "UTC") -> float:
    """Hours from Monday to Friday, 9:00 to 17:00 local time, that lie in a half-open period; 0 when it is empty."""
    place = ZoneInfo(zone)
    first, last = start.astimezone(place).date(), end.astimezone(place).date()
    if end <= start:
        return 0.0
    # Whole days between the two ends are counted, not walked: a period may span years.
    days_between = max(0, (last - first).days - 1)
    weeks, left = divmod(days_between, 7)
    working_days = weeks * 5 + sum((first + timedelta(days=1 + day)).weekday() < 5 for day in range(left))
    length = timedelta(hours=END_OF_WORKING_DAY.hour - START_OF_WORKING_DAY.hour)
    seconds = working_days * length.total_seconds()
    for day in {first, last}:
        if day.weekday() < 5:
            opens = datetime.combine(day, START_OF_WORKING_DAY, place)
            closes = datetime.combine(day, END_OF_WORKING_DAY, place)
            seconds += max(0.0, (min(end, closes) - max(start, opens)).total_seconds())
    return seconds / 3600
