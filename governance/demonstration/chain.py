"""Appends many events to the audit log at once: the same hashes as one by one, in one pass."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Self

from django.db import models

from governance.demonstration.bulk import copy_rows
from governance.demonstration.ids import Ids
from governance.domain.record.actions import ACTIONS
from governance.models import AuditEvent, AuditHead, User
from governance.services.record import audit, channel


class Chain:
    """Events to come after the log's present end. The head stays locked from `open` to COMMIT."""

    def __init__(self, head: AuditHead) -> None:
        self._head = head
        self._ids = Ids(AuditEvent)
        self._events: list[AuditEvent] = []

    @classmethod
    def open(cls) -> Self:
        """Begin at the end of the log, in the caller's transaction."""
        return cls(AuditHead.objects.select_for_update().get(stream=audit.STREAM))

    def record(
        self,
        action: str,
        *,
        actor: User,
        model: type[models.Model],
        row: int,
        at: datetime,
        request: int | None = None,
        **data: Any,
    ) -> None:
        """Add one event; nothing is written before `write`.

        Args:
            model: of the row that changed.
            row: its id.
            request: id of the provisioning request whose timeline shows the event.
        """
        ACTIONS[action]
        head, via = self._head, channel.current()
        event = AuditEvent(
            id=self._ids.next(AuditEvent),
            stream=head.stream,
            seq=head.seq + 1,
            action=action,
            actor=actor,
            person_id=actor.person_id,
            subject_type=model._meta.model_name or "",
            subject_id=row,
            request_id=request,
            data=data,
            at=at.astimezone(UTC),
            channel=via.channel.value,
            origin=via.origin,
            previous_hash=head.hash,
        )
        event.hash = audit.chain_hash(event)
        head.seq, head.hash = event.seq, event.hash
        self._events.append(event)

    def write(self) -> None:
        """Write what was added, and the log's new end."""
        copy_rows(self._events)
        self._events = []
        self._head.save(update_fields=["seq", "hash"])
