"""Who a comment on a request is for, and which comments their reader has not answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, Subquery

from governance.domain.states.approvals import StageState
from governance.domain.states.requests import State
from governance.models import ApprovalDecision, ApprovalStage, Person, ProvisioningRequest, RequestComment, User
from governance.selectors.messages import alerts
from governance.selectors.people import people

BUNDLED_FOR = timedelta(minutes=9)
"""Comments of so long share one mail to a reader."""
SENT_AFTER = timedelta(minutes=10)
"""When that mail leaves: a minute after its last comment, so that none is on its way while it is written."""


def other_side(request: ProvisioningRequest, *, author: User, now: datetime) -> set[int]:
    """Person ids of those whom a comment is for: never its author.

    What the requester writes is for those who may decide the open stages and those who have written before, with a
    decision or a comment; what anybody else writes is for the requester and those who have written.

    Args:
        request: with its project, team, requester and lineage.
    """
    concerned = {request.requester.person_id}
    concerned.update(request.comments.values_list("author__person_id", flat=True))
    of_request = ApprovalDecision.objects.filter(stage__provisioning_request=request)
    concerned.update(of_request.values_list("person_id", flat=True))
    if author.person_id == request.requester.person_id:
        stages = list(
            ApprovalStage.objects.filter(provisioning_request=request, state=StageState.OPEN).select_related("role")
        )
        holders = alerts.stage_holders(stages, request, now=now) if stages else {}
        concerned.update(holder.person_id for each in holders.values() for holder in each)
    return concerned - {author.person_id}


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A request with the last comment on it, and who wrote it."""

    request: ProvisioningRequest
    by: str
    text: str


def unanswered_by(person: Person, *, limit: int) -> list[Unanswered]:
    """Requests in review whose last comment this person has not answered, the newest requests first. One query.

    The requester answers everybody else; whoever wrote a comment answers the requester.
    """
    last = RequestComment.objects.filter(provisioning_request=OuterRef("pk")).order_by("-created_at", "-pk")
    wrote = RequestComment.objects.filter(provisioning_request=OuterRef("pk"), author__person=person)
    is_requester = Q(requester__person=person)
    rows: Any = (
        ProvisioningRequest.objects.filter(state=State.IN_REVIEW)
        .annotate(
            last_person=Subquery(last.values("author__person_id")[:1]),
            last_name=Subquery(last.values("author__person__name")[:1]),
            last_text=Subquery(last.values("text")[:1]),
        )
        .filter(
            (is_requester & Q(last_person__isnull=False) & ~Q(last_person=person.pk))
            | (~is_requester & Exists(wrote) & Q(last_person=F("requester__person_id")))
        )
    )
    return [Unanswered(row, row.last_name, row.last_text) for row in rows.order_by("-number")[:limit]]


def may_read(person: Person, request: ProvisioningRequest, *, now: datetime) -> bool:
    """Whether the person can sign in and see the request."""
    user = person.users.filter(is_active=True, is_service_account=False).order_by("pk").first()
    if user is None:
        return False
    visibility = people.visibility_of(user, now=now)
    return ProvisioningRequest.objects.visible_to(visibility).filter(pk=request.pk).exists()


def comments_between(request: ProvisioningRequest, since: datetime, until: datetime) -> list[RequestComment]:
    """Comments in a half-open window, the oldest first, with their authors' names."""
    rows = RequestComment.objects.filter(provisioning_request=request, created_at__gte=since, created_at__lt=until)
    return list(rows.select_related("author__person").order_by("created_at", "pk"))


def has_answered(request: ProvisioningRequest, person: Person, *, since: datetime) -> bool:
    """Whether the person has commented or decided since then, and so has read what was there."""
    mine = RequestComment.objects.filter(provisioning_request=request, author__person=person, created_at__gt=since)
    decided = ApprovalDecision.objects.filter(stage__provisioning_request=request, person=person, decided_at__gt=since)
    return mine.exists() or decided.exists()
