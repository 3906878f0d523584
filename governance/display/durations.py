"""How long something takes, as people say it: three weeks, 2 days 4 hours."""

from __future__ import annotations

from governance.display.numbers import NBSP, UNKNOWN

_MINUTE = 1 / 60
_DAY, _WEEK, _YEAR = 24.0, 168.0, 8_760.0
# From here on one unit is enough, and days no longer matter.
_MONTHS_FROM = 13 * _WEEK
_YEARS_FROM = 3 * _YEAR
_SMALL = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def spoken(hours: float | None) -> str:
    """A length of time in at most two units: `40 minutes`, `2 days 4 hours`, `three weeks`, `about five months`.

    Args:
        hours: at least 0; None reads "unknown".
    """
    return UNKNOWN if hours is None else _written(hours, in_words=True)


def spoken_range(low: float, high: float) -> str:
    """`7 to 22 hours`, `6 days 4 hours to 7 days`: a unit that both ends share alone is written once."""
    if spoken(low) == spoken(high):
        return spoken(low)
    first, last = _parts(low), _parts(high)
    if len(first) == len(last) == 1 and first[0][1] == last[0][1]:
        return f"{_about(low)}{first[0][0]:,} to {last[0][0]:,}{NBSP}{last[0][1]}s"
    return f"{_written(low, in_words=False)} to {_written(high, in_words=False)}"


def on_accelerators(gpu_hours: float | None, count: int | None) -> str:
    """How long GPU-hours last on that many accelerators: `three weeks on 32 accelerators`.

    Empty where either is not known: then nothing is said beside the hours.

    Args:
        gpu_hours: device-hours.
        count: accelerators at once.
    """
    if not gpu_hours or not count:
        return ""
    return f"{spoken(gpu_hours / count)} on {count:,}{NBSP}{'accelerator' if count == 1 else 'accelerators'}"


def _written(hours: float, *, in_words: bool) -> str:
    if hours < _MINUTE:
        return "under a minute"
    parts = _parts(hours)
    if in_words and len(parts) == 1 and parts[0][0] < len(_SMALL):
        number, unit = parts[0]
        return f"{_about(hours)}{_SMALL[number]}{NBSP}{_plural(number, unit)}"
    return _about(hours) + " ".join(f"{number:,}{NBSP}{_plural(number, unit)}" for number, unit in parts)


def _about(hours: float) -> str:
    return "about " if hours >= _MONTHS_FROM else ""


def _parts(hours: float) -> list[tuple[int, str]]:
    """One or two units with their numbers, rounded to the smaller unit first, so that 59.9 minutes are an hour."""
    if hours >= _YEARS_FROM:
        return [(round(hours / _YEAR), "year")]
    if hours >= _MONTHS_FROM:
        return [(round(hours / _YEAR * 12), "month")]
    if (minutes := round(hours / _MINUTE)) < 60:
        return [(minutes, "minute")]
    if (whole := round(hours)) < _DAY:
        # Up to a few hours the minutes matter.
        return _pair(minutes, 60, "hour", "minute") if minutes < 360 else [(whole, "hour")]
    if (days := round(hours / _DAY)) < 14:
        return _pair(whole, 24, "day", "hour")
    return _pair(days, 7, "week", "day")


def _pair(number: int, per: int, large: str, small: str) -> list[tuple[int, str]]:
    whole, rest = divmod(number, per)
    return [(whole, large), (rest, small)] if rest else [(whole, large)]


def _plural(number: int, unit: str) -> str:
    return unit if number == 1 else f"{unit}s"
