"""`{% load report_words %}`: `timedelta|waiting_time`, how long an answer took, in words."""

from __future__ import annotations

from datetime import timedelta

from django import template

from governance.display import numbers

register = template.Library()


@register.filter
def waiting_time(wait: timedelta | None) -> str:
    """`40 min`, `5.2 h`, `3 days`; no time at all is `at once`."""
    if wait is None:
        return numbers.UNKNOWN
    hours = wait.total_seconds() / 3600
    return "at once" if hours <= 0 else numbers.duration(hours)
