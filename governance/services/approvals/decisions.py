"""Takes what a person decides on a stage, and what follows from it."""

from __future__ import annotations

from datetime import datetime
from functools import partial

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
from governance.domain.states.money import HoldEvent
from governance.domain.states.requests import Event, State
from governance.domain.text import clean_reason
from governance.models import (
    ApprovalDecision,
    ApprovalStage,
    Assessment,
    Project,
    ProvisioningRequest,
    User,
)
from governance.selectors.approvals import authority
from governance.selectors.approvals.authority import Authority, Case
from governance.selectors.requests.sizing import Ahead
from governance.services.approvals import last_check, stages
from governance.services.approvals.lapses import lapse_entries, note_lapses
from governance.services.commit import BeforeCommit, nothing, own_transaction
from governance.services.messages import alerts
from governance.services.money import budgets
from governance.services.record import audit
from governance.services.requests import moves, sizing
from governance.services.rules import policies


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
    """Record one person's decision on one stage, and what follows from it.

    A rejection or a request for changes ends the stage at once. An approval counts towards the quorum; the last
    approval of the last stage re-checks policy, roles, limits and delegations, and issues the grant. An approval that
    no longer counts by then is recorded as lapsed, its stage opens again, and whoever may decide it is told. What a
    last approval has to size is sized before anything is locked; what follows is one durable transaction.

    Args:
        actor: the account of the person who decides, for themselves or for someone who delegated to them.
        verdict: `approve`, `reject` or `changes`.
        reason: why; the requester reads it as written.
        revision_digest: of the revision that the person saw.

    Raises:
        NotFound: no such stage for this person.
        StaleRevision: the request changed since; nothing is recorded.
        SeparationOfDuties: the person made the request, benefits, or has filled another role on this revision.
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

    return sizing.ahead_of_locks(partial(_content_to_size, stage_id, verdict), record, now=now)


def _content_to_size(stage_id: int, verdict: str) -> RequestContent | None:
    """What the last check sizes again, if this decision leads to it; None where others still have to decide."""
    if verdict != Verdict.APPROVE:
        return None
    stage = ApprovalStage.objects.filter(pk=stage_id, state=StageState.OPEN).select_related("revision").first()
    if stage is None:
        return None
    others = ApprovalStage.objects.filter(
        provisioning_request_id=stage.provisioning_request_id, state__in=STAGE_UNDECIDED
    ).exclude(pk=stage.pk)
    approvals = ApprovalDecision.objects.filter(stage=stage, verdict=Verdict.APPROVE, lapse__isnull=True).count()
    return None if others.exists() or approvals + 1 < stage.quorum else RequestContent.parse(stage.revision.content)


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
            entries = _count_approval(stage, request, actor=actor, now=now, ahead=ahead)
        case Verdict.REJECT:
            action = "stage.rejected"
            _end_review(stage, request, StageEvent.REJECT, Event.REJECT, actor=actor, now=now)
            alerts.tell_request_rejected(request, decision, now=now)
        case _:
            action = "stage.changes_asked"
            _end_review(stage, request, StageEvent.ASK_FOR_CHANGES, Event.ASK_FOR_CHANGES, actor=actor, now=now)
            alerts.tell_changes_requested(request, decision, now=now)

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
    project, case = _project_of(request), Case.of(stage, request)
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


def _refuse_second_hat(stage: ApprovalStage, request: ProvisioningRequest) -> None:
    raise AlreadyDecided(
        f"you have decided {request.reference} already: one person fills one role per request", role=stage.role.slug
    )


def _project_of(request: ProvisioningRequest) -> Project:
    """The project of a submitted request; a constraint says that it has one."""
    if request.project is None:
        raise NotAllowed(f"{request.reference} has no project yet")
    return request.project


def _refuse_missing_evidence(stage: ApprovalStage) -> None:
    assessment = Assessment.objects.filter(revision_id=stage.revision_id).order_by("-assessed_at", "-pk").first()
    missing = assessment.decision.get("evidence_missing", []) if assessment else []
    kinds = sorted(gap["kind"] for gap in missing if set(gap["rule_ids"]) & set(stage.rule_ids))
    if kinds:
        raise MissingEvidence(
            f"this stage waits for evidence: `{'`, `'.join(kinds)}`; request changes, so that it can be added",
            kinds=kinds,
        )


def _count_approval(
    stage: ApprovalStage, request: ProvisioningRequest, *, actor: User, now: datetime, ahead: Ahead | None
) -> list[audit.Entry]:
    """What follows from an approval. Returns what the caller records."""
    given = [approval for approval in authority.counting(stage.revision_id) if approval.stage_id == stage.pk]
    lapses = note_lapses(given, request, now=now)
    missing = stage.quorum - (len(given) - len(lapses))
    if missing <= 0:
        stages.close(stage, StageEvent.APPROVE, now=now)
    elif lapses and missing > stages.people_left(stage, request, now=now):
        # Nobody could fill it any more: the last check finds who stands in.
        stages.close(stage, StageEvent.CANCEL, now=now)
    elif lapses:
        alerts.tell_stages_opened([stage], request, now=now)
    if stage.state != StageState.OPEN and not stages.open_next(request, now=now):
        return lapse_entries(lapses, request) + last_check.grant_or_defer(
            request, stage.revision, actor=actor, now=now, ahead=ahead
        )
    return lapse_entries(lapses, request)


def _end_review(
    stage: ApprovalStage,
    request: ProvisioningRequest,
    stage_event: StageEvent,
    event: Event,
    *,
    actor: User,
    now: datetime,
) -> None:
    """A rejection or a request for changes: the review is over and the money is free again."""
    stages.close(stage, stage_event, now=now)
    stages.cancel_stages(request, now=now)
    budgets.resolve_hold(request, HoldEvent.RELEASE, actor=actor, now=now)
    moves.answer(request, event, now=now)
