"""Checks everything again when the last approval is in: denies, opens what is missing, or issues the grant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from governance.domain.requests.parse import RequestContent
from governance.domain.states.approvals import StageEvent
from governance.domain.states.money import HoldEvent, HoldState
from governance.domain.states.requests import Event, Occasion
from governance.models import (
    ApprovalDecision,
    ApprovalStage,
    Budget,
    BudgetHold,
    ProvisioningRequest,
    RequestRevision,
    Role,
    User,
)
from governance.policy.decisions.decision import Outcome
from governance.selectors.approvals import authority
from governance.selectors.money import balances
from governance.selectors.requests import assessments as assessing
from governance.selectors.requests import facts, references
from governance.selectors.requests.judgement import Assessed
from governance.selectors.requests.sizing import Ahead
from governance.services.approvals import stages
from governance.services.approvals.lapses import lapse_entries, note_lapses
from governance.services.grants import grants
from governance.services.messages import alerts
from governance.services.money import budgets
from governance.services.record import audit
from governance.services.requests import assessments, moves, turns


def grant_or_defer(
    request: ProvisioningRequest, revision: RequestRevision, *, actor: User, now: datetime, ahead: Ahead | None
) -> list[audit.Entry]:
    """The last check: everything is read again, and only then is the grant issued.

    Policy that became stricter since denies, or opens the stages that are now missing; an approval that no longer
    counts opens its stage again.

    Returns:
        What the caller records.
    """
    approvals = authority.counting(revision.pk)
    lapses = note_lapses(approvals, request, now=now)
    gone = {lapse.decision_id for lapse in lapses}
    standing = _by_role(approval for approval in approvals if approval.pk not in gone)
    entries = _check_again(request, revision, standing, actor=actor, now=now, ahead=ahead)
    return lapse_entries(lapses, request) + entries


def _check_again(
    request: ProvisioningRequest,
    revision: RequestRevision,
    standing: Mapping[str, Collection[int]],
    *,
    actor: User,
    now: datetime,
    ahead: Ahead | None,
) -> list[audit.Entry]:
    """Judge the revision as everything stands now, and deny, open what is missing, or grant.

    Args:
        standing: by role, the people whose approval counts.
    """
    hold = BudgetHold.objects.filter(provisioning_request=request, state=HoldState.OPEN).first()

    def hold_still(context: facts.Context) -> list[Budget]:
        # The budgets of the hold: the money lies there, whatever would pay for the project today.
        turns.take(context)
        turns.take_to_grant()
        if hold is not None:
            return Budget.objects.lock_path(hold.budget_id)
        return balances.budget_path(context.project, at=max(context.starts_at, now))

    content = RequestContent.parse(revision.content)
    assessed = assessing.assess(
        content,
        requester=request.requester,
        now=now,
        request_id=request.pk,
        beneficiary_id=request.beneficiary_id,
        own_hold_micro=hold.amount_micro if hold else 0,
        ahead=ahead,
        hold=hold_still,
        named=references.named_when_submitted(request, content, now=now),
        standing=standing,
    )
    assessments.store(assessed, revision, occasion=Occasion.GRANT, now=now)
    if assessed.outcome is Outcome.DENY:
        moves.answer(request, Event.DENY_AT_GRANT, now=now)
        budgets.resolve_hold(request, HoldEvent.RELEASE, actor=actor, now=now)
        alerts.tell_request_denied(request, now=now)
        return []
    if _reopen_what_no_longer_counts(request, revision, assessed, standing, actor=actor, now=now):
        return []
    moves.answer(request, Event.APPROVE_LAST, now=now)
    return [grants.issue_grant(request, revision, assessed, actor=actor, now=now)]


def _by_role(approvals: Iterable[ApprovalDecision]) -> dict[str, set[int]]:
    """Different people whose approval counts, by the role of its stage; a delegate's counts as the delegator's."""
    found: dict[str, set[int]] = defaultdict(set)
    for approval in approvals:
        found[approval.stage.role.slug].add(approval.for_person_id or approval.person_id)
    return found


def _reopen_what_no_longer_counts(
    request: ProvisioningRequest,
    revision: RequestRevision,
    assessed: Assessed,
    standing: Mapping[str, Collection[int]],
    *,
    actor: User,
    now: datetime,
) -> bool:
    """Open every stage that today's policy wants and that is not fully approved. True when there is one.

    Args:
        standing: by role, the people whose approval counts.
    """
    existing = {
        stage.role.slug: stage for stage in ApprovalStage.objects.filter(revision=revision).select_related("role")
    }
    by_fallback = {stage.fallback_from.slug: stage for stage in existing.values() if stage.fallback_from}
    if assessed.unfillable is not None:
        raise assessed.unfillable
    wanted: set[int] = set()
    missing = False
    roles = {role.slug: role for role in Role.objects.all()}
    for plan in assessed.stages:
        stage = existing.get(plan.role) or by_fallback.get(plan.fallback_from or plan.role)
        if stage is None:
            stages.planned(plan, request, revision, roles).save(force_insert=True)
            missing = True
            continue
        wanted.add(stage.pk)
        if len(standing.get(stage.role.slug, ())) < plan.quorum:
            stage.move(StageEvent.WANT_AGAIN)
            stage.quorum, stage.closed_at = plan.quorum, None
            stage.save(update_fields=["state", "quorum", "closed_at"])
            missing = True
    if missing:
        stages.retire(existing.values(), wanted, standing, now=now)
        stages.open_next(request, now=now)
        audit.record("grant.deferred", actor=actor, subject=request, now=now, policy=assessed.policy_digest)
    return missing
