"""Writes the audit log: one event per change, in the transaction of the change, as its last write."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import models, transaction

from governance.domain.errors import LockOutsideTransaction
from governance.domain.record.actions import ACTIONS
from governance.domain.record.canonical import canonical_bytes, doubles
from governance.models import AuditEvent, AuditHead, Grant, ProvisioningRequest, User
from governance.services.record import channel

STREAM = "main"
HASH_VERSION = 1
GENESIS_HASH = "0" * 64


@dataclass(frozen=True, slots=True)
class Entry:
    """One event before it is in the chain.

    Args:
        action: a name registered in `domain/actions.py`.
        subject: the row that changed.
        request: the provisioning request whose timeline shows the event, if not `subject` itself.
        data: plain JSON values; ids, never names or addresses.
    """

    action: str
    subject: models.Model
    request: ProvisioningRequest | None = None
    data: dict[str, Any] = field(default_factory=dict)


def record(
    action: str,
    *,
    actor: User,
    subject: models.Model,
    now: datetime,
    request: ProvisioningRequest | None = None,
    **data: Any,
) -> AuditEvent:
    """Append one event to the chain. It names the interface that it came by, as `channel` knows it.

    The head row stays locked until COMMIT, so call this last: everyone else who changes state waits here.

    Args:
        action: a name registered in `domain/actions.py`.
        actor: the account that acted; its person is stored beside it.
        subject: the row that changed.
        request: the provisioning request whose timeline shows the event, if not `subject` itself.
        data: plain JSON values; ids, never names or addresses.

    Raises:
        KeyError: an action that is not registered.
        LockOutsideTransaction: there is no transaction to belong to.
    """
    return record_all([Entry(action, subject, request, data)], actor=actor, now=now)[0]


def record_all(entries: Sequence[Entry], *, actor: User, now: datetime) -> list[AuditEvent]:
    """Append events to the chain in this order, in one go: the head is locked once, for three statements and COMMIT.

    Raises:
        KeyError: an action that is not registered.
        LockOutsideTransaction: there is no transaction to belong to.
    """
    if not entries:
        return []
    for entry in entries:
        ACTIONS[entry.action]
    if not transaction.get_connection().in_atomic_block:
        raise LockOutsideTransaction("record an audit event inside the transaction of the change")
    head = AuditHead.objects.select_for_update(no_key=True).get(stream=STREAM)
    via = channel.current()
    events = []
    for entry in entries:
        event = AuditEvent(
            stream=STREAM,
            seq=head.seq + 1,
            action=entry.action,
            actor=actor,
            person_id=actor.person_id,
            subject_type=entry.subject._meta.model_name or "",
            subject_id=entry.subject.pk,
            request_id=_request_id(entry.subject, entry.request),
            data=entry.data,
            at=now.astimezone(UTC),
            channel=via.channel.value,
            origin=via.origin,
            previous_hash=head.hash,
        )
        event.hash = chain_hash(event)
        head.seq, head.hash = event.seq, event.hash
        events.append(event)
    AuditEvent.objects.bulk_create(events)
    head.save(update_fields=["seq", "hash"])
    return events


def chain_hash(event: AuditEvent) -> str:
    """SHA-256 over version, stream, sequence number, previous hash and the canonical event.

    Events written before they named their channel are hashed without it, as they were then: a channel that is put into
    such an event, or taken out of a later one, changes the hash like anything else.
    """
    plain = {
        "action": event.action,
        "actor": event.actor_id,
        "person": event.person_id,
        "subject_type": event.subject_type,
        "subject_id": event.subject_id,
        "request_id": event.request_id,
        "data": event.data,
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
    }
    if event.channel or event.origin:
        plain |= {"channel": event.channel, "origin": event.origin}
    body = canonical_bytes(plain)
    head = f"{HASH_VERSION}\n{event.stream}\n{event.seq}\n{event.previous_hash}\n".encode()
    return hashlib.sha256(head + body).hexdigest()


def verify(stream: str = STREAM) -> list[str]:
    """Every break of the chain as a sentence; an empty list means that it holds."""
    problems: list[str] = []
    previous, expected = GENESIS_HASH, 1
    for event in AuditEvent.objects.filter(stream=stream).order_by("seq").iterator(chunk_size=2_000):
        if event.seq != expected:
            problems.append(f"event {expected} is missing: the next one is {event.seq}")
        if event.previous_hash != previous:
            problems.append(f"event {event.seq} does not follow the one before it")
        if not _is_as_written(event):
            problems.append(f"event {event.seq} was changed after it was written")
        previous, expected = event.hash, event.seq + 1
    head = AuditHead.objects.get(stream=stream)
    if (head.seq, head.hash) != (expected - 1, previous):
        problems.append(f"the log ends at {expected - 1}, its head says {head.seq}")
    return problems


def _is_as_written(event: AuditEvent) -> bool:
    """Whether a stored event still has the hash under which it was written."""
    try:
        event.data = doubles(event.data)
        return chain_hash(event) == event.hash
    except (ValueError, OverflowError, RecursionError):
        return False


def _request_id(subject: models.Model, request: ProvisioningRequest | None) -> int | None:
    if request is not None:
        return request.pk
    if isinstance(subject, ProvisioningRequest):
        return subject.pk
    if isinstance(subject, Grant):
        return subject.provisioning_request_id
    return None
