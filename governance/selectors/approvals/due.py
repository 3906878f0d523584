"""When an approval is due: one rule in one zone, for the preview, the stages that open and what is measured of them."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from governance.domain.periods import due_after_working_days, working_hours_between


def due_at(now: datetime, working_days: int) -> datetime:
    """17:00 of the organisation's working day, `working_days` after `now`; an aware UTC instant.

    Args:
        now: aware instant at which the stage opens.
        working_days: 1 or more.
    """
    return due_after_working_days(now, working_days, settings.ORGANISATION_TIME_ZONE)


def hours_at_work(start: datetime, end: datetime) -> float:
    """Working hours of the organisation that lie in a half-open period."""
    return working_hours_between(start, end, settings.ORGANISATION_TIME_ZONE)
