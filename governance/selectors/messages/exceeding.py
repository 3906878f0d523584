"""Finds what exceeds its limits: each finding names its subject, limit and revision, so that it is flagged once.

Every finder looks at the rows after a cursor, a batch at a time, in a number of queries that does not grow with them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import F, Q

from governance.display import dates
from governance.display.numbers import NBSP, scaled
from governance.domain.money.money import to_units
from governance.domain.prose import money, within
from governance.domain.states.approvals import StageState
from governance.domain.states.grants import GrantState
from governance.domain.states.messages import FlagKind
from governance.models import ApprovalStage, Grant, ProvisioningRequest
from governance.selectors.approvals.authority import Limits


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a person should look at."""

    key: str
    kind: str
    sentence: str
    request: ProvisioningRequest | None = None
    grant: Grant | None = None
    data: dict[str, Any] = field(default_factory=dict)


Batch = tuple[list[Finding], int | None]
"""Findings, and the id of the last row looked at; None when there are no more rows."""
Finder = Callable[..., Batch]


def overdue_stages(*, after: int, size: int, now: datetime) -> Batch:
    """Open stages whose due date has passed."""
    stages = list(
        ApprovalStage.objects.filter(pk__gt=after, state=StageState.OPEN, due_at__lte=now)
        .select_related("role", "provisioning_request")
        .order_by("pk")[:size]
    )
    found = [
        Finding(
            key=f"review_overdue:{stage.pk}:{stage.opened_at:%Y%m%dT%H%M%S}",
            kind=FlagKind.REVIEW_OVERDUE,
            sentence=f"{stage.provisioning_request.reference}: {within(stage.role.name)} was due on "
            f"{dates.full_moment(stage.due_at)} and nobody has answered",
            request=stage.provisioning_request,
            data={"stage": stage.pk, "role": stage.role.slug},
        )
        for stage in stages
        if stage.due_at is not None
    ]
    return found, stages[-1].pk if len(stages) == size else None


def stages_above_limit(*, after: int, size: int, now: datetime) -> Batch:
    """Open stages whose role may no longer approve the amount: the limit was lowered since they opened."""
    limits = Limits(now=now)
    stages = list(
        ApprovalStage.objects.filter(pk__gt=after, state=StageState.OPEN, role_id__in=limits.role_ids)
        .exclude(provisioning_request__exposure_micro=None)
        .select_related("role", "revision", "provisioning_request__project__team")
        .order_by("pk")[:size]
    )
    found = []
    for stage in stages:
        request = stage.provisioning_request
        if request.project is None or request.exposure_micro is None:
            continue
        limit = limits.nearest(stage.role_id, request.project.team.path_ids)
        if limit is not None and limit.amount_micro_max < request.exposure_micro:
            found.append(
                Finding(
                    key=f"above_limit:request:{request.pk}:{stage.revision.number}:{limit.pk}",
                    kind=FlagKind.ABOVE_APPROVAL_LIMIT,
                    sentence=f"{request.reference} is assessed at {money(request.exposure_micro)}; "
                    f"{within(stage.role.name)} may approve {money(limit.amount_micro_max)}",
                    request=request,
                    data={"stage": stage.pk, "limit": limit.pk},
                )
            )
    return found, stages[-1].pk if len(stages) == size else None


def grants_above_limit(*, after: int, size: int, now: datetime) -> Batch:
    """Running grants whose amount is above the limit of every role that said yes."""
    limits = Limits(now=now)
    grants = list(
        Grant.objects.filter(pk__gt=after, state=GrantState.ACTIVE, revision__stages__state=StageState.APPROVED)
        .distinct()
        .select_related("project__team", "provisioning_request")
        .order_by("pk")[:size]
    )
    roles: dict[int, set[int]] = defaultdict(set)
    for revision_id, role_id in ApprovalStage.objects.filter(
        state=StageState.APPROVED, revision_id__in=[grant.revision_id for grant in grants]
    ).values_list("revision_id", "role_id"):
        roles[revision_id].add(role_id)
    found = []
    for grant in grants:
        exposure = grant.provisioning_request.exposure_micro or grant.cost_cap_micro
        nearest = [limits.nearest(role, grant.project.team.path_ids) for role in roles[grant.revision_id]]
        bounds = [limit for limit in nearest if limit is not None]
        # A role without a limit may approve anything: one of them is enough.
        if not bounds or len(bounds) < len(nearest) or any(limit.amount_micro_max >= exposure for limit in bounds):
            continue
        widest = max(bounds, key=lambda limit: (limit.amount_micro_max, limit.pk))
        found.append(
            Finding(
                key=f"above_limit:grant:{grant.pk}:{widest.pk}",
                kind=FlagKind.ABOVE_APPROVAL_LIMIT,
                sentence=f"{grant.reference} is assessed at {money(exposure)}; today nobody who approved it "
                f"may approve more than {money(widest.amount_micro_max)}",
                request=grant.provisioning_request,
                grant=grant,
                data={"limit": widest.pk},
            )
        )
    return found, grants[-1].pk if len(grants) == size else None


def grants_above_cap(*, after: int, size: int, now: datetime) -> Batch:
    """Running grants that have spent more money, or used more hours, than they permit."""
    over = Q(spent_micro__gt=F("cost_cap_micro")) | Q(gpu_hours_used__gt=F("gpu_hours_cap"))
    grants = list(
        Grant.objects.filter(over, pk__gt=after, state=GrantState.ACTIVE)
        .select_related("provisioning_request")
        .order_by("pk")[:size]
    )
    found = []
    for grant in grants:
        if grant.spent_micro > grant.cost_cap_micro:
            found.append(
                _over_cap(grant, "cost", grant.cost_cap_micro, money(grant.spent_micro), money(grant.cost_cap_micro))
            )
        used, cap = grant.gpu_hours_used, grant.gpu_hours_cap
        if used is not None and cap is not None and used > cap:
            found.append(_over_cap(grant, "hours", cap, f"{scaled(used)}{NBSP}h", f"{scaled(cap)}{NBSP}h"))
    return found, grants[-1].pk if len(grants) == size else None


def grants_ended(*, after: int, size: int, now: datetime) -> Batch:
    """Grants whose window ended and that nobody was told to close out."""
    grants = list(
        Grant.objects.filter(pk__gt=after, state=GrantState.ENDED)
        .exclude(flags__kind=FlagKind.GRANT_ENDED)
        .select_related("provisioning_request")
        .order_by("pk")[:size]
    )
    found = [
        Finding(
            key=f"grant_ended:{grant.pk}",
            kind=FlagKind.GRANT_ENDED,
            sentence=f"{grant.reference} ended on {dates.full_day(grant.ended_at or grant.ends_at)}; "
            f"{money(grant.spent_micro)} of {money(grant.cost_cap_micro)} spent: check that its jobs have stopped",
            request=grant.provisioning_request,
            grant=grant,
            data={"spent_usd": to_units(grant.spent_micro)},
        )
        for grant in grants
    ]
    return found, grants[-1].pk if len(grants) == size else None


def _over_cap(grant: Grant, what: str, cap: float, used_text: str, cap_text: str) -> Finding:
    return Finding(
        # A cap that is raised and passed again is another limit.
        key=f"grant_over_cap:{grant.pk}:{what}:{cap}",
        kind=FlagKind.GRANT_OVER_CAP,
        sentence=f"{grant.reference} has used {used_text} of {cap_text}",
        request=grant.provisioning_request,
        grant=grant,
        data={"what": what},
    )
