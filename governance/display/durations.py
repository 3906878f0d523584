"""How long something takes, as people say it: three weeks, 2 days 4 hours."""

from __future__ import annotations

from governance.display.numbers import NBSP, UNKNOWN

_MINUTE = 1 / 60
_DAY, _WEEK, _YEAR = 24.0, 168.0, 8_760.0
# From here on the smaller unit of the two is noise.
_WEEKS_BELOW = 13 * _WEEK
_MONTHS_BELOW = 3 * _YEAR
_SMALL = ("", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def spoken(hours: float | None) -> str:
    """A length of time in at most two units: `40 minutes`, `2 days 4 hours`, `three weeks`, `about 5 months`.

    Args:
        hours: at least 0; None reads "unknown".
    """
    if hours is None:
        return UNKNOWN
    if hours < _MINUTE:
        return "under a minute"
    if hours >= _MONTHS_BELOW:
        return f"about {_counted(round(hours / _YEAR), 'year')}"
    if hours >= _WEEKS_BELOW:
        return f"about {_counted(round(hours / (_YEAR / 12)), 'month')}"
    # Rounded to the smaller unit first, so that 59.9 minutes are an hour.
    if (minutes := round(hours / _MINUTE)) < 60:
        return _counted(minutes, "minute")
    if (whole := round(hours)) < _DAY:
        # Up to a few hours the minutes matter.
        return _pair(minutes, 60, "hour", "minute") if minutes < 360 else _counted(whole, "hour")
    if (days := round(hours / _DAY)) < 14:
        return _pair(whole, 24, "day", "hour")
    return _pair(days, 7, "week", "day")


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


def _pair(number: int, per: int, large: str, small: str) -> str:
    """`2 days 4 hours` for 52 hours; a whole number of the larger unit stands alone."""
    whole, rest = divmod(number, per)
    return f"{whole}{NBSP}{_plural(whole, large)} {rest}{NBSP}{_plural(rest, small)}" if rest else _counted(whole, large)


def _counted(number: int, unit: str) -> str:
    """`three weeks`, `12 weeks`: one unit alone, the smallest numbers as words."""
    text = _SMALL[number] if 0 < number < len(_SMALL) else f"{number:,}"
    return f"{text}{NBSP}{_plural(number, unit)}"


def _plural(number: int, unit: str) -> str:
    return unit if number == 1 else f"{unit}s"
