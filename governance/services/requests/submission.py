"""Carries a draft to its first answer: not allowed, in review, or granted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from governance.domain.errors import BudgetExceeded, InvalidRequest
from governance.domain.money.ledger import raise_exceeded
from governance.domain.requests.kinds import refuse_unoffered
from governance.domain.requests.parse import RequestContent
from governance.domain.states.requests import EDITABLE, Event, Occasion, State
from governance.models import Budget, Grant, ProvisioningRequest, RequestRevision, User
from governance.policy.decisions.decision import Outcome
from governance.selectors.money import balances
from governance.selectors.requests import assessments as assessing
from governance.selectors.requests import facts, judgement
from governance.selectors.requests.judgement import Assessed
from governance.selectors.requests.sizing import Ahead, Moved
from governance.services.approvals import stages
from governance.services.commit import BeforeCommit, nothing, own_transaction
from governance.services.grants import grants
from governance.services.messages import alerts, flags
from governance.services.money import budgets
from governance.services.record import audit, counters
from governance.services.requests import assessments, drafts, moves, sizing, turns
from governance.services.rules import policies, shadow


def submit_request(
    *,
    request_id: int,
    actor: User,
    now: datetime,
    expected_version: int | None = None,
    before_commit: BeforeCommit = nothing,
) -> ProvisioningRequest:
    """Carry a draft to its first answer: not allowed, in review, or granted.

    A repeated call (double click, retried client) returns the request unchanged. The draft is sized before anything is
    locked; what follows is one durable transaction.

    Args:
        request_id: the draft; `actor` must be its requester.
        now: aware instant at which prices, policies and balances are read.
        expected_version: `draft_version` that the requester has read; None submits whatever is saved.

    Raises:
        NotRequester: someone else's draft.
        StaleDraft: it was saved elsewhere since then.
        InvalidRequest: fields are missing or impossible, or the start lies in the past.
        BudgetExceeded: the hold does not fit; data: budget, headroom_micro, needed_micro.
        UnfillableStage: nobody could decide it.
        In every case nothing is written.
    """

    def submit(ahead: Ahead | None) -> ProvisioningRequest:
        with own_transaction():
            # Lock. Policy first, then the request, then what others move: docs/concurrency.md.
            policies.hold_in_force()
            request = ProvisioningRequest.objects.lock(request_id)
            drafts.require_requester(request, actor)
            entries: list[audit.Entry] = []
            if request.state in EDITABLE:
                drafts.refuse_stale(request, expected_version)
                entries = _submit(request, actor=actor, now=now, ahead=ahead)
            before_commit(request)
            audit.record_all(entries, actor=actor, now=now)
            return request

    return sizing.ahead_of_locks(partial(_saved_content, request_id, actor), submit, now=now)


def create_and_submit(
    *, actor: User, content: Mapping[str, Any], now: datetime, before_commit: BeforeCommit = nothing
) -> ProvisioningRequest:
    """Create and submit in one step; when it cannot be submitted, there is no draft either.

    Raises:
        As `submit_request`.
    """
    plain = drafts.storable(content)

    def submit(ahead: Ahead | None) -> ProvisioningRequest:
        with own_transaction():
            # Invariant: the policy lock comes first in every transaction that decides.
            policies.hold_in_force()
            request = drafts.new_draft(actor=actor, content=plain, now=now)
            counters.reserve_id(request)
            entries = _submit(request, actor=actor, now=now, ahead=ahead)
            before_commit(request)
            # The draft comes after its submission: it existed for nobody before COMMIT.
            audit.record_all([*entries, audit.Entry("request.created", request)], actor=actor, now=now)
            return request

    return sizing.ahead_of_locks(partial(_parsed, plain), submit, now=now)


def _saved_content(request_id: int, actor: User) -> RequestContent | None:
    """What a submission of this draft would size now; None when it cannot be one, for reasons that are said later."""
    drafts = ProvisioningRequest.objects.filter(
        pk=request_id, state__in=EDITABLE, requester__person_id=actor.person_id
    ).values_list("draft", flat=True)
    draft = drafts.first()
    return None if draft is None else _parsed(draft)


def _parsed(content: Mapping[str, Any]) -> RequestContent | None:
    try:
        return RequestContent.parse(content)
    except InvalidRequest:
        return None


def _submit(request: ProvisioningRequest, *, actor: User, now: datetime, ahead: Ahead | None) -> list[audit.Entry]:
    """Judge and write in the caller's transaction. The caller holds policy and request, and records what is returned.

    What takes long comes before the locks for which everybody waits (budgets, numbers): the request is judged on
    balances that may still move, and what follows from the answer is written; then the budgets are locked, it is judged
    again on their balances, and the rest is written. `docs/concurrency.md` says what keeps what true.

    Raises:
        Moved: `ahead` no longer stands, or another answer follows from the balances by now.
    """
    content = RequestContent.parse(request.draft)
    _refuse_the_past(content, now)

    # Look and decide.
    assessed = assessing.assess(
        content, requester=actor, now=now, request_id=request.pk, beneficiary_id=request.beneficiary_id, ahead=ahead,
        hold=_hold_budgets if ahead is None else _hold_sums,
    )  # fmt: skip
    refuse_unoffered(content.kind_of_request)
    _refuse_what_cannot_be_decided(assessed)

    # Write what does not depend on balances. Invariant: nothing here reads through the row of the request, which may be
    # written last: it carries a number, for which everybody waits.
    _fill_from(request, content, assessed, now=now)
    revision = _freeze(request, content, actor=actor, now=now)
    grant = None
    match request.state:
        case State.DENIED:
            alerts.tell_request_denied(request, now=now)
        case State.IN_REVIEW:
            stages.open_stages(request, revision, assessed, now=now)
        case _:
            cap = budgets.amount_of_hold(assessed.hold_micro or 0)
            grant = grants.prepare(request, revision, assessed, cost_cap_micro=cap, actor=actor, now=now)
    if assessed.hold_micro is not None and request.state != State.DENIED:
        budgets.refuse_too_many_undecided(request)

    # Look again, under the locks: from here to COMMIT others wait.
    if ahead is not None:
        assessed = _settle(assessed, is_grant=grant is not None)

    # Write the rest. Money is promised before people are asked: an approver never approves thin air.
    entries = _promise(request, assessed, grant, actor=actor, now=now)
    assessment = assessments.store(assessed, revision, occasion=Occasion.SUBMIT, now=now)
    shadow.judge_beside(assessed, assessment)
    if is_new := request._state.adding:
        request.number = counters.next_number("request")
    request.save(force_insert=is_new)
    if request.state != State.DENIED:
        flags.raise_from_decision(request, revision, assessed, now=now)
    data = {
        "outcome": assessed.outcome.value,
        "revision": revision.number,
        "digest": revision.digest,
        "exposure_micro": assessed.exposure_micro,
        "held_micro": assessed.hold_micro if request.state != State.DENIED else 0,
        "rules": [rule.rule_id for rule in assessed.decision.fired],
    }
    return [*entries, audit.Entry("request.submitted", request, data=data)]


def _hold_sums(context: facts.Context) -> list[Budget]:
    """Take turns with those who move the same sums; the budgets are read, not locked: `_settle` does that."""
    turns.take(context)
    return balances.budget_path(context.project, at=max(context.starts_at, context.now))


def _hold_budgets(context: facts.Context) -> list[Budget]:
    """Everything at once, for a submission that has begun again often enough: nothing moves from here on."""
    path = _hold_sums(context)
    turns.take_to_grant()
    return Budget.objects.lock_path_of(path[0])


def _settle(assessed: Assessed, *, is_grant: bool) -> Assessed:
    """Lock the budgets and judge on their balances.

    Raises:
        Moved: something else follows from them than was written.
    """
    if is_grant:
        turns.take_to_grant()
    settled = judgement.settle(assessed, path=Budget.objects.lock_path_of(assessed.context.path[0]))
    _refuse_what_cannot_be_decided(settled)
    if not settled.follows(assessed):
        raise Moved
    return settled


def _promise(
    request: ProvisioningRequest, assessed: Assessed, grant: Grant | None, *, actor: User, now: datetime
) -> list[audit.Entry]:
    """Set the money aside, and commit it at once where a grant is issued without a person."""
    path, needed = assessed.context.path, assessed.hold_micro
    if needed is None or request.state == State.DENIED:
        return []
    if grant is None:
        budgets.place_hold(path, request, amount_micro=needed, actor=actor, now=now)
        return []
    budgets.place_and_capture(path, request, amount_micro=needed, actor=actor, now=now)
    return [grants.issue(grant, now=now)]


def _refuse_the_past(content: RequestContent, now: datetime) -> None:
    today = now.date()
    if content.start_on < today and not content.kind_of_request.may_start_in_past:
        raise InvalidRequest(
            {"start_on": [f"`{content.start_on}` has passed: start on {today} or later, or ask for a ratification"]}
        )


def _refuse_what_cannot_be_decided(assessed: Assessed) -> None:
    """Refuse to submit, with nothing written, where no answer would help: too little money, or nobody to decide."""
    if assessed.outcome is Outcome.DENY:
        # A request that only lacks money is not recorded as denied: it fits another day or a smaller size.
        if all(rule.code == BudgetExceeded.code for rule in assessed.decision.denials):
            _refuse_overdraft(assessed)
        return
    _refuse_overdraft(assessed)
    if assessed.unfillable is not None:
        raise assessed.unfillable


def _refuse_overdraft(assessed: Assessed) -> None:
    needed = assessed.hold_micro
    if needed is None:
        return
    for budget in assessed.context.path:
        if budget.headroom_micro < needed:
            raise_exceeded(budget.balance, needed)


def _fill_from(request: ProvisioningRequest, content: RequestContent, assessed: Assessed, *, now: datetime) -> None:
    """Bring the request into the state that the answer gives it, with what lists and limits read. Not written yet."""
    match assessed.outcome, assessed.stages:
        case Outcome.DENY, _:
            event = Event.SUBMIT_DENIED
        case _, []:
            event = Event.SUBMIT_GRANTED
        case _:
            event = Event.SUBMIT_FOR_REVIEW
    moves.apply(request, event, now=now)
    request.title, request.kind, request.project = content.title, content.kind, assessed.context.project
    request.lineage = assessed.context.lineage
    request.related_grant = assessed.context.related_grant
    request.exposure_micro = assessed.exposure_micro
    request.draft = content.to_content()
    request.submitted_at = now


def _freeze(request: ProvisioningRequest, content: RequestContent, *, actor: User, now: datetime) -> RequestRevision:
    """Write the immutable revision. The request itself is written later in the same transaction."""
    request.revision_count += 1
    return RequestRevision.objects.create(
        provisioning_request=request,
        number=request.revision_count,
        content=request.draft,
        digest=content.digest,
        created_by=actor,
        created_at=now,
    )
