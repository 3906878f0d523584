"""Opens, closes and retires the stages of a request."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from governance.domain.approvals.routing import StagePlan
from governance.domain.states.approvals import STAGE_UNDECIDED, StageEvent, StageState
from governance.models import (
    ApprovalStage,
    ProvisioningRequest,
    RequestRevision,
    Role,
)
from governance.models.base import move_all
from governance.selectors.approvals import authority
from governance.selectors.approvals.authority import Authority
from governance.selectors.approvals.due import working_time
from governance.selectors.requests.judgement import Assessed
from governance.services.messages import alerts


def open_stages(request: ProvisioningRequest, revision: RequestRevision, assessed: Assessed, *, now: datetime) -> None:
    """Write the stages of a decision, the first ones open. The caller holds the request's lock.

    Reads nothing that joins the request, which may be written later in the transaction.
    """
    roles = {role.slug: role for role in Role.objects.all()}
    stages = [planned(plan, request, revision, roles) for plan in assessed.stages]
    opened = _open_first(stages, now=now)
    ApprovalStage.objects.bulk_create(stages)
    alerts.tell_stages_opened(opened, request, now=now)


def planned(
    plan: StagePlan, request: ProvisioningRequest, revision: RequestRevision, roles: Mapping[str, Role]
) -> ApprovalStage:
    return ApprovalStage(
        provisioning_request=request, revision=revision, order=plan.order, role=roles[plan.role],
        fallback_from=roles.get(plan.fallback_from or ""), quorum=plan.quorum, rule_ids=list(plan.rule_ids),
        due_working_days=plan.due_working_days,
    )  # fmt: skip


def open_next(request: ProvisioningRequest, *, now: datetime) -> bool:
    """Open the waiting stages that come next, unless some are open still. False when none is left."""
    stages = list(
        ApprovalStage.objects.filter(provisioning_request=request, state__in=STAGE_UNDECIDED).select_related("role")
    )
    if not stages:
        return False
    if any(stage.state == StageState.OPEN for stage in stages):
        return True
    opened = _open_first(stages, now=now)
    ApprovalStage.objects.bulk_update(opened, ["state", "opened_at", "due_at", "remind_at"])
    alerts.tell_stages_opened(opened, request, now=now)
    return True


def _open_first(stages: Sequence[ApprovalStage], *, now: datetime) -> list[ApprovalStage]:
    """Open those that come first. Not written yet."""
    first = min(stage.order for stage in stages)
    at_work = working_time()
    opened = [stage for stage in stages if stage.order == first]
    for stage in opened:
        stage.move(StageEvent.OPEN)
        stage.opened_at, stage.due_at = now, at_work.due_at(now, stage.due_working_days)
        stage.remind_at = at_work.middle(now, stage.due_at)
    return opened


def cancel_stages(request: ProvisioningRequest, *, now: datetime) -> None:
    """End what is still open or waiting; decisions that were taken stay. The caller holds the request's lock."""
    move_all(ApprovalStage.objects.filter(provisioning_request=request), StageEvent.CANCEL, closed_at=now)


def close(stage: ApprovalStage, event: StageEvent, *, now: datetime) -> None:
    stage.move(event)
    stage.closed_at = now
    stage.save(update_fields=["state", "closed_at"])


def people_left(stage: ApprovalStage, request: ProvisioningRequest, *, now: datetime) -> int:
    """How many different people may still approve a stage; a delegate and who delegated are one."""
    may = Authority([stage.role_id], now=now, project=request.project)
    holders = may.holders(stage, request, busy=authority.people_who_decided(stage.revision_id))
    return len({holder.for_person_id or holder.person_id for holder in holders})


def retire(
    stages: Iterable[ApprovalStage], wanted: Collection[int], standing: Mapping[str, Collection[int]], *, now: datetime
) -> None:
    """End approved stages whose approvals lapsed and whose role passed to its fallback: they are approved no more."""
    for stage in stages:
        is_short = len(standing.get(stage.role.slug, ())) < stage.quorum
        if stage.state == StageState.APPROVED and stage.pk not in wanted and is_short:
            close(stage, StageEvent.RETIRE, now=now)
