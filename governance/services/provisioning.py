"""Carries a request through its life: draft, submission, withdrawal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from governance.domain.ask import KINDS, KINDS_IN_THE_PAST, Ask
from governance.domain.errors import (
    BudgetExceeded,
    IllegalTransition,
    InvalidAsk,
    InvalidInput,
    NotRequester,
    StaleDraft,
)
from governance.domain.ledger import raise_exceeded
from governance.domain.lifecycle import EDITABLE, LABELS, TERMINAL, Event, State, next_state
from governance.domain.limits import COMMENT_CHARS_MAX, REASON_CHARS_MAX
from governance.domain.text import clean_reason
from governance.models import Budget, BudgetHold, Project, ProvisioningRequest, RequestComment, RequestRevision, User
from governance.policy.decision import Outcome
from governance.selectors import assessments as assessing
from governance.selectors import balances, facts, people
from governance.selectors.assessments import Assessed
from governance.services import (
    alerts,
    approvals,
    assessments,
    audit,
    budgets,
    counters,
    flags,
    grants,
    policies,
    shadow,
)
from governance.services.commit import BeforeCommit, nothing

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
    request = ProvisioningRequest(
        number=counters.next_number("request"), requester=actor, created_at=now, state=State.DRAFT.value
    )
    _write_draft(request, content, now=now)
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
        _write_draft(request, content, now=now)
        audit.record("request.revised", actor=actor, subject=request, now=now)
        return request
    if State(request.state) not in EDITABLE:
        raise IllegalTransition(
            f"a request that is `{LABELS[State(request.state)].lower()}` cannot be changed: clone it"
        )
    _write_draft(request, content, now=now)
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


@transaction.atomic(durable=True)
def submit_request(
    *,
    request_id: int,
    actor: User,
    now: datetime,
    expected_version: int | None = None,
    before_commit: BeforeCommit = nothing,
) -> ProvisioningRequest:
    """Carry a draft to its first answer: not allowed, in review, or granted.

    A repeated call (double click, retried client) returns the request unchanged.

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
    request = _submit(request_id=request_id, actor=actor, now=now, expected_version=expected_version)
    before_commit(request)
    return request


@transaction.atomic(durable=True)
def ask_at_once(
    *, actor: User, content: Mapping[str, Any], now: datetime, before_commit: BeforeCommit = nothing
) -> ProvisioningRequest:
    """Create and submit in one step; when it cannot be submitted, there is no draft either.

    Raises:
        As `submit_request`.
    """
    # Invariant: the policy lock comes first in every transaction that decides.
    policies.hold_in_force()
    request = _start_draft(actor=actor, content=content, now=now)
    request = _submit(request_id=request.pk, actor=actor, now=now)
    # After the submission: the audit stream is locked last, and this draft existed for nobody before the commit.
    audit.record("request.created", actor=actor, subject=request, now=now)
    before_commit(request)
    return request


def _submit(*, request_id: int, actor: User, now: datetime, expected_version: int | None = None) -> ProvisioningRequest:
    # Lock. Policy first, then the request, then its budgets in id order: docs/concurrency.md.
    policies.hold_in_force()
    request = ProvisioningRequest.objects.lock(request_id)
    _require_requester(request, actor)
    if request.state not in EDITABLE:
        return request
    _refuse_stale(request, expected_version)
    ask = Ask.parse(request.draft)
    _refuse_the_past(ask, now)
    project = _project(ask, actor, now)
    path = Budget.objects.lock_path(balances.paying_budget(project, at=max(facts.starts_at(ask), now)).pk)

    # Look and decide. Balances are read under the lock, so the answer cannot go stale.
    assessed = assessing.assess(
        ask, requester=actor, now=now, request_id=request.pk, beneficiary_id=request.beneficiary_id, path=path
    )
    _refuse_what_cannot_be_decided(assessed)

    # Write. Money is promised before people are asked: an approver never approves thin air.
    revision = _freeze(request, ask, assessed, actor=actor, now=now)
    assessment = assessments.store(assessed, revision, occasion="submit", now=now)
    shadow.judge_beside(assessed, assessment)
    if assessed.outcome is Outcome.DENY:
        _answer(request, Event.SUBMIT_DENIED, now=now)
        alerts.tell_request_answered(request, assessed, actor=actor, now=now)
    else:
        if assessed.hold_micro is not None:
            budgets.place_hold(path, request, amount_micro=assessed.hold_micro, actor=actor, now=now)
        if assessed.stages:
            _apply(request, Event.SUBMIT_FOR_REVIEW, now=now)
            request.save()
            approvals.open_stages(request, revision, assessed, now=now)
        else:
            _answer(request, Event.SUBMIT_GRANTED, now=now)
            grants.issue_grant(request, revision, assessed, actor=actor, now=now)
        flags.raise_from_decision(request, revision, assessed, now=now)

    # Tell. The audit row is the last write.
    audit.record(
        "request.submitted",
        actor=actor,
        subject=request,
        now=now,
        outcome=assessed.outcome.value,
        revision=revision.number,
        digest=revision.digest,
        exposure_micro=assessed.exposure_micro,
        held_micro=assessed.hold_micro if request.state != State.DENIED else 0,
        rules=[rule.rule_id for rule in assessed.decision.fired],
    )
    return request


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
def add_comment(*, request_id: int, actor: User, text: str, now: datetime) -> RequestComment:
    """Add a remark to the conversation of a request that the actor may see.

    Raises:
        NotFound: missing or not visible.
        InvalidInput: empty, too long, or control characters.
    """
    request = ProvisioningRequest.objects.visible_to(people.visibility_of(actor, now=now)).lock(request_id)
    text = clean_reason("text", text, COMMENT_CHARS_MAX)
    comment = RequestComment.objects.create(provisioning_request=request, author=actor, text=text, created_at=now)
    audit.record("request.commented", actor=actor, subject=request, now=now, comment=comment.pk)
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


def _write_draft(request: ProvisioningRequest, content: Mapping[str, Any], *, now: datetime) -> None:
    """Keep a half-filled form as it is, as long as it can be stored; `Ask.parse` judges it at submission."""
    plain = storable(content)
    title, kind, project = plain.get("title"), plain.get("kind"), plain.get("project")
    request.draft = plain
    request.title = title[:120] if isinstance(title, str) else ""
    request.kind = kind if kind in KINDS else "new"
    request.project = Project.objects.filter(slug=project).first() if isinstance(project, str) else None
    request.draft_version += 1
    request.changed_at = now
    request.save()


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


def _project(ask: Ask, actor: User, now: datetime) -> Project:
    """The project, if the actor may ask for it; anything else reads like a project that does not exist."""
    for project in people.askable_projects(actor, now=now):
        if project.slug == ask.project:
            return project
    raise InvalidAsk({"project": [f"`{ask.project}` is not a project that you can ask for"]})


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


def _freeze(
    request: ProvisioningRequest, ask: Ask, assessed: Assessed, *, actor: User, now: datetime
) -> RequestRevision:
    """Write the immutable revision and put what lists and limits read onto the request."""
    content = ask.to_content()
    request.revision_count += 1
    request.title, request.kind, request.project = ask.title, ask.kind, assessed.context.project
    request.lineage = assessed.context.lineage
    request.related_grant = assessed.context.related_grant
    request.exposure_micro = assessed.exposure_micro
    request.draft = content
    request.submitted_at = now
    request.answered_at = None
    # The row must satisfy its constraints when the revision refers to it.
    request.save()
    return RequestRevision.objects.create(
        provisioning_request=request,
        number=request.revision_count,
        content=content,
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
