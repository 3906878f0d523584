"""The audit log: one append-only event per change, chained by hashes."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from governance.models.base import choices_check
from governance.models.people.people import Person, User

CHANNELS = {"web": "Web", "desk": "Desk", "api": "API", "command": "Command", "task": "Task"}


class AuditHead(models.Model):
    """The end of the one stream: last sequence number and hash. Locked last in every transaction that changes state."""

    stream = models.CharField(max_length=40, primary_key=True)
    seq = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"{self.stream} at {self.seq}"


class AuditEvent(models.Model):
    """One change: who, what, on what, when. Refers to people by id only. Append-only.

    Invariant: `seq` is dense; `hash` covers the previous hash and the canonical event.
    """

    stream = models.CharField(max_length=40)
    seq = models.BigIntegerField()
    action = models.CharField(max_length=60)
    actor = models.ForeignKey(User, models.PROTECT, related_name="audit_events")
    person = models.ForeignKey(Person, models.PROTECT, related_name="audit_events")
    subject_type = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    # The request that the event belongs to, whatever its subject: its timeline is one index scan.
    request_id = models.BigIntegerField(null=True)
    data = models.JSONField(default=dict)
    at = models.DateTimeField()
    channel = models.CharField(
        max_length=10,
        choices=list(CHANNELS.items()),
        blank=True,
        default="",
        help_text="By which interface; empty on events from before it was kept.",
    )
    origin = models.CharField(
        max_length=120, blank=True, default="", help_text="Of a command who ran it on the machine, of a task its name."
    )
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        ordering: ClassVar = ["stream", "seq"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["stream", "seq"], name="audit_seq_dense"),
            choices_check("audit", "channel", (*CHANNELS, "")),
        ]
        indexes: ClassVar = [
            models.Index(fields=["request_id", "seq"], name="audit_by_request"),
            models.Index(fields=["subject_type", "subject_id"], name="audit_by_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.action}"
