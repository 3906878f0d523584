"""How a day, an instant and a period are written. Pure, and without imports of ours, so that every floor may use it.

A page and a mail write them in the reader's zone, with the weekday, and with the year where it is not the present one.
A sentence without a reader, such as a refusal or a record, writes the year and UTC.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from governance.display.numbers import NBSP


def day(value: date, *, today: date, weekday: bool = True) -> str:
    """`Thu 27 Nov`; the year is added when it is not this one."""
    text = f"{value.day}{NBSP}{value:%b}" if value.year == today.year else full_day(value)
    return f"{value:%a} {text}" if weekday else text


def full_day(value: date | None) -> str:
    """`27 Nov 2026`, whoever reads it and whenever; empty without a day."""
    return "" if value is None else f"{value.day}{NBSP}{value:%b} {value.year}"


def month(value: date) -> str:
    """`Nov 2026`."""
    return f"{value:%b} {value.year}"


def month_name(value: date) -> str:
    """`Nov`, for an axis."""
    return f"{value:%b}"


def moment(at: datetime, *, zone: tzinfo, now: datetime) -> str:
    """`Thu 27 Nov, 17:00` in the reader's zone."""
    local = at.astimezone(zone)
    return f"{day(local, today=now.astimezone(zone))}, {clock(local)}"


def full_moment(at: datetime) -> str:
    """`27 Nov 2026, 17:00 UTC`."""
    at = at.astimezone(UTC)
    return f"{full_day(at)}, {clock(at)} UTC"


def clock(local: datetime) -> str:
    """`17:00`."""
    return f"{local:%H:%M}"


def last_day(ends_at: datetime, zone: tzinfo = UTC) -> date:
    """The last day of a half-open window, which ends at midnight of the day after."""
    return (ends_at - timedelta(microseconds=1)).astimezone(zone).date()


def window(first: date, last: date | None) -> str:
    """The first and the last day, whoever reads it: `3 Dec 2026 to 14 Jan 2027`, `4 Dec to 18 Dec 2026`."""
    if last is None:
        return f"from {full_day(first)}, without end"
    return f"{day(first, today=last, weekday=False)} to {full_day(last)}"


def period(start: datetime, end: datetime) -> str:
    """A half-open period of whole days in UTC by its first and last day: 1 Feb 2026 to 31 Jan 2027."""
    return window(start.astimezone(UTC).date(), last_day(end))


def days_left(due: datetime, now: datetime, zone: tzinfo) -> str:
    """`17 days left`, counted in the reader's days; the last day says so."""
    days = (due.astimezone(zone).date() - now.astimezone(zone).date()).days
    return "last day" if days <= 0 else f"{days}{NBSP}day{'' if days == 1 else 's'} left"


def zone_named(name: str) -> ZoneInfo:
    """The zone, or UTC when the name is not in the database of this machine."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
