"""Carries a request through its life: draft, submission, withdrawal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction

from governance.domain.errors import (
    BudgetExceeded,
    IllegalTransition,
    InvalidAsk,
    InvalidInput,
    NotRequester,
    StaleDraft,
)
from governance.domain.limits import COMMENT_CHARS_MAX, REASON_CHARS_MAX
from governance.domain.money.ledger import raise_exceeded
from governance.domain.requests.ask import KINDS, KINDS_IN_THE_PAST, Ask
from governance.domain.requests.lifecycle import EDITABLE, LABELS, TERMINAL, Event, State, next_state
from governance.domain.text import clean_reason
from governance.models import (
    Budget,
    BudgetHold,
    Grant,
    ProvisioningRequest,
    RequestComment,
    RequestRevision,
    User,
)
from governance.policy.decisions.decision import Outcome
from governance.selectors.money import balances
from governance.selectors.people import people
from governance.selectors.requests import assessments as assessing
from governance.selectors.requests import facts, references
from governance.selectors.requests.assessments import Ahead, Assessed, Moved
from governance.services.approvals import approvals
from governance.services.commit import BeforeCommit, nothing, own_transaction
from governance.services.grants import grants
from governance.services.messages import alerts, flags
from governance.services.money import budgets
from governance.services.record import audit, counters
from governance.services.requests import assessments, sizing, turns
from governance.services.rules import policies, shadow

DRAFT_BYTES_MAX = 65_536


@transaction.atomic(durable=True)
def create_draft(
    *, actor: User, content: Mapping[str, Any], now: datetime, before_commit: BeforeCommit = nothing
) -> ProvisioningRequest:
    """Start a draft with whatever is known so far; nothing has to be complete yet.

    Raises:
        InvalidInput: the content is not plain, storable data.
    """
    request = _start_draft(actor=actor, content=content, now=now)
    audit.record("request.created", actor=actor, subject=request, now=now)
    before_commit(request)
    return request


@transaction.atomic(durable=True)
def clone_request(*, request_id: int, actor: User, now: datetime) -> ProvisioningRequest:
    """Start a new draft with the content of a request that the actor may see; dates in the past are dropped."""
    source = ProvisioningRequest.objects.visible_to(people.visibility_of(actor, now=now)).lock(request_id)
    content = dict(source.draft)
    if str(content.get("start_on") or "") < now.date().isoformat():
        content.pop("start_on", None)
        content.pop("end_on", None)
    request = _start_draft(actor=actor, content=content, now=now)
    audit.record("request.cloned", actor=actor, subject=request, now=now, source=source.pk)
    return request


def _start_draft(*, actor: User, content: Mapping[str, Any], now: datetime) -> ProvisioningRequest:
    """Write a new draft in the caller's transaction; the caller audits it last."""
    request = _new_draft(actor=actor, content=content, now=now)
    request.number = counters.next_number("request")
    request.save()
    return request


def _new_draft(*, actor: User, content: Mapping[str, Any], now: datetime) -> ProvisioningRequest:
    """A draft that is not written yet and has no number: the counter is taken last, everybody waits for it."""
    request = ProvisioningRequest(requester=actor, created_at=now, state=State.DRAFT.value)
    _fill_draft(request, content, now=now)
    return request


@transaction.atomic(durable=True)
def save_draft(
    *, request_id: int, actor: User, content: Mapping[str, Any], now: datetime, expected_version: int | None = None
) -> ProvisioningRequest:
    """Replace what a request asks for, as long as nobody has decided it.

    Saving while people review it takes it back: the hold is released and their stages end.

    Args:
        expected_version: `draft_version` that the page was opened with; None skips the check.

    Raises:
        NotRequester: someone else's request.
        StaleDraft: it was saved elsewhere in the meantime.
        IllegalTransition: it is decided for good.
    """
    request = ProvisioningRequest.objects.lock(request_id)
    _require_requester(request, actor)
    _refuse_stale(request, expected_version)
    if request.state == State.IN_REVIEW:
        _take_back(request, actor=actor, now=now)
        _fill_draft(request, content, now=now)
        request.save()
        audit.record("request.revised", actor=actor, subject=request, now=now)
        return request
    if State(request.state) not in EDITABLE:
        raise IllegalTransition(
            f"a request that is `{LABELS[State(request.state)].lower()}` cannot be changed: clone it"
        )
    _fill_draft(request, content, now=now)
    request.save()
    return request


@transaction.atomic(durable=True)
def discard_draft(*, request_id: int, actor: User, now: datetime) -> ProvisioningRequest:
    """End a draft that was never submitted. Discarding twice changes nothing."""
    request = ProvisioningRequest.objects.lock(request_id)
    _require_requester(request, actor)
    if request.state == State.DISCARDED:
        return request
    _apply(request, Event.DISCARD, now=now)
    request.save(update_fields=["state", "changed_at"])
    audit.record("request.discarded", actor=actor, subject=request, now=now)
    return request


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
        InvalidAsk: fields are missing or impossible, or the start lies in the past.
        BudgetExceeded: the hold does not fit; data: budget, headroom_micro, needed_micro.
        UnfillableStage: nobody could decide it.
        In every case nothing is written.
    """

    def submit(ahead: Ahead | None) -> ProvisioningRequest:
        with own_transaction():
            # Lock. Policy first, then the request, then what others move: docs/concurrency.md.
            policies.hold_in_force()
            request = ProvisioningRequest.objects.lock(request_id)
            _require_requester(request, actor)
            entries: list[audit.Entry] = []
            if request.state in EDITABLE:
                _refuse_stale(request, expected_version)
                entries = _submit(request, actor=actor, now=now, ahead=ahead)
            before_commit(request)
            audit.record_all(entries, actor=actor, now=now)
            return request

    return sizing.ahead_of_locks(partial(_saved_ask, request_id, actor), submit, now=now)


def ask_at_once(
    *, actor: User, content: Mapping[str, Any], now: datetime, before_commit: BeforeCommit = nothing
) -> ProvisioningRequest:
    """Create and submit in one step; when it cannot be submitted, there is no draft either.

    Raises:
        As `submit_request`.
    """
    plain = storable(content)

    def submit(ahead: Ahead | None) -> ProvisioningRequest:
        with own_transaction():
            # Invariant: the policy lock comes first in every transaction that decides.
            policies.hold_in_force()
            request = _new_draft(actor=actor, content=plain, now=now)
            counters.reserve_id(request)
            entries = _submit(request, actor=actor, now=now, ahead=ahead)
            before_commit(request)
            # The draft comes after its submission: it existed for nobody before COMMIT.
            audit.record_all([*entries, audit.Entry("request.created", request)], actor=actor, now=now)
            return request

    return sizing.ahead_of_locks(partial(_parsed, plain), submit, now=now)


def _saved_ask(request_id: int, actor: User) -> Ask | None:
    """What a submission of this draft would size now; None when it cannot be one, for reasons that are said later."""
    drafts = ProvisioningRequest.objects.filter(
        pk=request_id, state__in=EDITABLE, requester__person_id=actor.person_id
    ).values_list("draft", flat=True)
    draft = drafts.first()
    return None if draft is None else _parsed(draft)


def _parsed(content: Mapping[str, Any]) -> Ask | None:
    try:
        return Ask.parse(content)
    except InvalidAsk:
        return None


def _submit(request: ProvisioningRequest, *, actor: User, now: datetime, ahead: Ahead | None) -> list[audit.Entry]:
    """Judge and write in the caller's transaction. The caller holds policy and request, and records what is returned.

    What takes long comes before the locks for which everybody waits (budgets, numbers): the request is judged on
    balances that may still move, and what follows from the answer is written; then the budgets are locked, it is judged
    again on their balances, and the rest is written. `docs/concurrency.md` says what keeps what true.

    Raises:
        Moved: `ahead` no longer stands, or another answer follows from the balances by now.
    """
    ask = Ask.parse(request.draft)
    _refuse_the_past(ask, now)

    # Look and decide.
    assessed = assessing.assess(
        ask, requester=actor, now=now, request_id=request.pk, beneficiary_id=request.beneficiary_id, ahead=ahead,
        hold=_hold_budgets if ahead is None else _hold_sums,
    )  # fmt: skip
    _refuse_what_cannot_be_decided(assessed)

    # Write what does not depend on balances. Invariant: nothing here reads through the row of the request, which may be
    # written last: it carries a number, for which everybody waits.
    _fill_from(request, ask, assessed, now=now)
    revision = _freeze(request, ask, actor=actor, now=now)
    grant = None
    match request.state:
        case State.DENIED:
            alerts.tell_request_answered(request, assessed, actor=actor, now=now)
        case State.IN_REVIEW:
            approvals.open_stages(request, revision, assessed, now=now)
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
    assessment = assessments.store(assessed, revision, occasion="submit", now=now)
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
    settled = assessing.settle(assessed, path=Budget.objects.lock_path_of(assessed.context.path[0]))
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


@transaction.atomic(durable=True)
def withdraw_request(*, request_id: int, actor: User, reason: str, now: datetime) -> ProvisioningRequest:
    """Take a request back for good; its hold is released. Withdrawing twice changes nothing.

    Raises:
        NotRequester, IllegalTransition.
    """
    request = ProvisioningRequest.objects.lock(request_id)
    _require_requester(request, actor)
    if request.state == State.WITHDRAWN:
        return request
    reason = clean_reason("reason", reason, REASON_CHARS_MAX, required=False)
    held = BudgetHold.objects.filter(provisioning_request=request, state="open").exists()
    _answer(request, Event.WITHDRAW, now=now)
    if held:
        budgets.resolve_hold(request, to="released", actor=actor, now=now)
    approvals.cancel_stages(request, now=now)
    audit.record("request.withdrawn", actor=actor, subject=request, now=now, reason=reason)
    return request


@transaction.atomic(durable=True)
def expire_request(*, request_id: int, actor: User, now: datetime) -> bool:
    """End a request whose hold has run out without an answer. True when this call ended it."""
    request = ProvisioningRequest.objects.lock(request_id)
    hold = BudgetHold.objects.filter(provisioning_request=request, state="open", expires_at__lte=now).first()
    if hold is None:
        return False
    budgets.resolve_hold(request, to="expired", actor=actor, now=now)
    approvals.cancel_stages(request, now=now)
    _answer(request, Event.EXPIRE_HOLD, now=now)
    flags.raise_flag(
        key=f"hold_expired:{hold.pk}",
        kind="hold_expired",
        sentence=f"{request.reference}: the hold ended without an answer; its money is free again",
        request=request,
        now=now,
    )
    alerts.tell_request_expired(request, now=now)
    audit.record("request.expired", actor=actor, subject=request, now=now, released_micro=hold.amount_micro)
    return True


@transaction.atomic(durable=True)
def add_comment(
    *, request_id: int, actor: User, text: str, now: datetime, before_commit: BeforeCommit = nothing
) -> RequestComment:
    """Add a remark to the conversation of a request that the actor may see.

    Raises:
        NotFound: missing or not visible.
        InvalidInput: empty, too long, or control characters.
    """
    request = ProvisioningRequest.objects.visible_to(people.visibility_of(actor, now=now)).lock(request_id)
    text = clean_reason("text", text, COMMENT_CHARS_MAX)
    comment = RequestComment.objects.create(provisioning_request=request, author=actor, text=text, created_at=now)
    audit.record("request.commented", actor=actor, subject=request, now=now, comment=comment.pk)
    before_commit(comment)
    return comment


def _refuse_stale(request: ProvisioningRequest, expected_version: int | None) -> None:
    if expected_version is not None and expected_version != request.draft_version:
        raise StaleDraft(
            "this draft was saved elsewhere in the meantime: open it again, your text is still in this page",
            saved_version=request.draft_version,
        )


def _require_requester(request: ProvisioningRequest, actor: User) -> None:
    if request.requester.person_id != actor.person_id:
        raise NotRequester("only the person who asked may do this", request=request.reference)


def _apply(request: ProvisioningRequest, event: Event, *, now: datetime) -> None:
    request.state = next_state(request.state, event).value
    request.changed_at = now


def _answer(request: ProvisioningRequest, event: Event, *, now: datetime) -> None:
    _apply(request, event, now=now)
    if State(request.state) in TERMINAL or request.state == State.DENIED:
        request.answered_at = now
    request.save()


def _fill_draft(request: ProvisioningRequest, content: Mapping[str, Any], *, now: datetime) -> None:
    """Keep a half-filled form as it is, as long as it can be stored; `Ask.parse` judges it at submission.

    The row joins a project only when its requester may make requests for it: naming another one shows nothing. A
    request that was submitted once stays in its project until it is submitted for another one.
    """
    plain = storable(content)
    title, kind, project = plain.get("title"), plain.get("kind"), plain.get("project")
    request.draft = plain
    request.title = title[:120] if isinstance(title, str) else ""
    request.kind = kind if kind in KINDS else "new"
    named = references.askable_project(project, request.requester, now=now)
    if named is not None or not request.revision_count:
        request.project = named
    request.draft_version += 1
    request.changed_at = now


def storable(content: Mapping[str, Any]) -> dict[str, Any]:
    """`content` as JSON data that PostgreSQL can keep.

    Raises:
        InvalidInput: not JSON, too large, NaN, a NUL byte or half of a surrogate pair.
    """
    try:
        text = json.dumps(dict(content), allow_nan=False, ensure_ascii=False)
        encoded = text.encode("utf-8")
    except (TypeError, ValueError, RecursionError):
        raise InvalidInput({"content": ["contains a value that cannot be stored, such as NaN"]}) from None
    if len(encoded) > DRAFT_BYTES_MAX:
        raise InvalidInput({"content": [f"has {len(encoded):,} bytes: at most {DRAFT_BYTES_MAX:,} fit"]})
    if "\\u0000" in text:
        raise InvalidInput({"content": ["contains a NUL character: type the text again"]})
    return dict(json.loads(text))


def _refuse_the_past(ask: Ask, now: datetime) -> None:
    today = now.date()
    if ask.start_on < today and ask.kind not in KINDS_IN_THE_PAST:
        raise InvalidAsk(
            {"start_on": [f"`{ask.start_on}` has passed: start on {today} or later, or ask for a ratification"]}
        )


def _refuse_what_cannot_be_decided(assessed: Assessed) -> None:
    """Refuse to submit, with nothing written, where no answer would help: too little money, or nobody to decide."""
    if assessed.outcome is Outcome.DENY:
        # An ask that only lacks money is not recorded as denied: it fits another day or a smaller size.
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


def _fill_from(request: ProvisioningRequest, ask: Ask, assessed: Assessed, *, now: datetime) -> None:
    """Bring the request into the state that the answer gives it, with what lists and limits read. Not written yet."""
    match assessed.outcome, assessed.stages:
        case Outcome.DENY, _:
            event = Event.SUBMIT_DENIED
        case _, []:
            event = Event.SUBMIT_GRANTED
        case _:
            event = Event.SUBMIT_FOR_REVIEW
    _apply(request, event, now=now)
    request.title, request.kind, request.project = ask.title, ask.kind, assessed.context.project
    request.lineage = assessed.context.lineage
    request.related_grant = assessed.context.related_grant
    request.exposure_micro = assessed.exposure_micro
    request.draft = ask.to_content()
    request.submitted_at = now
    request.answered_at = None if request.state == State.IN_REVIEW else now


def _freeze(request: ProvisioningRequest, ask: Ask, *, actor: User, now: datetime) -> RequestRevision:
    """Write the immutable revision. The request itself is written later in the same transaction."""
    request.revision_count += 1
    return RequestRevision.objects.create(
        provisioning_request=request,
        number=request.revision_count,
        content=request.draft,
        digest=ask.digest,
        created_by=actor,
        created_at=now,
    )


def _take_back(request: ProvisioningRequest, *, actor: User, now: datetime) -> None:
    budgets.resolve_hold(request, to="released", actor=actor, now=now)
    approvals.cancel_stages(request, now=now)
    _apply(request, Event.REVISE, now=now)


__all__ = [
    "add_comment",
    "ask_at_once",
    "clone_request",
    "create_draft",
    "discard_draft",
    "expire_request",
    "save_draft",
    "submit_request",
    "withdraw_request",
]
