"""Who may be the second of two officers: another person with the role, no auditor, and not made by the first one.

Made means: added, reactivated, given another name, address or password, or given the role, within the days of
`SECOND_OFFICER_DAYS`, by the other one or by somebody whom the other one made. It is read from the audit log, which
no administrator can edit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.conf import settings

from governance.models import AuditEvent, Person, RoleAssignment, User
from governance.selectors.people.duties import AUDITOR, DUTIES
from governance.selectors.people.people import SYSTEM_EMAIL

OFFICER_DUTIES = ("policies", "acceptable_use")
"""Duties of which two people make use together."""
KEEPERS_DUTY = "people"
IDENTITY = frozenset({"name", "email", "is_active", "password"})
"""Fields of a person with which somebody else can become them, or bring them back."""
_ENDED = frozenset({"role.revoked"})

Makers = Mapping[int, frozenset[int]]
"""Person -> everybody who made them, directly or by way of others."""


def carriers(*duties: str) -> frozenset[str]:
    """Slugs of the roles that carry one of the duties."""
    return frozenset().union(*(DUTIES[duty][1] for duty in duties))


def holders(duty: str, *, now: datetime) -> dict[int, str]:
    """People who hold a role that carries a duty, and audit nothing: person id to name, in order of name.

    A superuser without the role maintains things and approves nothing, so they are not among them.
    """
    rows = RoleAssignment.objects.in_force(now).filter(user__is_service_account=False)
    audits = rows.filter(role__slug=AUDITOR).values("user__person_id")
    found = Person.objects.filter(pk__in=rows.filter(role__slug__in=DUTIES[duty][1]).values("user__person_id")).exclude(
        pk__in=audits
    )
    return dict(found.order_by("name", "pk").values_list("pk", "name"))


def watchers(*, now: datetime) -> frozenset[int]:
    """Ids of everybody who is told of a change of the rules: all policy officers and all auditors."""
    slugs = DUTIES["policies"][1] | {AUDITOR}
    rows = RoleAssignment.objects.in_force(now).filter(role__slug__in=slugs, user__is_service_account=False)
    return frozenset(rows.values_list("user__person_id", flat=True))


def audits(person_id: int, *, now: datetime) -> bool:
    return RoleAssignment.objects.in_force(now).filter(user__person_id=person_id, role__slug=AUDITOR).exists()


def seconds(duty: str, *, asked_by: User, now: datetime) -> dict[int, str]:
    """Who may answer what somebody asked: person id to name, in order of name."""
    found = holders(duty, now=now)
    others = {pk: name for pk, name in found.items() if pk != asked_by.person_id}
    if not others:
        return {}
    made = makers(duty, now=now)
    return {pk: name for pk, name in others.items() if not _ties(asked_by.person_id, pk, made, found)}


def tie_between(duty: str, *, asked_by: User, other: User, now: datetime) -> str:
    """Why these two are not two independent people for a duty, as a part of a sentence; empty when they are."""
    made, found = makers(duty, now=now), holders(duty, now=now)
    tie = _ties(asked_by.person_id, other.person_id, made, found)
    if not tie:
        return ""
    names = dict(Person.objects.filter(pk__in=tie).values_list("pk", "name"))
    within = f"within the last {settings.SECOND_OFFICER_DAYS} days"
    if len(tie) == 1:
        return f"{names[tie[0]]} added both of you, or gave both the role, {within}"
    maker, one = (names[pk] for pk in tie)
    return f"{maker} added {one}, changed how they sign in, or gave them the role, directly or through others, {within}"


def _ties(asker: int, other: int, made: Makers, officers: Iterable[int]) -> tuple[int, ...]:
    """Maker and made of the two, or the one who made both; empty when neither is so."""
    by_asker, by_other = made.get(other, frozenset()), made.get(asker, frozenset())
    if asker in by_asker:
        return asker, other
    if other in by_other:
        return other, asker
    both = by_asker & by_other
    # In a new organisation one administrator makes everybody. Where officers of longer standing are there, two who
    # were made by one hand do not answer each other: it may be one hand still.
    if both and any(not made.get(pk) for pk in officers if pk not in (asker, other)):
        return (min(both),)
    return ()


def makers(duty: str, *, now: datetime) -> Makers:
    """Everybody who was made within the days of the setting, and by whom. Two queries.

    Args:
        duty: the roles that carry it count, and those of administrators, who make others.
    """
    since = now - timedelta(days=settings.SECOND_OFFICER_DAYS)
    counting = carriers(duty, KEEPERS_DUTY)
    # By subject type first: an index has it, and changes of people are few beside those of requests.
    events = AuditEvent.objects.filter(subject_type__in=("person", "roleassignment"), at__gt=since)
    events = events.exclude(actor__email=SYSTEM_EMAIL)
    rows = list(events.values_list("action", "person_id", "subject_id", "data"))
    person_of = dict(
        User.objects.filter(
            pk__in={data["user"] for action, _, _, data in rows if action.startswith("role.") and "user" in data}
        ).values_list("pk", "person_id")
    )
    direct: dict[int, set[int]] = defaultdict(set)
    for action, actor, subject, data in rows:
        if action.startswith("person."):
            if action == "person.added" or IDENTITY & set(data.get("fields", ())):
                direct[subject].add(actor)
        elif action not in _ENDED and data.get("role") in counting and data.get("user") in person_of:
            direct[person_of[data["user"]]].add(actor)
    return {person: _reached(person, direct) for person in direct}


def channels(subject_type: str, subject_id: int, *, activation: int | None = None) -> dict[str, AuditEvent]:
    """The newest event of each kind about a row: by whom it was done, and by which channel.

    Args:
        activation: only events that belong to this activation.
    """
    rows = AuditEvent.objects.filter(subject_type=subject_type, subject_id=subject_id).order_by("seq")
    return {each.action: each for each in rows if activation is None or each.data.get("activation") == activation}


def _reached(person: int, direct: Mapping[int, set[int]]) -> frozenset[int]:
    """Everybody from whom a chain of makers leads to a person, but themselves: own changes tie nobody to anybody."""
    found: set[int] = set()
    left = [person]
    while left:
        for maker in direct.get(left.pop(), ()):
            if maker not in found and maker != person:
                found.add(maker)
                left.append(maker)
    return frozenset(found)
