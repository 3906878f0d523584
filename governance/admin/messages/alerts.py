"""The outbox, to read; a mail that gave up can be queued again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin

from governance.admin.forms import Sure
from governance.admin.records import Edit, RecordAdmin
from governance.admin.wording import in_words
from governance.domain.states.messages import AlertState
from governance.models import Alert, User
from governance.services.messages.alerts import redrive


class AgainForm(Sure):
    def save(self, *, actor: User, now: datetime) -> Alert:
        return redrive(alert_id=self.about(Alert).pk, actor=actor, now=now)


@admin.register(Alert)
class AlertAdmin(RecordAdmin):
    heading = "Mails"
    lead = "Every email that was queued. Each is sent once; one that was given up can be queued again."
    list_display = ("mail", "state", "attempts", "created_at", "sent_at", "last_error")
    list_filter = ("state", "kind")
    list_select_related = ("recipient",)
    search_fields = ("key", "recipient__name", "=provisioning_request__number")
    edits = (
        Edit(
            "again",
            "Queue again",
            AgainForm,
            "alerts",
            lead="It is sent with the same Message-ID, so that a duplicate can be recognised.",
            applies=lambda row: row.state == AlertState.DEAD,
            done="Queued again",
        ),
    )

    @admin.display(description="mail")
    def mail(self, row: Alert) -> str:
        return f"{in_words(row.kind)}, to {row.recipient}"

    def may_read(self, person: Any) -> bool:
        return bool(person.sees_everything)
