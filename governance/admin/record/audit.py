"""The audit log, to read."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from governance.admin.columns import subjects_of
from governance.admin.records import StateAdmin
from governance.domain.record.actions import ACTIONS
from governance.models import AuditEvent


@admin.register(AuditEvent)
class AuditAdmin(StateAdmin):
    heading = "Audit log"
    lead = "One event per change, chained by hashes. Nobody can change it."
    list_display = ("seq", "what", "person", "subject", "via", "at")
    list_display_links = ("seq", "what")
    list_filter = ("action", "channel")
    list_select_related = ("person",)
    search_fields = ("=seq", "=request_id", "action", "origin", "person__name")
    ordering = ("-seq",)

    def may_read(self, person: Any) -> bool:
        return bool(person.sees_everything)

    @admin.display(description="what", ordering="action")
    def what(self, row: AuditEvent) -> str:
        return ACTIONS.get(row.action, row.action)

    @admin.display(description="on")
    def subject(self, row: AuditEvent) -> str:
        found = getattr(row, "subject_told", None)
        return found or subjects_of([row])[row.subject_type, row.subject_id]

    @admin.display(description="by", ordering="channel")
    def via(self, row: AuditEvent) -> str:
        """The interface that it came by; of commands and tasks who ran which."""
        words = row.get_channel_display() or "not recorded"
        return f"{words}, {row.origin}" if row.origin else words

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The page's events with what they are about, read for all of them at once."""
        changes = super().get_changelist_instance(request)
        rows = list(changes.result_list)
        told = subjects_of(rows)
        for row in rows:
            row.subject_told = told[row.subject_type, row.subject_id]
        changes.result_list = rows
        return changes
