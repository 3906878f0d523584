"""Acceptable-use statements, their versions, and who accepted which."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q

from governance.admin.forms import DeskForm, InstantField
from governance.admin.records import Edit, RecordAdmin, StateAdmin
from governance.models import AcceptableUseStatement, AcceptableUseVersion, Acceptance, User, Visibility
from governance.services import acceptable_use


class PublishForm(DeskForm):
    text = forms.CharField(
        max_length=acceptable_use.TEXT_CHARS_MAX, label="The text", widget=forms.Textarea(attrs={"rows": 16})
    )
    clauses = forms.CharField(
        required=False,
        max_length=100_000,
        label="Clauses",
        help_text='As JSON: [{"number": "4.2", "title": "…", "rule_ids": ["AU-1"]}]',
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
    )
    effective_from = InstantField(label="In effect from")
    consent_due = InstantField(label="To be accepted by", help_text="Until then the version before it still counts.")

    def initial_of(self, row: Any) -> dict[str, Any]:
        newest = row.versions.order_by("-number").first()
        if newest is None:
            return {}
        return {"text": newest.text, "clauses": json.dumps(newest.clauses, indent=2, ensure_ascii=False)}

    def clean_clauses(self) -> list[dict[str, Any]]:
        try:
            clauses = json.loads(self.cleaned_data["clauses"] or "[]")
        except ValueError as error:
            raise forms.ValidationError(f"This is not JSON: {error}.") from None
        if not isinstance(clauses, list) or not all(isinstance(clause, dict) for clause in clauses):
            raise forms.ValidationError("Give a list of objects.")
        return clauses

    def save(self, *, actor: User, now: datetime) -> AcceptableUseVersion:
        return acceptable_use.publish_version(
            slug=self.about(AcceptableUseStatement).slug, actor=actor, now=now, **self.cleaned_data
        )


@admin.register(AcceptableUseStatement)
class StatementAdmin(RecordAdmin):
    lead = "What people accept before they may ask."
    list_display = ("name", "slug")
    edits = (Edit("publish", "Publish a version", PublishForm, "acceptable_use", done="Version published"),)


@admin.register(AcceptableUseVersion)
class VersionAdmin(StateAdmin):
    lead = "The texts of the statements. To publish another one, open its statement."
    list_display = ("__str__", "effective_from", "consent_due")
    list_filter = ("statement",)
    list_select_related = ("statement",)


@admin.register(Acceptance)
class AcceptanceAdmin(StateAdmin):
    lead = "Who accepted which version, and when."
    list_display = ("version", "person", "accepted_at")
    list_filter = ("version",)
    list_select_related = ("version__statement", "person", "user")
    search_fields = ("person__name",)

    def visible(self, rows: Any, visibility: Visibility) -> Any:
        return rows.filter(Q(person_id=visibility.person_id) | Q(person__team_id__in=visibility.team_ids))
