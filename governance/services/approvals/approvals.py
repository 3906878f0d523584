"""Opens stages, takes decisions, and lets the last yes issue the grant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial

from governance.domain.approvals.routing import StagePlan
from governance.domain.errors import (
    AlreadyDecided,
    InvalidInput,
    MissingEvidence,
    NotAllowed,
    NotFound,
    SeparationOfDuties,
    StaleRevision,
)
from governance.domain.limits import REASON_CHARS_MAX
from governance.domain.requests.parse import RequestContent
from governance.domain.states.approvals import STAGE_UNDECIDED, StageEvent, StageState, Verdict
from governance.domain.states.money import HoldEvent, HoldState
from governance.domain.states.requests import Event, Occasion, State
from governance.domain.text import clean_reason
from governance.models import (
    ApprovalDecision,
    ApprovalStage,
    Assessment,
    Budget,
    BudgetHold,
    Project,
    ProvisioningRequest,
    RequestRevision,
    Role,
    User,
)
from governance.models.base import move_all
from governance.policy.decisions.decision import Outcome
from governance.selectors.approvals import authority
from governance.selectors.approvals.authority import Authority, Case
from governance.selectors.approvals.due import due_at
from governance.selectors.money import balances
from governance.selectors.requests import assessments as assessing
from governance.selectors.requests import facts, references
from governance.selectors.requests.assessments import Ahead, Assessed
from governance.services.approvals.lapses import lapse_entries, note_lapses
from governance.services.commit import BeforeCommit, nothing, own_transaction
from governance.services.grants import grants
from governance.services.messages import alerts
from governance.services.money import budgets
from governance.services.record import audit
from governance.services.requests import assessments, sizing, turns
from governance.services.rules import policies


def open_stages(request: ProvisioningRequest, revision: RequestRevision, assessed: Assessed, *, now: datetime) -> None:
    """Write the stages of a decision, the first ones open. The caller holds the request's lock.

    Reads nothing that joins the request, which may be written later in the transaction.
    """
    roles = {role.slug: role for role in Role.objects.all()}
    stages = [_planned(plan, request, revision, roles) for plan in assessed.stages]
    opened = _open_first(stages, now=now)
    ApprovalStage.objects.bulk_create(stages)
    alerts.tell_stages_opened(opened, request, now=now)


def _planned(
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
    ApprovalStage.objects.bulk_update(opened, ["state", "opened_at", "due_at"])
    alerts.tell_stages_opened(opened, request, now=now)
    return True


def _open_first(stages: Sequence[ApprovalStage], *, now: datetime) -> list[ApprovalStage]:
    """Open those that come first. Not written yet."""
    first = min(stage.order for stage in stages)
    opened = [stage for stage in stages if stage.order == first]
    for stage in opened:
        stage.move(StageEvent.OPEN)
        stage.opened_at, stage.due_at = now, due_at(now, stage.due_working_days)
    return opened


def cancel_stages(request: ProvisioningRequest, *, now: datetime) -> None:
    """End what is still open or waiting; decisions that were taken stay. The caller holds the request's lock."""
    move_all(ApprovalStage.objects.filter(provisioning_request=request), StageEvent.CANCEL, closed_at=now)


def decide(
    *,
    stage_id: int,
    actor: User,
    verdict: str,
    reason: str,
    revision_digest: str,
    now: datetime,
    before_commit: BeforeCommit = nothing,
) -> ApprovalDecision:
    """Record what one person says on one stage, and what follows from it.

    A no or a wish for changes ends the stage at once. A yes counts towards the quorum; the last yes of the last stage
    re-checks policy, roles, limits and delegations, and issues the grant. An approval that no longer counts by then is
    recorded as lapsed, its stage opens again, and whoever may decide it is told. What a last yes has to size is sized
    before anything is locked; what follows is one durable transaction.

    Args:
        actor: the account of the person who decides, for themselves or for someone who delegated to them.
        verdict: `approve`, `reject` or `changes`.
        reason: why; the requester reads it as written.
        revision_digest: of the revision that the person saw.

    Raises:
        NotFound: no such stage for this person.
        StaleRevision: the request changed since; nothing is recorded.
        SeparationOfDuties: the person asked, benefits, or has filled another role on this revision.
        NotAllowed: the person does not hold the role.
        AlreadyDecided: the stage is closed, or the person has decided it.
    """
    if verdict not in list(Verdict):
        raise InvalidInput({"verdict": [f"`{verdict[:20]}` is not one of: {', '.join(Verdict)}"]})
    reason = clean_reason("reason", reason, REASON_CHARS_MAX)

    def record(ahead: Ahead | None) -> ApprovalDecision:
        with own_transaction():
            return _decide(
                stage_id=stage_id, actor=actor, verdict=verdict, reason=reason, revision_digest=revision_digest,
                now=now, ahead=ahead, before_commit=before_commit,
            )  # fmt: skip

    return sizing.ahead_of_locks(partial(_ask_of_last_yes, stage_id, verdict), record, now=now)


def _ask_of_last_yes(stage_id: int, verdict: str) -> RequestContent | None:
    """What the last check sizes again, if this answer leads to it; None where others still have to answer."""
    if verdict != Verdict.APPROVE:
        return None
    stage = ApprovalStage.objects.filter(pk=stage_id, state=StageState.OPEN).select_related("revision").first()
    if stage is None:
        return None
    others = ApprovalStage.objects.filter(
        provisioning_request_id=stage.provisioning_request_id, state__in=STAGE_UNDECIDED
    ).exclude(pk=stage.pk)
    yeses = ApprovalDecision.objects.filter(stage=stage, verdict=Verdict.APPROVE, lapse__isnull=True).count()
    return None if others.exists() or yeses + 1 < stage.quorum else RequestContent.parse(stage.revision.content)


def _decide(
    *,
    stage_id: int,
    actor: User,
    verdict: str,
    reason: str,
    revision_digest: str,
    now: datetime,
    ahead: Ahead | None,
    before_commit: BeforeCommit,
) -> ApprovalDecision:
    """`decide` in the caller's transaction.

    Raises:
        Moved: `ahead` no longer stands.
    """
    # Lock. Policy, then the request; the stage is read under the request's lock.
    policies.hold_in_force()
    request_id = ApprovalStage.objects.filter(pk=stage_id).values_list("provisioning_request_id", flat=True).first()
    if request_id is None:
        raise NotFound(f"stage `{stage_id}` does not exist")
    request = ProvisioningRequest.objects.lock(request_id)
    stage = ApprovalStage.objects.select_related("role", "revision").get(pk=stage_id)

    # Look. A ladder of guards, each with its own answer.
    if stage.state != StageState.OPEN or request.state != State.IN_REVIEW:
        raise AlreadyDecided(f"this stage of {request.reference} is closed already: nothing was recorded")
    if stage.revision.digest != revision_digest or stage.revision.number != request.revision_count:
        raise StaleRevision(
            f"{request.reference} has changed since you opened it: read it again, nothing was recorded",
            current=stage.revision.digest,
        )
    for_person = effective_person(stage, request, actor, now=now)
    if verdict == Verdict.APPROVE:
        _refuse_missing_evidence(stage)

    # Write.
    decision = ApprovalDecision.objects.create(
        stage=stage,
        user=actor,
        person_id=actor.person_id,
        for_person_id=for_person,
        verdict=verdict,
        reason=reason,
        revision_digest=revision_digest,
        decided_at=now,
        # Only an approval that lapsed lets the same person decide the stage again.
        round=1 + ApprovalDecision.objects.filter(stage=stage, person_id=actor.person_id).count(),
    )
    entries: list[audit.Entry] = []
    match verdict:
        case Verdict.APPROVE:
            action = "stage.approved"
            entries = _count_yes(stage, request, actor=actor, now=now, ahead=ahead)
        case Verdict.REJECT:
            action = "stage.rejected"
            _end_review(stage, request, StageEvent.REJECT, Event.REJECT, actor=actor, now=now)
            alerts.tell_request_decided(request, decision, now=now)
        case _:
            action = "stage.changes_asked"
            _end_review(stage, request, StageEvent.ASK_FOR_CHANGES, Event.ASK_FOR_CHANGES, actor=actor, now=now)
            alerts.tell_changes_wanted(request, decision, now=now)

    before_commit(decision)
    # Tell. The audit rows are the last write.
    data = {"decision": decision.pk, "role": stage.role.slug, "for_person": for_person, "digest": revision_digest}
    audit.record_all([*entries, audit.Entry(action, stage, request, data)], actor=actor, now=now)
    return decision


def effective_person(stage: ApprovalStage, request: ProvisioningRequest, actor: User, *, now: datetime) -> int | None:
    """For whom the actor may decide this stage: None for themselves, else the person who delegated to them.

    Raises:
        SeparationOfDuties, NotAllowed, AlreadyDecided.
    """
    project, case = project_of(request), Case.of(stage, request)
    if case is None or actor.is_service_account or actor.person_id in case.never:
        raise SeparationOfDuties(
            "a service account cannot decide requests"
            if actor.is_service_account
            else "you requested this or benefit from it, so somebody else decides",
            request=request.reference,
        )
    busy = authority.people_who_decided(stage.revision_id)
    if actor.person_id in busy:
        _refuse_second_hat(stage, request)
    may = Authority([stage.role_id], now=now, person_id=actor.person_id, project=project)
    holder = may.holder(case, actor.person_id, busy=busy) if actor.is_active else None
    if holder is None:
        raise NotAllowed(
            f"this stage needs the role `{stage.role.name}` for `{project.name}`, which you do not hold for this "
            "amount",
            role=stage.role.slug,
        )
    return holder.for_person_id


def _refuse_missing_evidence(stage: ApprovalStage) -> None:
    assessment = Assessment.objects.filter(revision_id=stage.revision_id).order_by("-assessed_at", "-pk").first()
    missing = assessment.decision.get("evidence_missing", []) if assessment else []
    kinds = sorted(gap["kind"] for gap in missing if set(gap["rule_ids"]) & set(stage.rule_ids))
    if kinds:
        raise MissingEvidence(
            f"this stage waits for evidence: `{'`, `'.join(kinds)}`; request changes, so that it can be added",
            kinds=kinds,
        )


def project_of(request: ProvisioningRequest) -> Project:
    """The project of a submitted request; a constraint says that it has one."""
    if request.project is None:
        raise NotAllowed(f"{request.reference} has no project yet")
    return request.project


def _refuse_second_hat(stage: ApprovalStage, request: ProvisioningRequest) -> None:
    raise AlreadyDecided(
        f"you have decided {request.reference} already: one person fills one role per request", role=stage.role.slug
    )


def _count_yes(
    stage: ApprovalStage, request: ProvisioningRequest, *, actor: User, now: datetime, ahead: Ahead | None
) -> list[audit.Entry]:
    """What follows from a yes. Returns what the caller records."""
    given = [approval for approval in authority.counting(stage.revision_id) if approval.stage_id == stage.pk]
    lapses = note_lapses(given, request, now=now)
    missing = stage.quorum - (len(given) - len(lapses))
    if missing <= 0:
        _close(stage, StageEvent.APPROVE, now=now)
    elif lapses and missing > _people_left(stage, request, now=now):
        # Nobody could fill it any more: the last check finds who stands in.
        _close(stage, StageEvent.CANCEL, now=now)
    elif lapses:
        alerts.tell_stages_opened([stage], request, now=now)
    if stage.state != StageState.OPEN and not open_next(request, now=now):
        return lapse_entries(lapses, request) + _grant_or_defer(
            request, stage.revision, actor=actor, now=now, ahead=ahead
        )
    return lapse_entries(lapses, request)


def _close(stage: ApprovalStage, event: StageEvent, *, now: datetime) -> None:
    stage.move(event)
    stage.closed_at = now
    stage.save(update_fields=["state", "closed_at"])


def _people_left(stage: ApprovalStage, request: ProvisioningRequest, *, now: datetime) -> int:
    """How many different people may still approve a stage; a delegate and who delegated are one."""
    may = Authority([stage.role_id], now=now, project=request.project)
    holders = may.holders(stage, request, busy=authority.people_who_decided(stage.revision_id))
    return len({holder.for_person_id or holder.person_id for holder in holders})


def _grant_or_defer(
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

    ask = RequestContent.parse(revision.content)
    assessed = assessing.assess(
        ask,
        requester=request.requester,
        now=now,
        request_id=request.pk,
        beneficiary_id=request.beneficiary_id,
        own_hold_micro=hold.amount_micro if hold else 0,
        ahead=ahead,
        hold=hold_still,
        named=references.named_when_submitted(request, ask, now=now),
        standing=standing,
    )
    assessments.store(assessed, revision, occasion=Occasion.GRANT, now=now)
    if assessed.outcome is Outcome.DENY:
        _move_request(request, Event.DENY_AT_GRANT, now=now, answered=True)
        budgets.resolve_hold(request, HoldEvent.RELEASE, actor=actor, now=now)
        alerts.tell_request_answered(request, assessed, actor=actor, now=now)
        return []
    if _reopen_what_no_longer_counts(request, revision, assessed, standing, actor=actor, now=now):
        return []
    _move_request(request, Event.APPROVE_LAST, now=now, answered=True)
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
            _planned(plan, request, revision, roles).save(force_insert=True)
            missing = True
            continue
        wanted.add(stage.pk)
        if len(standing.get(stage.role.slug, ())) < plan.quorum:
            stage.move(StageEvent.WANT_AGAIN)
            stage.quorum, stage.closed_at = plan.quorum, None
            stage.save(update_fields=["state", "quorum", "closed_at"])
            missing = True
    if missing:
        _retire(existing.values(), wanted, standing, now=now)
        open_next(request, now=now)
        audit.record("grant.deferred", actor=actor, subject=request, now=now, policy=assessed.policy_digest)
    return missing


def _retire(
    stages: Iterable[ApprovalStage], wanted: Collection[int], standing: Mapping[str, Collection[int]], *, now: datetime
) -> None:
    """End approved stages whose approvals lapsed and whose role passed to its fallback: they are approved no more."""
    for stage in stages:
        is_short = len(standing.get(stage.role.slug, ())) < stage.quorum
        if stage.state == StageState.APPROVED and stage.pk not in wanted and is_short:
            _close(stage, StageEvent.RETIRE, now=now)


def _end_review(
    stage: ApprovalStage,
    request: ProvisioningRequest,
    stage_event: StageEvent,
    event: Event,
    *,
    actor: User,
    now: datetime,
) -> None:
    """A no, or a wish for changes: the review is over and the money is free again."""
    _close(stage, stage_event, now=now)
    cancel_stages(request, now=now)
    budgets.resolve_hold(request, HoldEvent.RELEASE, actor=actor, now=now)
    _move_request(request, event, now=now, answered=event is Event.REJECT)


def _move_request(request: ProvisioningRequest, event: Event, *, now: datetime, answered: bool) -> None:
    request.move(event)
    request.changed_at = now
    request.answered_at = now if answered else None
    request.save(update_fields=["state", "changed_at", "answered_at"])
