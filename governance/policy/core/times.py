"""Instants and durations of core CEL: reading, writing, and the parts of a date in a time zone.

Source: Common Expression Language specification, "Timestamps", "Durations"; RFC 3339 for the text of an instant.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from fractions import Fraction
from zoneinfo import ZoneInfo

from governance.policy.core.values import Duration, EvaluationError, Timestamp

SECOND = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# 0001-01-01T00:00:00Z to 9999-12-31T23:59:59.999999999Z.
TIMESTAMP_LOW, TIMESTAMP_HIGH = -62_135_596_800 * SECOND, 253_402_300_800 * SECOND - 1
DURATION_HIGH = 315_576_000_000 * SECOND
# The difference of the two ends of the calendar is already out of range.
DIFFERENCE_HIGH = 315_537_897_598 * SECOND

_RFC3339 = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d{2}):(\d{2}))", re.ASCII
)
_PART = re.compile(r"(\d{1,19}(?:\.\d{0,19})?|\.\d{1,19})(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "μs": 1_000,
    "ms": 1_000_000,
    "s": SECOND,
    "m": 60 * SECOND,
    "h": 3600 * SECOND,
}
_OFFSET = re.compile(r"([+-]?)(\d{1,2}):(\d{2})", re.ASCII)


def timestamp(nanoseconds: int) -> Timestamp:
    if not TIMESTAMP_LOW <= nanoseconds <= TIMESTAMP_HIGH:
        raise EvaluationError("the instant is out of range")
    return Timestamp(nanoseconds)


def duration(nanoseconds: int) -> Duration:
    if abs(nanoseconds) > DURATION_HIGH:
        raise EvaluationError("the duration is out of range")
    return Duration(nanoseconds)


def difference(nanoseconds: int) -> Duration:
    if abs(nanoseconds) > DIFFERENCE_HIGH:
        raise EvaluationError("the duration is out of range")
    return Duration(nanoseconds)


def timestamp_from_text(text: str) -> Timestamp:
    """Read an RFC 3339 instant with up to nine digits of a second."""
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise EvaluationError("not an instant")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    try:
        instant = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError as error:
        raise EvaluationError("not an instant") from error
    nanoseconds = (instant - _EPOCH) // timedelta(seconds=1) * SECOND + int((match[7] or "").ljust(9, "0"))
    if match[8]:
        offset = (int(match[9]) * 60 + int(match[10])) * 60 * SECOND
        nanoseconds -= offset if match[8] == "+" else -offset
    return timestamp(nanoseconds)


def timestamp_to_text(value: Timestamp) -> str:
    seconds, rest = divmod(value.nanoseconds, SECOND)
    instant = _EPOCH + timedelta(seconds=seconds)
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{instant:%m-%dT%H:%M:%S}".join((f"{instant.year:04d}-", f"{fraction}Z"))


def duration_from_text(text: str) -> Duration:
    """Read `1h30m`, `-1.5s`, `10ms`…"""
    body = text.removeprefix("-") if text.startswith("-") else text.removeprefix("+")
    if body == "0":
        return Duration(0)
    total, offset = Fraction(0), 0
    while offset < len(body):
        part = _PART.match(body, offset)
        if part is None:
            raise EvaluationError("not a duration")
        total += Fraction(part[1]) * _UNITS[part[2]]
        offset = part.end()
    if not body:
        raise EvaluationError("not a duration")
    nanoseconds = int(total)
    return duration(-nanoseconds if text.startswith("-") else nanoseconds)


def duration_to_text(value: Duration) -> str:
    """Seconds, with as many digits as needed: `90s`, `-0.5s`."""
    seconds, rest = divmod(abs(value.nanoseconds), SECOND)
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{'-' if value.nanoseconds < 0 else ''}{seconds}{fraction}s"


def _zone(name: str) -> tzinfo:
    match = _OFFSET.fullmatch(name)
    if match:
        minutes = int(match[2]) * 60 + int(match[3])
        if minutes >= 24 * 60:
            raise EvaluationError("no such time zone")
        return timezone(timedelta(minutes=-minutes if match[1] == "-" else minutes))
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise EvaluationError("no such time zone") from error


def part_of_timestamp(value: Timestamp, function: str, zone: str = "UTC") -> int:
    """The answer of `getFullYear` and its kin, in a time zone (a name, or an offset such as `-02:30`)."""
    seconds, rest = divmod(value.nanoseconds, SECOND)
    try:
        moment = (_EPOCH + timedelta(seconds=seconds)).astimezone(UTC if zone in ("UTC", "") else _zone(zone))
    except OverflowError as error:
        raise EvaluationError("the instant is out of range") from error
    parts = {
        "getFullYear": moment.year,
        "getMonth": moment.month - 1,
        "getDate": moment.day,
        "getDayOfMonth": moment.day - 1,
        "getDayOfWeek": moment.isoweekday() % 7,
        "getDayOfYear": moment.timetuple().tm_yday - 1,
        "getHours": moment.hour,
        "getMinutes": moment.minute,
        "getSeconds": moment.second,
        "getMilliseconds": rest // 1_000_000,
    }
    return parts[function]


_DURATION_PARTS = {"getHours": 3600 * SECOND, "getMinutes": 60 * SECOND, "getSeconds": SECOND}
TIMESTAMP_PARTS = (
    "getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getHours", "getMinutes",
    "getSeconds", "getMilliseconds",
)  # fmt: skip


def part_of_duration(value: Duration, function: str) -> int:
    """Whole hours, minutes or seconds of the span; milliseconds are those within its last second."""
    sign = -1 if value.nanoseconds < 0 else 1
    if function == "getMilliseconds":
        return sign * (abs(value.nanoseconds) % SECOND // 1_000_000)
    if function not in _DURATION_PARTS:
        raise EvaluationError(f"`{function}` takes an instant")
    return sign * (abs(value.nanoseconds) // _DURATION_PARTS[function])
