"""Numbers and instants as people and programs type them: one reader for form, desk, estimator and API.

`200,000` and `200 000` are read as our own pages print them. `1_000`, other digits than 0 to 9, `true`, NaN and
infinity are no numbers: what cannot be read comes back as it was typed, so that a refusal can show it.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime

# Half of a day's clock beside the bounds of the facts schema: every instant inside can be shown in every zone.
YEAR_MIN, YEAR_MAX = 2000, 2199

_NUMERAL = re.compile(r"[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})([eE][+-]?\d{1,3})?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,15}", re.ASCII)
_GROUPED = re.compile(r"[+-]?\d{1,3}([, \u00a0\u202f]\d{3})+(\.\d{1,30})?", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:?\d\d)", re.ASCII)
_SEPARATORS = re.compile(r"[, \u00a0\u202f]")


def read_text(raw: str | None) -> str | None:
    """Text without surrounding space; None when there is none."""
    text = (raw or "").replace("\r\n", "\n").strip(" \t\n")
    return text or None


def plain_numeral(text: str) -> str | None:
    """The digits of a typed number without thousands separators; None when it is no number."""
    text = text.strip(" \t\n\u00a0\u202f").replace("\u2212", "-")
    if _GROUPED.fullmatch(text):
        text = _SEPARATORS.sub("", text)
    return text if _NUMERAL.fullmatch(text) else None


def read_number(raw: str | None) -> float | int | str | None:
    """A number typed by a person, with or without thousands separators; the text itself when it is not one."""
    text = read_text(raw)
    if text is None:
        return None
    plain = plain_numeral(text)
    if plain is None:
        return text
    if _WHOLE.fullmatch(plain):
        return int(plain)
    number = float(plain)
    return number if math.isfinite(number) else text


def read_integer(raw: str | None) -> int | str | float | None:
    """A whole number; 8.0 counts as 8, anything else comes back as it was read."""
    number = read_number(raw)
    if isinstance(number, float) and number == int(number) and abs(number) < 2**53:
        return int(number)
    return number


def finite_number(value: object) -> float | int | None:
    """A number as a program sends it, or None: neither a truth value, nor infinite, nor typed in a private way.

    Text is read like a plain decimal without separators, because some clients send amounts as text.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        if not _NUMERAL.fullmatch(value):
            return None
        value = float(value)
    if not isinstance(value, int | float):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:
        # An integer that no double can hold.
        return None


def utc_instant(value: datetime) -> datetime | None:
    """An aware instant in UTC, or None where it lies outside the years that everything here can keep and show."""
    try:
        instant = value.astimezone(UTC)
    except (OverflowError, ValueError):
        return None
    return instant if YEAR_MIN <= instant.year <= YEAR_MAX else None


def read_instant(text: str) -> datetime | None:
    """An RFC 3339 instant with its offset, in UTC; None when it is not one or lies out of the years kept."""
    if not _INSTANT.fullmatch(text):
        return None
    try:
        return utc_instant(datetime.fromisoformat(text))
    except ValueError:
        return None


def is_kept_day(day: date) -> bool:
    """Whether a day lies within the years that everything here can keep and show."""
    return YEAR_MIN <= day.year <= YEAR_MAX
