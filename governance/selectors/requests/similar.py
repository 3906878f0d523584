"""Which requests count together with one, so that what is split is judged at its sum: one definition for all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import BooleanField, Case, Count, Exists, OuterRef, Q, QuerySet, Subquery, Sum, When
from django.db.models.fields.json import KeyTextTransform

from governance.domain.money.money import to_units
from governance.domain.states.approvals import StageState
from governance.domain.states.requests import State
from governance.models import ApprovalStage, Project, ProvisioningRequest, RequestRevision, User, Visibility
from governance.selectors.requests import references

SIMILAR_DAYS = 30
KEPT_MAX = 200
"""Requests that are remembered by name with a decision; the sum and the count hold all of them."""
LISTED_MAX = 8
_WAITING = (State.IN_REVIEW.value, State.CHANGES_REQUESTED.value)


@dataclass(frozen=True, slots=True)
class Similar:
    """What counts together with one request, that request not included. `ids` are primary keys, the newest first."""

    count: int = 0
    total_micro: int = 0
    ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """Requests that were counted, as one reader may see them: some by name, the others as a number."""

    shown: Sequence[ProvisioningRequest]
    hidden_count: int

    @property
    def count(self) -> int:
        return len(self.shown) + self.hidden_count


@dataclass(frozen=True, slots=True)
class Used:
    """What the next request for one kind of work in one project would count together with, currency units."""

    workload: str
    project: Project
    used_usd: float


def standing(*, since: datetime) -> QuerySet[ProvisioningRequest]:
    """Submitted requests that may count, with their kind of work: they wait, or were allowed without a person.

    What people approved is not counted: they saw it. What was refused, withdrawn or has expired no longer stands.
    """
    by_people = ApprovalStage.objects.filter(
        provisioning_request=OuterRef("pk"), revision__number=OuterRef("revision_count"), state=StageState.APPROVED
    )
    current = RequestRevision.objects.filter(provisioning_request=OuterRef("pk"), number=OuterRef("revision_count"))
    return ProvisioningRequest.objects.filter(
        Q(state__in=_WAITING) | Q(Q(state=State.GRANTED.value) & ~Exists(by_people)), submitted_at__gt=since
    ).annotate(workload=Subquery(current.values(kind=KeyTextTransform("workload", "content"))[:1]))


def counted_with(
    *,
    workload: str,
    person_id: int,
    project_id: int,
    lineage_id: int | None,
    now: datetime,
    request_id: int | None = None,
) -> QuerySet[ProvisioningRequest]:
    """Requests of the last 30 days for the same kind of work that count together with one.

    The same person's, waiting ones included; and those of the same project or lineage that were allowed without a
    person.

    Args:
        request_id: the request itself, which is left out.
    """
    same = Q(project_id=project_id)
    if lineage_id is not None:
        same |= Q(lineage_id=lineage_id)
    rows = standing(since=now - timedelta(days=SIMILAR_DAYS)).filter(
        Q(requester__person_id=person_id) | Q(same & Q(state=State.GRANTED.value)),
        # The annotation of `standing`, which the types of a query set do not carry.
        Q(("workload", workload)),
    )
    return rows if request_id is None else rows.exclude(pk=request_id)


def read(rows: QuerySet[ProvisioningRequest]) -> Similar:
    """Count, sum and names of what `counted_with` finds. One query."""
    found = rows.order_by().aggregate(
        count=Count("pk"), total=Sum("exposure_micro"), ids=ArrayAgg("pk", order_by="-number", default=[])
    )
    return Similar(found["count"], found["total"] or 0, tuple(found["ids"][:KEPT_MAX]))


def used_by(user: User, *, now: datetime) -> list[Used]:
    """What a next request of this person would count together with, for each kind of work in each project of theirs.

    The most used first; kinds of work that count nothing are left out. Three queries.
    """
    projects = {project.pk: project for project in references.requestable_projects(user, now=now)}
    own = Q(requester__person_id=user.person_id)
    rows = (
        standing(since=now - timedelta(days=SIMILAR_DAYS))
        .filter(own | Q(project_id__in=list(projects), state=State.GRANTED.value))
        .annotate(is_own=Case(When(own, then=True), default=False, output_field=BooleanField()))
        .order_by()
        .values_list("workload", "project_id", "is_own")
        .annotate(total=Sum("exposure_micro"))
    )
    of_person: dict[str, int] = {}
    of_others: dict[tuple[str, int], int] = {}
    for workload, project_id, is_own, total in rows:
        if is_own:
            of_person[workload] = of_person.get(workload, 0) + (total or 0)
        else:
            of_others[workload, project_id] = total or 0
    found = [
        Used(workload, project, to_units(of_person.get(workload, 0) + of_others.get((workload, pk), 0)))
        for workload in {*of_person, *(name for name, _ in of_others)}
        for pk, project in projects.items()
    ]
    return sorted(
        (each for each in found if each.used_usd > 0),
        key=lambda each: (-each.used_usd, each.workload, each.project.name),
    )


def listed(ids: Iterable[int], *, count: int, visibility: Visibility) -> Listed:
    """Counted requests for a reader: those that they may see by name, the rest as a number. At most one query.

    Args:
        count: how many were counted, the request itself left out.
    """
    wanted = list(ids)
    if not wanted:
        return Listed((), count)
    rows = ProvisioningRequest.objects.visible_to(visibility).filter(pk__in=wanted).order_by("-number")
    shown = list(rows[:LISTED_MAX])
    return Listed(shown, max(0, count - len(shown)))
