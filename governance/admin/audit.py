"""The audit log, to read."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from governance.admin.records import StateAdmin
from governance.domain.actions import ACTIONS
from governance.models import AuditEvent


@admin.register(AuditEvent)
class AuditAdmin(StateAdmin):
    lead = "One event per change, chained by hashes. Nothing here can be changed, by anybody."
    list_display = ("seq", "what", "person", "subject", "at")
    list_display_links = ("seq", "what")
    list_filter = ("action",)
    list_select_related = ("person",)
    search_fields = ("=seq", "=request_id", "action", "person__name")
    ordering = ("-seq",)

    def may_read(self, person: Any) -> bool:
        return bool(person.sees_everything)

    @admin.display(description="what", ordering="action")
    def what(self, row: AuditEvent) -> str:
        return ACTIONS.get(row.action, row.action)

    @admin.display(description="on")
    def subject(self, row: AuditEvent) -> str:
        return f"{row.subject_type} {row.subject_id}"
