"""`{% load catalogue_words %}`: `number|threshold_limit`, a legal line in the notation of its size."""

from __future__ import annotations

from django import template

from governance.web import numbers

register = template.Library()
# Counts of FLOP are read as powers of ten; days, ratios and TPP are not.
POWERS_FROM = 1e9


@register.filter
def threshold_limit(value: float) -> str:
    """`1e25` for a count of FLOP, `4,800` or `0.33` for anything smaller."""
    if value >= POWERS_FROM:
        return numbers.flop_line(value)
    return numbers.grouped(value) if value == int(value) else f"{value:.2g}"
