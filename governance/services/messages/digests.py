"""Promises each person's morning mail, once per local day, and none to whom nothing waits."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction

from governance.domain.states.messages import AlertKind
from governance.models import Person, User
from governance.selectors.messages.digests import digest_for, due_zones, readers
from governance.selectors.people import calendar
from governance.services.messages import alerts
from governance.services.record import audit, jobs


def send_digests(*, now: datetime) -> int:
    """Promise the digest of every zone where the morning has come and that had none today. How many mails.

    After an outage it is made up for on the same day. A zone counts as done when all its people were looked at; a run
    that is killed before looks again, and the key of each mail keeps it single.
    """
    with jobs.sweep("send_digests", now=now) as run:
        if run is None:
            return 0
        zones = readers().order_by("time_zone").values_list("time_zone", flat=True).distinct()
        done: dict[str, str] = dict(run.last.get("zones", {}))
        mornings = due_zones(zones, now=now, holidays=calendar.holidays())
        today = {zone: day for zone, day in mornings.items() if done.get(zone) != day.isoformat()}
        cursors = {zone: f"{zone} {day.isoformat()}" for zone, day in today.items()}
        # Where a run of yesterday was cut short means nothing today.
        run.result = {"zones": done} | {name: run.last[name] for name in cursors.values() if name in run.last}
        for zone, day in today.items():
            failures, cursor = len(run.failures), cursors[zone]
            for person in run.rows(readers().filter(time_zone=zone), cursor):
                with run.apart(f"person {person.pk}"):
                    run.done_count += _promise(person, day, now=now)
            if run.has_finished(cursor) and len(run.failures) == failures:
                done[zone] = day.isoformat()
        return run.done_count


@transaction.atomic(durable=True)
def _promise(person: Person, day: date, *, now: datetime) -> bool:
    """One person's digest of one day. What it says is read when it leaves. False when nothing waits for them."""
    if digest_for(person, now=now).is_empty:
        return False
    alerts.enqueue(
        AlertKind.DIGEST, subject=day.isoformat(), recipients=[person.pk], now=now, payload={"day": day.isoformat()}
    )
    return True


@transaction.atomic(durable=True)
def choose(*, actor: User, wants_digest: bool, now: datetime) -> Person:
    """A person starts or stops their own morning mail. Choosing the same again changes nothing."""
    person = Person.objects.select_for_update(of=("self",), no_key=True).get(pk=actor.person_id)
    if person.wants_digest != wants_digest:
        person.wants_digest = wants_digest
        person.save(update_fields=["wants_digest"])
        audit.record("person.changed", actor=actor, subject=person, now=now, fields=["wants_digest"])
    return person
