"""The counts beside the sidebar's entries: one query for all of them, once per page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from django.db.models import Count, QuerySet, Value
from django.http import HttpRequest

from governance.admin import access
from governance.domain.states.approvals import Verdict
from governance.domain.states.grants import GrantState
from governance.domain.states.requests import State
from governance.domain.states.rules import VersionState
from governance.models import ApprovalDecision, Flag, Grant, PolicyVersion

_ATTRIBUTE = "_desk_counts"
# A badge says "many" with its largest number; nobody reads the difference between 1,000 and 1,001.
BADGE_MAX = 999


@dataclass(frozen=True, slots=True)
class Counts:
    """What the sidebar shows. `waiting`: requests that this person decided and others still have."""

    waiting: int = 0
    flags: int = 0
    grants: int = 0
    policies: int = 0


def counts_of(request: HttpRequest) -> Counts:
    """The counts of this person, read once per HTTP request."""
    found = getattr(request, _ATTRIBUTE, None)
    if found is None:
        found = _count(access.of(request))
        setattr(request, _ATTRIBUTE, found)
    return cast(Counts, found)


def _count(person: access.Access) -> Counts:
    visibility = person.visibility
    decided = ApprovalDecision.objects.filter(
        person_id=person.user.person_id,
        verdict=Verdict.APPROVE,
        stage__provisioning_request__state=State.IN_REVIEW.value,
    )
    parts = [
        _counted("waiting", decided, "stage__provisioning_request_id"),
        _counted("flags", Flag.objects.visible_to(visibility).filter(closed_at__isnull=True)),
        _counted("grants", Grant.objects.visible_to(visibility).filter(state=GrantState.ACTIVE)),
        _counted(
            "policies",
            PolicyVersion.objects.filter(state__in=(VersionState.DRAFT, VersionState.TESTED, VersionState.SHADOW)),
        ),
    ]
    union = parts[0].union(*parts[1:], all=True)
    return Counts(**{row["name"]: min(row["total"], BADGE_MAX) for row in union})


def _counted(name: str, rows: QuerySet[Any], column: str = "pk") -> QuerySet[Any]:
    """One row with a name and how many there are; none when there is nothing."""
    return rows.order_by().annotate(name=Value(name)).values("name").annotate(total=Count(column, distinct=True))
