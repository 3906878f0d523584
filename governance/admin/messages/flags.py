"""Flags: what sweeps found, and what somebody found out about it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from governance.admin.forms import DeskForm, ReasonField
from governance.admin.records import Edit, RecordAdmin
from governance.models import Flag, User, Visibility
from governance.selectors.people.duties import FLAGS
from governance.services.messages import flags


class CloseForm(DeskForm):
    reason = ReasonField(label="Findings", help_text="Shown to the next reader of this flag.")

    def save(self, *, actor: User, now: datetime) -> Flag:
        return flags.close_flag(flag_id=self.about(Flag).pk, actor=actor, reason=self.cleaned_data["reason"], now=now)


class OpenFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "open"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Open"), ("no", "Closed")]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        if self.value() in ("yes", "no"):
            return queryset.filter(closed_at__isnull=self.value() == "yes")
        return queryset


@admin.register(Flag)
class FlagAdmin(RecordAdmin):
    lead = "Items that a rule or a scheduled check raised. A flag blocks nothing; closing it records your findings."
    list_display = ("sentence", "kind", "raised_at", "closed_at", "closed_by")
    list_filter = (OpenFilter, "kind")
    list_select_related = ("closed_by",)
    search_fields = ("sentence",)
    edits = (
        Edit(
            "close", "Close with a reason", CloseForm, FLAGS, applies=lambda row: row.closed_at is None, done="Closed"
        ),
    )

    def visible(self, rows: Any, visibility: Visibility) -> Any:
        return rows.visible_to(visibility).distinct()
