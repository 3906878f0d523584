"""Keeps drafts: starts, clones, saves and discards them. What a draft says is judged at its submission."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from governance.display.numbers import count
from governance.domain.errors import IllegalTransition, InvalidInput, NotRequester, StaleDraft
from governance.domain.requests.kinds import kind_of
from governance.domain.requests.spelling import in_present_names
from governance.domain.states.money import HoldEvent
from governance.domain.states.requests import EDITABLE, Event, State
from governance.models import ProvisioningRequest, User
from governance.selectors.people import people
from governance.selectors.requests import references
from governance.services.approvals import stages
from governance.services.commit import BeforeCommit, nothing
from governance.services.money import budgets
from governance.services.record import audit, counters
from governance.services.requests import moves

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
    content = source.content
    if str(content.get("start_on") or "") < now.date().isoformat():
        content.pop("start_on", None)
        content.pop("end_on", None)
    request = _start_draft(actor=actor, content=content, now=now)
    audit.record("request.cloned", actor=actor, subject=request, now=now, source=source.pk)
    return request


def _start_draft(*, actor: User, content: Mapping[str, Any], now: datetime) -> ProvisioningRequest:
    """Write a new draft in the caller's transaction; the caller audits it last."""
    request = new_draft(actor=actor, content=content, now=now)
    request.number = counters.next_number("request")
    request.save()
    return request


def new_draft(*, actor: User, content: Mapping[str, Any], now: datetime) -> ProvisioningRequest:
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
    require_requester(request, actor)
    refuse_stale(request, expected_version)
    if request.state == State.IN_REVIEW:
        _take_back(request, actor=actor, now=now)
        _fill_draft(request, content, now=now)
        request.save()
        audit.record("request.revised", actor=actor, subject=request, now=now)
        return request
    if State(request.state) not in EDITABLE:
        raise IllegalTransition(f"a request that is `{State(request.state).label.lower()}` cannot be changed: clone it")
    _fill_draft(request, content, now=now)
    request.save()
    return request


@transaction.atomic(durable=True)
def discard_draft(*, request_id: int, actor: User, now: datetime) -> ProvisioningRequest:
    """End a draft that was never submitted. Discarding twice changes nothing."""
    request = ProvisioningRequest.objects.lock(request_id)
    require_requester(request, actor)
    if request.state == State.DISCARDED:
        return request
    moves.apply(request, Event.DISCARD, now=now)
    request.save(update_fields=["state", "changed_at"])
    audit.record("request.discarded", actor=actor, subject=request, now=now)
    return request


def refuse_stale(request: ProvisioningRequest, expected_version: int | None) -> None:
    if expected_version is not None and expected_version != request.draft_version:
        raise StaleDraft(
            "this draft was saved elsewhere in the meantime: open it again, your text is still in this page",
            saved_version=request.draft_version,
        )


def require_requester(request: ProvisioningRequest, actor: User) -> None:
    if request.requester.person_id != actor.person_id:
        raise NotRequester("only the person who asked may do this", request=request.reference)


def _take_back(request: ProvisioningRequest, *, actor: User, now: datetime) -> None:
    budgets.resolve_hold(request, HoldEvent.RELEASE, actor=actor, now=now)
    stages.cancel_stages(request, now=now)
    moves.apply(request, Event.REVISE, now=now)


def _fill_draft(request: ProvisioningRequest, content: Mapping[str, Any], *, now: datetime) -> None:
    """Keep a half-filled form as it is, as long as it can be stored; the parser judges it at submission.

    The row joins a project only when its requester may make requests for it: naming another one shows nothing. A
    request that was submitted once stays in its project until it is submitted for another one.
    """
    plain = in_present_names(storable(content))
    title, kind, project = plain.get("title"), plain.get("kind"), plain.get("project")
    request.draft = plain
    request.title = title[:120] if isinstance(title, str) else ""
    request.kind = kind_of(kind).slug
    named = references.requestable_project(project, request.requester, now=now)
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
        raise InvalidInput({"content": [f"has {count(len(encoded))} bytes: at most {count(DRAFT_BYTES_MAX)} fit"]})
    if "\\u0000" in text:
        raise InvalidInput({"content": ["contains a NUL character: type the text again"]})
    return dict(json.loads(text))
