"""The instants of the demonstration, all counted from the moment of its first start."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

HISTORY_DAYS = 365
"""How far back requests go."""

FOUNDED_DAYS = 400
"""How long ago the organisation's people, budgets and rules were put in: before the first request."""

MONTHS_INTO_THE_YEAR = 9
"""The first start lies in the tenth month of the fiscal year, so that most of its money has found a use.

From a start in November this gives 1 February.
"""

OFFICE_OPENS, OFFICE_CLOSES = 8, 17
"""Hours of the day, UTC."""

DAYS_BACK_MAX = 60


@dataclass(frozen=True, slots=True)
class Calendar:
    """Days and instants relative to `start`, the aware UTC instant of the first start."""

    start: datetime

    @property
    def today(self) -> date:
        return self.start.date()

    @property
    def founded(self) -> datetime:
        """When the organisation's reference data was put in: the morning of a working day, 13 months ago."""
        return self.at(-FOUNDED_DAYS, "08:00")

    @property
    def year_start(self) -> datetime:
        """First instant of the fiscal year that `start` lies in, UTC."""
        months = self.today.year * 12 + self.today.month - 1 - MONTHS_INTO_THE_YEAR
        return datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)

    def year(self, offset: int) -> tuple[datetime, datetime]:
        """The half-open fiscal year that lies `offset` years from the present one."""
        begins = self.year_start
        return begins.replace(year=begins.year + offset), begins.replace(year=begins.year + offset + 1)

    def at(self, days: int, clock: str = "10:00") -> datetime:
        """A time of day, UTC, so many days from the first start; a weekend moves to the Friday before.

        Args:
            days: usually negative.
            clock: `HH:MM`.
        """
        day = self.day(days)
        return datetime.combine(day, time.fromisoformat(clock), UTC)

    def on(self, days: int, clock: str) -> datetime:
        """The same, weekends included: outages do not wait for Monday."""
        return datetime.combine(self.today + timedelta(days=days), time.fromisoformat(clock), UTC)

    def day(self, days: int) -> date:
        """The working day at or before that many days from the first start."""
        day = self.today + timedelta(days=days)
        return day - timedelta(days=max(0, day.weekday() - 4))

    def ago(self, **parts: float) -> datetime:
        """An instant shortly before the first start, such as `ago(hours=2)`: for machines, which know no evening."""
        return self.start - timedelta(**parts)

    def lately(self, hours: float) -> datetime:
        """So many working hours before the first start; office hours are as `OFFICE_OPENS` and `OFFICE_CLOSES` say.

        What was opened within the last nine of them is not overdue yet, on whatever day the first start falls.
        """
        at, left = self.start, timedelta(hours=hours)
        for _ in range(DAYS_BACK_MAX):
            opens = at.replace(hour=OFFICE_OPENS, minute=0, second=0, microsecond=0)
            closes = opens.replace(hour=OFFICE_CLOSES)
            if at.weekday() < 5 and at > opens:
                worked = min(at, closes) - opens
                if worked >= left:
                    return min(at, closes) - left
                left -= worked
            at = closes - timedelta(days=1)
        raise ValueError(f"{hours} working hours are more than {DAYS_BACK_MAX} days")

    def months(self, first: datetime, last: datetime) -> list[datetime]:
        """First instants of the months from that of `first` up to, but not including, `last`."""
        found = []
        month = datetime(first.year, first.month, 1, tzinfo=UTC)
        while month < last:
            found.append(month)
            month = datetime(month.year + month.month // 12, month.month % 12 + 1, 1, tzinfo=UTC)
        return found


def in_office_hours(at: datetime) -> datetime:
    """The same instant, or the next working morning when nobody works then."""
    if at.hour >= 18:
        at = (at + timedelta(days=1)).replace(hour=8)
    elif at.hour < 7:
        at = at.replace(hour=8)
    while at.weekday() > 4:
        at += timedelta(days=1)
    return at
