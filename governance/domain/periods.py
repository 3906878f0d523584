"""Working days and half-open periods, computed from an IANA zone, kept in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

END_OF_WORKING_DAY = time(17, 0)
WORKING_DAYS_MAX = 60


def due_after_working_days(now: datetime, working_days: int, zone: str = "UTC") -> datetime:
    """17:00 local time, `working_days` after `now`, Saturdays and Sundays not counted.

    Args:
        now: aware instant.
        working_days: 1 to `WORKING_DAYS_MAX`.
        zone: IANA name of the approver's organisation.

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
