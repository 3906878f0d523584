"""`{% load catalogue_words %}`: a legal line in the notation of its size, a source in words.

`number|threshold_limit`, `number|nameplate`, `text|source_words`.
"""

from __future__ import annotations

from django import template

from governance.display import numbers

register = template.Library()
# How the files of the catalogue say that a row was not read off its source again, and by what else it was checked.
_SOURCE_WORDS = (
    (
        "recalled; cross-checked with Epoch ml_hardware.csv",
        "not read again; as in Epoch AI’s hardware table of",
    ),
    ("recalled, no Epoch row", "not read again, no second source"),
    ("recalled from source", "not read again"),
    ("recalled", "not read again"),
)
# Counts of FLOP are read as powers of ten; days, ratios and TPP are not.
POWERS_FROM = 1e9


@register.filter
def threshold_limit(value: float) -> str:
    """`1e25` for a count of FLOP, `4,800` or `0.33` for anything smaller."""
    return numbers.flop(value) if value >= POWERS_FROM else numbers.figure(value, 2)


@register.filter
def nameplate(value: float | str | None) -> str:
    """A figure of a datasheet with its digits: 80, 42.5, 0.23; `unknown` where there is none."""
    return numbers.figure(None if value is None or isinstance(value, str) else value)


@register.filter
def source_words(text: object) -> str:
    """Where a figure comes from, as people say it: `NVIDIA datasheet (not read again; as in ...)`."""
    found = str(text or "")
    for written, said in _SOURCE_WORDS:
        found = found.replace(written, said)
    return found
