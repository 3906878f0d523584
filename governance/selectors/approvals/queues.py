"""What waits for a person: an approver's queue in due order with its money, and a requester's asks at others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, overload

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef, Q

from governance.domain.states.approvals import StageState, Verdict
from governance.domain.states.requests import State
from governance.models import ApprovalDecision, ApprovalStage, ProvisioningRequest, RequestRevision, User
from governance.selectors.approvals.authority import Authority, Case, Holder

QUEUE_LENGTH_MAX = 25
"""Stages that a queue shows at a time: nobody decides more in a sitting, and the rest moves up."""
CANDIDATES_MAX = 150
"""Open stages of a person's roles that are looked at; beyond them, counts say "or more"."""
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


@dataclass(frozen=True, slots=True)
class Queue(Sequence[QueueItem]):
    """The first stages of a queue, and what the whole of it comes to.

    Args:
        items: what is shown, at most as many as were asked for.
        total: how many wait for the person altogether; `is_capped` when counting stopped there.
        matching: how many of them fit what the queue was narrowed to.
        overdue_count: how many of the matching are late.
        exposure_micro: what the matching count as together.
        roles, teams: slug and name of every role and team in the queue, for narrowing it.
    """

    items: Sequence[QueueItem]
    total: int = 0
    matching: int = 0
    overdue_count: int = 0
    exposure_micro: int = 0
    is_capped: bool = False
    roles: Sequence[tuple[str, str]] = ()
    teams: Sequence[tuple[str, str]] = ()

    @overload
    def __getitem__(self, index: int) -> QueueItem: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[QueueItem]: ...

    def __getitem__(self, index: int | slice) -> QueueItem | Sequence[QueueItem]:
        return self.items[index]

    def __len__(self) -> int:
        return len(self.items)


def approver_queue(
    user: User,
    now: datetime,
    *,
    limit: int = QUEUE_LENGTH_MAX,
    role: str = "",
    team: str = "",
    is_overdue: bool = False,
) -> Queue:
    """Stages that the person may decide, soonest due first, then the largest amount. Six queries at most.

    The same rules as `services.approvals.decisions.decide`: a role that reaches the project, or a delegation from
    someone whose role does; within the approval limit; never one's own request; one role per person and revision.

    Args:
        limit: how many stages are read whole.
        role, team: slugs that narrow what is shown and counted.
        is_overdue: only what is late.
    """
    if user.is_service_account or not user.is_active:
        return Queue(())
    authority = Authority(None, now=now, person_id=user.person_id)
    if not authority.scopes:
        return Queue(())
    candidates = _candidates(authority, user, now)
    busy, yes_counts = _decided({each.revision_id for each in candidates})
    found = []
    for each in candidates:
        taken = busy[each.revision_id]
        if user.person_id in taken:
            continue
        mine = authority.holder(each.case, user.person_id, busy=taken)
        if mine is not None:
            found.append((each, mine))
    shown = [
        pair
        for pair in found
        if role in ("", pair[0].role_slug)
        and team in ("", pair[0].team_slug)
        and (not is_overdue or pair[0].due_at < now)
    ]
    return Queue(
        items=_whole(shown[:limit], yes_counts, now),
        total=len(found),
        matching=len(shown),
        overdue_count=sum(each.due_at < now for each, _ in shown),
        exposure_micro=sum(each.case.exposure_micro or 0 for each, _ in shown),
        is_capped=len(candidates) == CANDIDATES_MAX,
        roles=sorted({(each.role_slug, each.role_name) for each, _ in found}, key=lambda pair: pair[1]),
        teams=sorted({(each.team_slug, each.team_name) for each, _ in found}, key=lambda pair: pair[1]),
    )


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

    Four queries for any number of requests: stages with who has decided, delegations, roles, limits.
    """
    rows = list(requests)
    if not rows:
        return []
    by_request: dict[int, list[Any]] = defaultdict(list)
    taken = ApprovalDecision.objects.filter(stage__revision_id=OuterRef("revision_id"), lapse__isnull=True)
    stages: list[Any] = list(
        ApprovalStage.objects.filter(
            provisioning_request_id__in=[row.pk for row in rows], state__in=(StageState.OPEN, StageState.WAITING)
        )
        .select_related("role")
        .annotate(by=ArraySubquery(taken.values("person_id")), through=ArraySubquery(taken.values("for_person_id")))
    )
    for stage in stages:
        by_request[stage.provisioning_request_id].append(stage)
    authority = Authority({stage.role_id for stage in stages if stage.state == StageState.OPEN}, now=now)
    found = []
    for row in rows:
        mine = by_request[row.pk]
        blocked = {person for stage in mine for person in (*stage.by, *stage.through) if person is not None}
        found.append(waiting(row, mine, authority, blocked))
    return found


def waiting(
    request: ProvisioningRequest, stages: Sequence[ApprovalStage], authority: Authority, busy: Iterable[int]
) -> Waiting:
    """Who has a request now, from rows that were read already.

    Args:
        busy: person ids that have filled a role on its current revision.
    """
    opened = [stage for stage in stages if stage.state == StageState.OPEN]
    blocked = set(busy)
    holders: dict[int, Holder] = {}
    for stage in opened:
        for holder in authority.holders(stage, request, busy=blocked):
            holders.setdefault(holder.person_id, holder)
    later = [stage.role.name for stage in stages if stage.state == StageState.WAITING]
    return Waiting(request, opened, list(holders.values()), later)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """An open stage that a role of the person may reach, as far as it takes to tell whose it is."""

    stage_id: int
    revision_id: int
    due_at: datetime
    role_slug: str
    role_name: str
    team_slug: str
    team_name: str
    case: Case


def _candidates(authority: Authority, user: User, now: datetime) -> list[_Candidate]:
    """Open stages within the reach of the person's roles, in the order of the queue. One query."""
    reach = Q()
    for role, scopes in authority.scopes.items():
        for scope in scopes:
            if scope.team_path:
                reach |= Q(role_id=role, provisioning_request__project__team__path__startswith=scope.team_path)
            else:
                reach |= Q(role_id=role, provisioning_request__project_id=scope.project_id)
    # Invariant: only a request in review has open stages. Asking for its state as well makes PostgreSQL take the two
    # conditions for independent and read every request there ever was.
    rows = (
        ApprovalStage.objects.filter(reach, state=StageState.OPEN)
        .exclude(provisioning_request__requester__person_id=user.person_id)
        .order_by("due_at", "-provisioning_request__exposure_micro", "pk")
        .values(
            "pk",
            "revision_id",
            "due_at",
            "role_id",
            "role__slug",
            "role__name",
            project=F("provisioning_request__project_id"),
            team_path=F("provisioning_request__project__team__path"),
            team_slug=F("provisioning_request__project__team__slug"),
            team_name=F("provisioning_request__project__team__name"),
            exposure=F("provisioning_request__exposure_micro"),
            asked_by=F("provisioning_request__requester__person_id"),
            benefits=F("provisioning_request__beneficiary_id"),
            owns=F("provisioning_request__lineage__owner_id"),
        )[:CANDIDATES_MAX]
    )
    return [_candidate(row, now) for row in rows]


def _candidate(row: Mapping[str, Any], now: datetime) -> _Candidate:
    return _Candidate(
        stage_id=row["pk"],
        revision_id=row["revision_id"],
        # Invariant: an open stage says until when (`stage_open_has_due`).
        due_at=row["due_at"] or now,
        role_slug=row["role__slug"],
        role_name=row["role__name"],
        team_slug=row["team_slug"],
        team_name=row["team_name"],
        case=Case(
            role_id=row["role_id"],
            project_id=row["project"],
            team_path=[int(part) for part in row["team_path"].split(".") if part],
            exposure_micro=row["exposure"],
            never=frozenset(row[name] for name in ("asked_by", "benefits", "owns") if row[name] is not None),
        ),
    )


def _whole(shown: Sequence[tuple[_Candidate, Holder]], yes_counts: Mapping[int, int], now: datetime) -> list[QueueItem]:
    """The stages that are shown, with everything a row of the queue needs. One query."""
    if not shown:
        return []
    stages = ApprovalStage.objects.select_related(
        "role",
        "revision",
        "provisioning_request__project__team",
        "provisioning_request__requester__person",
        "provisioning_request__lineage",
    ).in_bulk([each.stage_id for each, _ in shown])
    items = []
    for each, holder in shown:
        stage = stages[each.stage_id]
        items.append(
            QueueItem(
                stage=stage,
                request=stage.provisioning_request,
                revision=stage.revision,
                role=each.role_name,
                exposure_micro=each.case.exposure_micro,
                due_at=each.due_at,
                is_overdue=each.due_at < now,
                for_person_id=holder.for_person_id,
                for_name=holder.for_name,
                yes_count=yes_counts.get(each.stage_id, 0),
            )
        )
    return items


def _decided(revision_ids: Iterable[int]) -> tuple[dict[int, set[int]], dict[int, int]]:
    """Per revision, everyone who has filled a role on it, delegators included; per stage, its approvals that count."""
    busy: dict[int, set[int]] = defaultdict(set)
    yes_counts: dict[int, int] = defaultdict(int)
    rows = ApprovalDecision.objects.filter(stage__revision_id__in=set(revision_ids), lapse__isnull=True).values_list(
        "stage_id", "stage__revision_id", "person_id", "for_person_id", "verdict"
    )
    for stage, revision, person, for_person, verdict in rows:
        busy[revision].update(pk for pk in (person, for_person) if pk is not None)
        yes_counts[stage] += verdict == Verdict.APPROVE
    return busy, yes_counts
