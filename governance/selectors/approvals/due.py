"""When an approval is due: one rule in one zone, for the preview, the stages that open and what is measured of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings

from governance.domain import periods
from governance.selectors.people import calendar


@dataclass(frozen=True, slots=True)
class WorkingTime:
    """The organisation's working days, 9:00 to 17:00 in its zone, without its holidays."""

    zone: str
    holidays: Collection[date]

    def due_at(self, now: datetime, working_days: int) -> datetime:
        """17:00 of the working day that is `working_days` after `now`; an aware UTC instant.

        Args:
            now: aware instant at which the stage opens.
            working_days: 1 or more.
        """
        return periods.due_after_working_days(now, working_days, self.zone, self.holidays)

    def middle(self, start: datetime, end: datetime) -> datetime:
        """When half of the working time of a period has gone; an aware UTC instant."""
        return periods.middle_of_working_time(start, end, self.zone, self.holidays)

    def hours(self, start: datetime, end: datetime) -> float:
        """Working hours that lie in a half-open period."""
        return periods.working_hours_between(start, end, self.zone, self.holidays)


def working_time() -> WorkingTime:
    """As it is kept now. One query."""
    return WorkingTime(settings.ORGANISATION_TIME_ZONE, calendar.holidays())
