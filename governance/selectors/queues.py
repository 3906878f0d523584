"""What waits for a person: an approver's queue in due order with its money, and a requester's asks at others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q

from governance.domain.lifecycle import State
from governance.models import (
    ApprovalDecision,
    ApprovalStage,
    Delegation,
    ProvisioningRequest,
    RequestRevision,
    RoleAssignment,
    User,
)
from governance.selectors.authority import Authority, Holder

QUEUE_LENGTH_MAX = 200
"""Stages that one queue shows: nobody decides more in a sitting, and the rest moves up as they are decided."""
CANDIDATES_MAX = 1_000
"""Open stages of a person's roles that are looked at to fill the queue."""
WAITING_LENGTH_MAX = 100


@dataclass(frozen=True, slots=True)
class QueueItem:
    """One stage that this person may decide now."""

    stage: ApprovalStage
    request: ProvisioningRequest
    revision: RequestRevision
    role: str
    exposure_micro: int | None
    due_at: datetime
    is_overdue: bool
    for_person_id: int | None
    for_name: str
    yes_count: int

    @property
    def is_standing_in(self) -> bool:
        """The decision is taken for the person who delegated it."""
        return self.for_person_id is not None


def approver_queue(user: User, now: datetime) -> list[QueueItem]:
    """Stages that the person may decide, soonest due first, then the largest amount. Five queries at most.

    The same rules as `services.approvals.decide`: a role that reaches the project, or a delegation from someone whose
    role does; within the approval limit; never one's own ask; one role per person and revision.
    """
    if user.is_service_account or not user.is_active:
        return []
    role_ids, reach = _reach(user.person_id, now)
    if not role_ids:
        return []
    stages = list(
        ApprovalStage.objects.filter(
            reach, state="open", role_id__in=role_ids, provisioning_request__state=State.IN_REVIEW.value
        )
        .exclude(provisioning_request__requester__person_id=user.person_id)
        .select_related(
            "role",
            "revision",
            "provisioning_request__project__team",
            "provisioning_request__requester__person",
            "provisioning_request__lineage",
        )
        .order_by("due_at", "-provisioning_request__exposure_micro", "pk")[:CANDIDATES_MAX]
    )
    if not stages:
        return []
    authority = Authority({stage.role_id for stage in stages}, now=now, person_id=user.person_id)
    busy, yes_counts = _decided({stage.revision_id for stage in stages})
    items = []
    for stage in stages:
        request = stage.provisioning_request
        if user.person_id in busy[stage.revision_id]:
            continue
        holders = authority.holders(stage, request, busy=busy[stage.revision_id])
        mine = next((holder for holder in holders if holder.person_id == user.person_id), None)
        if mine is not None:
            items.append(_item(stage, mine, yes_count=yes_counts[stage.pk], now=now))
    return items[:QUEUE_LENGTH_MAX]


@dataclass(frozen=True, slots=True)
class Waiting:
    """One request of a person that others have now."""

    request: ProvisioningRequest
    stages: Sequence[ApprovalStage]
    holders: Sequence[Holder]
    next_roles: Sequence[str] = field(default=())

    @property
    def due_at(self) -> datetime | None:
        """When the last of the open stages is due."""
        return max((stage.due_at for stage in self.stages if stage.due_at), default=None)

    @property
    def since(self) -> datetime | None:
        return min((stage.opened_at for stage in self.stages if stage.opened_at), default=None)


def waiting_for(user: User, now: datetime, *, limit: int = WAITING_LENGTH_MAX) -> list[Waiting]:
    """The person's own requests that are in review, with who has each of them. Five queries at most."""
    requests = list(
        ProvisioningRequest.objects.filter(requester__person_id=user.person_id, state=State.IN_REVIEW.value)
        .select_related("project__team", "requester", "lineage")
        .order_by("-number")[:limit]
    )
    return who_has(requests, now=now)


def who_has(requests: Iterable[ProvisioningRequest], *, now: datetime) -> list[Waiting]:
    """For each request in review: its open stages, who may decide them, and which roles come after.

    Four queries for any number of requests: stages, delegations, roles, decisions.
    """
    rows = list(requests)
    if not rows:
        return []
    by_request: dict[int, list[ApprovalStage]] = defaultdict(list)
    stages = list(
        ApprovalStage.objects.filter(
            provisioning_request_id__in=[row.pk for row in rows], state__in=("open", "waiting")
        ).select_related("role")
    )
    for stage in stages:
        by_request[stage.provisioning_request_id].append(stage)
    authority = Authority({stage.role_id for stage in stages if stage.state == "open"}, now=now, with_limits=False)
    busy, _ = _decided({stage.revision_id for stage in stages})
    found = []
    for row in rows:
        mine = by_request[row.pk]
        blocked = set().union(*(busy[stage.revision_id] for stage in mine))
        found.append(waiting(row, mine, authority, blocked))
    return found


def waiting(
    request: ProvisioningRequest, stages: Sequence[ApprovalStage], authority: Authority, busy: Iterable[int]
) -> Waiting:
    """Who has a request now, from rows that were read already.

    Args:
        busy: person ids that have filled a role on its current revision.
    """
    opened = [stage for stage in stages if stage.state == "open"]
    blocked = set(busy)
    holders: dict[int, Holder] = {}
    for stage in opened:
        for holder in authority.holders(stage, request, busy=blocked):
            holders.setdefault(holder.person_id, holder)
    later = [stage.role.name for stage in stages if stage.state == "waiting"]
    return Waiting(request, opened, list(holders.values()), later)


def _item(stage: ApprovalStage, holder: Holder, *, yes_count: int, now: datetime) -> QueueItem:
    # Invariant: an open stage says until when (`stage_open_has_due`).
    due_at = stage.due_at or now
    return QueueItem(
        stage=stage,
        request=stage.provisioning_request,
        revision=stage.revision,
        role=stage.role.name,
        exposure_micro=stage.provisioning_request.exposure_micro,
        due_at=due_at,
        is_overdue=due_at < now,
        for_person_id=holder.for_person_id,
        for_name=holder.for_name,
        yes_count=yes_count,
    )


def _reach(person_id: int, now: datetime) -> tuple[set[int], Q]:
    """Roles that the person holds or stands in for, and the part of the organisation that they reach together."""
    delegated = Delegation.objects.filter(
        delegate_id=person_id, valid_from__lte=now, valid_to__gt=now, revoked_at__isnull=True
    )
    rows = (
        RoleAssignment.objects.in_force(now)
        .filter(
            Q(user__person_id=person_id)
            | Q(user__person_id__in=delegated.values("delegator_id"), role_id__in=delegated.values("role_id")),
            role__may_approve=True,
            user__is_service_account=False,
        )
        .values_list("role_id", "team__path", "project_id")
    )
    role_ids: set[int] = set()
    reach = Q()
    for role, path, project in rows:
        role_ids.add(role)
        if path:
            reach |= Q(role_id=role, provisioning_request__project__team__path__startswith=path)
        else:
            reach |= Q(role_id=role, provisioning_request__project_id=project)
    return role_ids, reach


def _decided(revision_ids: Iterable[int]) -> tuple[dict[int, set[int]], dict[int, int]]:
    """Per revision, everyone who has filled a role on it, delegators included; per stage, its yes votes."""
    busy: dict[int, set[int]] = defaultdict(set)
    yes_counts: dict[int, int] = defaultdict(int)
    rows = ApprovalDecision.objects.filter(stage__revision_id__in=set(revision_ids)).values_list(
        "stage_id", "stage__revision_id", "person_id", "for_person_id", "verdict"
    )
    for stage, revision, person, for_person, verdict in rows:
        busy[revision].update(pk for pk in (person, for_person) if pk is not None)
        yes_counts[stage] += verdict == "approve"
    return busy, yes_counts
