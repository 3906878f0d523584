"""The outbox: every mail that was promised, in the transaction that promised it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from governance.domain.states.messages import ALERT_LIFE, ALERT_UNSENT, AlertState
from governance.models.base import Moving, choices_check
from governance.models.people.people import Person
from governance.models.requests.provisioning import ProvisioningRequest


class Alert(Moving):
    """One mail to one person about one crossing. `key` makes it go out once; the broker is only a hint.

    Life: pending → sending (leased) → sent; or skipped, when there is nothing left to say; or back to pending with a
    later `next_attempt_at`; or dead after the last attempt, until somebody queues it again. A lease that ends without
    an answer makes the row claimable again, with the same Message-ID. `last_error` says why it is not sent.
    """

    key = models.CharField(max_length=200, unique=True)
    kind = models.CharField(max_length=40)
    recipient = models.ForeignKey(Person, models.PROTECT, related_name="alerts")
    provisioning_request = models.ForeignKey(
        ProvisioningRequest, models.PROTECT, null=True, blank=True, related_name="alerts"
    )
    payload = models.JSONField(default=dict)
    message_id = models.CharField(max_length=200)
    state = models.CharField(max_length=10, default=AlertState.PENDING.value)
    attempts = models.PositiveSmallIntegerField(default=0)
    unconfirmed = models.PositiveSmallIntegerField(
        default=0, help_text="Tries in which the relay took the text and never answered: it may have arrived."
    )
    created_at = models.DateTimeField()
    next_attempt_at = models.DateTimeField()
    lease_token = models.UUIDField(null=True, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=400, blank=True)

    life = ALERT_LIFE

    class Meta:
        ordering: ClassVar = ["-created_at", "-id"]
        constraints: ClassVar = [
            choices_check("alert", "state", AlertState),
            models.CheckConstraint(
                condition=~Q(state=AlertState.SENDING.value) | Q(lease_token__isnull=False, leased_until__isnull=False),
                name="alert_sending_has_lease",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["next_attempt_at"],
                condition=Q(state__in=ALERT_UNSENT),
                name="alert_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.recipient}"
