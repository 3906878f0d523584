"""Both versions of the acceptable-use statement, and who accepted which."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from governance.demonstration import data
from governance.demonstration.organisation.cast import Cast
from governance.demonstration.organisation.world import within
from governance.domain.rules.statements import first_statement, statement_text
from governance.models import AcceptableUseStatement, AcceptableUseVersion, User
from governance.services.rules import acceptable_use


def publish_first(cast: Cast) -> AcceptableUseVersion:
    """Publish the statement that every installation starts with, as of the day of founding."""
    shipped = first_statement()
    found = AcceptableUseVersion.objects.filter(statement__slug=shipped["slug"]).order_by("number").first()
    if found is not None:
        return found
    AcceptableUseStatement.objects.get_or_create(slug=shipped["slug"], defaults={"name": shipped["name"]})
    return _publish(cast, shipped, shipped["clauses"], cast.calendar.founded, cast.calendar.founded)


def publish_second(cast: Cast, now: datetime) -> AcceptableUseVersion:
    """Publish the version whose clause 4.2 reads differently, by two officers; the first still counts for some weeks.

    Where the installation had its first statement before the demonstration came, this one follows it at once.
    """
    shipped, changes = first_statement(), data.read("acceptable_use_2")
    changed = {clause["number"]: clause for clause in changes["changed"]}
    clauses = [{**clause, **changed.get(clause["number"], {})} for clause in shipped["clauses"]]
    due = cast.calendar.start + timedelta(days=changes["consent_due_in_days"])
    first = AcceptableUseVersion.objects.filter(statement__slug=shipped["slug"]).latest("number")
    asked = within(
        acceptable_use.publish_version,
        slug=shipped["slug"],
        actor=cast["henrik"],
        text=statement_text(shipped["heading"], clauses),
        clauses=clauses,
        effective_from=first.effective_from + timedelta(seconds=1) if first.effective_from >= now else None,
        consent_due=due,
        reason=changes["reason"],
        now=now - timedelta(hours=2),
    )
    done = within(
        acceptable_use.answer_publication, publication_id=asked.pk, actor=cast["priya"], answer="agree", now=now
    )
    version: AcceptableUseVersion = done.version
    return version


def published_on(cast: Cast) -> datetime:
    """When the second version came into effect."""
    return cast.calendar.at(-data.read("acceptable_use_2")["effective_days_ago"], "08:00")


def owing(cast: Cast) -> set[int]:
    """Ids of the people who have not accepted the second version yet."""
    return {cast[key].person_id for key in data.read("acceptable_use_2")["owed_by"]}


def accept(version: AcceptableUseVersion, users: list[User], first: datetime) -> None:
    """People accept a version one after the other, some seconds apart, from its first day on."""
    first = max(first, version.effective_from)
    for turn, user in enumerate(users):
        within(
            acceptable_use.accept_version,
            version_id=version.pk,
            actor=user,
            now=first + timedelta(seconds=3 * turn),
        )


def _publish(
    cast: Cast, shipped: dict[str, Any], clauses: list[dict[str, Any]], effective_from: datetime, consent_due: datetime
) -> AcceptableUseVersion:
    return acceptable_use.add_version(
        slug=shipped["slug"],
        actor=cast["henrik"],
        text=statement_text(shipped["heading"], clauses),
        clauses=clauses,
        effective_from=effective_from,
        consent_due=consent_due,
        now=effective_from,
    )
