"""Days and instants for whoever reads the present page: in the zone and on the day of this thread."""

from __future__ import annotations

from datetime import date, datetime

from django.utils import timezone

from governance.display import dates


def day(value: date | datetime | None, *, today: date | None = None, weekday: bool = True) -> str:
    """`Thu 27 Nov`; empty without a day."""
    if value is None:
        return ""
    local = timezone.localtime(value).date() if isinstance(value, datetime) else value
    return dates.day(local, today=today or timezone.localdate(), weekday=weekday)


def moment(value: datetime | None) -> str:
    """`Thu 27 Nov, 17:00`; empty without an instant."""
    if value is None:
        return ""
    return dates.moment(value, zone=timezone.get_current_timezone(), now=timezone.now())


def days_left(due: datetime, now: datetime) -> str:
    """`17 days left`, or that it is the last day."""
    return dates.days_left(due, now, timezone.get_current_timezone())
