"""The organisation's working days."""

from __future__ import annotations

from datetime import date

from governance.models import Holiday


def holidays() -> frozenset[date]:
    """Every day that the organisation has as a holiday. One query."""
    return frozenset(Holiday.objects.values_list("day", flat=True))
