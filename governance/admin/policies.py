"""Policy versions: imported as drafts, put in force by a policy officer, never edited."""

from __future__ import annotations

from datetime import datetime

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.urls import reverse

from governance.admin import backtests
from governance.admin.forms import LONG_TEXT_CHARS_MAX, DeskForm, Sure
from governance.admin.records import Edit, RecordAdmin, StateAdmin
from governance.models import PolicyException, PolicySet, PolicyVersion, User
from governance.services import policies


class ImportForm(DeskForm):
    source = forms.CharField(
        max_length=LONG_TEXT_CHARS_MAX,
        strip=False,
        label="The bundle, as YAML",
        help_text="It is checked before it is stored: types, names, gaps and its own cases.",
        widget=forms.Textarea(attrs={"rows": 24, "spellcheck": "false"}),
    )

    def save(self, *, actor: User, now: datetime) -> PolicyVersion:
        return policies.import_version(source=self.cleaned_data["source"], actor=actor, now=now)


class ActivateForm(Sure):
    def save(self, *, actor: User, now: datetime) -> PolicyVersion:
        return policies.activate_version(version_id=self.about(PolicyVersion).pk, actor=actor, now=now)


@admin.register(PolicyVersion)
class VersionAdmin(RecordAdmin):
    lead = "The texts of the rules. One version of each set is in force; an older one can be put in force again."
    list_display = ("__str__", "state", "created_by", "created_at", "activated_by", "activated_at")
    list_filter = ("state", "policy_set")
    list_select_related = ("policy_set", "created_by", "activated_by")
    search_fields = ("policy_set__name", "digest")
    edits = (
        Edit("import", "Import a version", ImportForm, "policies", on_row=False, done="Imported as a draft"),
        Edit(
            "activate",
            "Put in force",
            ActivateForm,
            "policies",
            lead="From the next decision on. Whoever is reading a request is asked again.",
            applies=lambda row: row.state != "active",
            done="In force",
        ),
    )
    sections = (
        ("", ("policy_set", "number", "state", "digest", "created_by", "created_at", "activated_by", "activated_at")),
        ("Text", ("text",)),
    )

    def links(self, request: HttpRequest, row: models.Model) -> list[tuple[str, str]]:
        return [("Backtests", reverse("admin:backtests", args=[row.pk]))] if backtests.may_read(request) else []

    @admin.display(description="bundle")
    def text(self, row: PolicyVersion) -> str:
        from django.utils.html import format_html

        return format_html('<pre class="json">{}</pre>', row.source)


@admin.register(PolicySet)
class SetAdmin(StateAdmin):
    lead = "Bundles of rules that belong together. A set appears with the first version that is imported for it."
    list_display = ("name", "slug")
    search_fields = ("name", "slug")


@admin.register(PolicyException)
class ExceptionAdmin(StateAdmin):
    lead = "Each removes one rule's effect for a team or project until it ends, and is listed where it applied."
    list_display = ("__str__", "rule_id", "team", "project", "approved_by", "valid_from", "valid_to")
    list_filter = ("rule_id",)
    list_select_related = ("team", "project", "approved_by")
