"""Keeps the organisation's holidays: deadlines, reminders and digests count working days."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction

from governance.models import Holiday, User
from governance.selectors.people.duties import require_duty
from governance.services.record import audit
from governance.services.register.edits import Errors

NAME_CHARS_MAX = 120
YEARS_AHEAD_MAX = 5
DUTY = "people"


@transaction.atomic(durable=True)
def add_holiday(*, actor: User, day: date, name: str, now: datetime) -> Holiday:
    """Make one day no working day. Deadlines that were set already stay.

    Raises:
        NotAllowed: the actor may not manage the organisation.
        InvalidInput: no name, a day out of range, or one that is a holiday already.
    """
    require_duty(actor, DUTY, now=now)
    errors = Errors()
    name = errors.text("name", name, NAME_CHARS_MAX)
    errors.day("day", day)
    known = Holiday.objects.filter(day=day).first() if not errors.found else None
    if known is not None:
        errors.add("day", f"is {known.name} already")
    errors.raise_any()
    row = Holiday.objects.create(day=day, name=name)
    audit.record("holiday.added", actor=actor, subject=row, now=now, day=day.isoformat())
    return row


@transaction.atomic(durable=True)
def add_public_holidays(*, actor: User, country: str, year: int, now: datetime, region: str = "") -> list[Holiday]:
    """Add the public holidays of a country, or of a region of it, for one year. Days that are there stay as they are.

    Args:
        country: ISO 3166-1 alpha-2.
        region: ISO 3166-2 without the country, such as `BY` of `DE`; empty for what holds everywhere.
        year: this year to `YEARS_AHEAD_MAX` later.

    Returns:
        Those that were added.

    Raises:
        NotAllowed: the actor may not manage the organisation.
        InvalidInput: a country or region without a known calendar, or a year out of range.
    """
    import holidays as public  # 40 ms that only this form needs

    require_duty(actor, DUTY, now=now)
    errors = Errors()
    countries = public.list_supported_countries(include_aliases=False)
    if country not in countries:
        errors.add("country", f"`{country[:20]}` has no calendar here: add its days one by one")
    elif region and region not in countries[country]:
        known = ", ".join(countries[country]) or "none"
        errors.add("region", f"`{region[:20]}` is no region of {country} with a calendar; those are: {known}")
    if not now.year <= year <= now.year + YEARS_AHEAD_MAX:
        errors.add("year", f"`{year}` is not one of {now.year} to {now.year + YEARS_AHEAD_MAX}")
    errors.raise_any()
    found = public.country_holidays(country, subdiv=region or None, years=year, language="en_US")
    there = set(Holiday.objects.filter(day__year=year).values_list("day", flat=True))
    rows = Holiday.objects.bulk_create(
        Holiday(day=day, name=name[:NAME_CHARS_MAX]) for day, name in sorted(found.items()) if day not in there
    )
    for row in rows:
        audit.record("holiday.added", actor=actor, subject=row, now=now, day=row.day.isoformat())
    return rows


@transaction.atomic(durable=True)
def remove_holiday(*, actor: User, holiday_id: int, now: datetime) -> None:
    """Make a day a working day again. Removing it twice changes nothing.

    Raises:
        NotAllowed: the actor may not manage the organisation.
    """
    require_duty(actor, DUTY, now=now)
    row = Holiday.objects.select_for_update(no_key=True).filter(pk=holiday_id).first()
    if row is None:
        return
    audit.record("holiday.removed", actor=actor, subject=row, now=now, day=row.day.isoformat())
    row.delete()
