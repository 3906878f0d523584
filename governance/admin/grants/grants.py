"""Grants, and what was committed at each provider, to read."""

from __future__ import annotations

from typing import Any

from django.contrib import admin

from governance.admin.records import StateAdmin
from governance.admin.wording import usd
from governance.models import Grant, ProviderCommitment, Visibility


@admin.register(Grant)
class GrantAdmin(StateAdmin):
    lead = "Permissions to use compute. They are issued on final approval, and end on their end date or when returned."
    list_display = ("reference", "title", "state", "project", "owner", "cap", "starts_at", "ends_at")
    list_display_links = ("reference", "title")
    list_filter = ("state", "price_term")
    list_select_related = ("project", "owner")
    search_fields = ("title", "=number", "provider", "accelerator")

    def visible(self, rows: Any, visibility: Visibility) -> Any:
        return rows.visible_to(visibility)

    @admin.display(description="grant", ordering="number")
    def reference(self, row: Grant) -> str:
        return row.reference

    @admin.display(description="cap", ordering="cost_cap_micro")
    def cap(self, row: Grant) -> str:
        return usd(row.cost_cap_micro)


@admin.register(ProviderCommitment)
class CommitmentAdmin(StateAdmin):
    lead = "Amounts granted at each provider by month. Provider concentration is computed from it."
    list_display = ("provider", "month", "committed")
    list_filter = ("provider",)
    ordering = ("-month", "provider")

    def may_read(self, person: Any) -> bool:
        return bool(person.sees_everything)

    @admin.display(description="committed", ordering="committed_micro")
    def committed(self, row: ProviderCommitment) -> str:
        return usd(row.committed_micro)
