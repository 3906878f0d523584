"""Acceptable-use statements, their versions, published by two officers, and who accepted which."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q

from governance.admin.forms import DeskForm, InstantField, ReasonField
from governance.admin.records import Edit, RecordAdmin, StateAdmin
from governance.domain.states.rules import PublicationState
from governance.models import (
    AcceptableUsePublication,
    AcceptableUseStatement,
    AcceptableUseVersion,
    Acceptance,
    User,
    Visibility,
)
from governance.services.rules import acceptable_use

DUTY = "acceptable_use"


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
    effective_from = InstantField(
        required=False, label="In effect from", help_text="Leave empty to publish it on approval."
    )
    consent_due = InstantField(
        label="To be accepted by",
        help_text="Until then an acceptance of the version before it still counts. "
        "Everybody is notified by email when it is published, some days before and on this day.",
    )
    reason = ReasonField(required=False, label="What changes and why, for the second officer and the log")

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

    def save(self, *, actor: User, now: datetime) -> AcceptableUsePublication:
        return acceptable_use.publish_version(
            slug=self.about(AcceptableUseStatement).slug, actor=actor, now=now, **self.cleaned_data
        )


@admin.register(AcceptableUseStatement)
class StatementAdmin(RecordAdmin):
    lead = "What people must accept before they can submit requests."
    list_display = ("name", "slug")
    edits = (
        Edit(
            "publish",
            "Publish a version",
            PublishForm,
            DUTY,
            lead="It takes effect only after a second officer approves.",
            done="Requested: a second officer approves or rejects",
        ),
    )


class AnswerForm(DeskForm):
    starts_empty = True
    answer = forms.ChoiceField(
        choices=[("agree", "Approve: it is published, and everybody is notified"), ("refuse", "Reject")],
        widget=forms.RadioSelect,
        label="Decision",
    )
    reason = ReasonField(required=False, help_text="A reason is required to reject.")

    def save(self, *, actor: User, now: datetime) -> AcceptableUsePublication:
        row = self.about(AcceptableUsePublication)
        return acceptable_use.answer_publication(publication_id=row.pk, actor=actor, now=now, **self.cleaned_data)


class WithdrawForm(DeskForm):
    starts_empty = True
    reason = ReasonField()

    def save(self, *, actor: User, now: datetime) -> AcceptableUsePublication:
        row = self.about(AcceptableUsePublication)
        return acceptable_use.withdraw_publication(publication_id=row.pk, actor=actor, now=now, **self.cleaned_data)


@admin.register(AcceptableUsePublication)
class PublicationAdmin(RecordAdmin):
    heading = "Publications of acceptable use"
    lead = "Versions that one officer requested to publish and another approves or rejects. Nothing changes until then."
    list_display = ("statement", "state", "asked_by", "asked_at", "answered_by", "effective_from", "consent_due")
    list_filter = ("state", "statement")
    list_select_related = ("statement", "asked_by", "answered_by")
    edits = (
        Edit(
            "answer",
            "Answer",
            AnswerForm,
            DUTY,
            lead="Read the whole text first. The officer who requested it cannot approve it.",
            applies=lambda row: row.state == PublicationState.ASKED,
            done="Answered",
        ),
        Edit(
            "withdraw",
            "Withdraw",
            WithdrawForm,
            DUTY,
            lead="The version in effect stays in effect.",
            applies=lambda row: row.state == PublicationState.ASKED,
            done="Withdrawn",
        ),
    )


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
