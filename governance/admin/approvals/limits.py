"""Approval limits: dated, set by a service."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.utils import timezone

from governance.admin.forms import DeskForm, InstantField, MoneyField, Sure
from governance.admin.records import Edit, RecordAdmin
from governance.admin.wording import usd
from governance.models import ApprovalLimit, Role, Team, User
from governance.services.approvals import limits


class SetForm(DeskForm):
    role = forms.ModelChoiceField(Role.objects.filter(may_approve=True), label="Role")
    team = forms.ModelChoiceField(Team.objects.all(), label="Team", help_text="It also applies to all teams below.")
    amount_micro_max = MoneyField(
        label="Maximum amount", help_text="USD. The largest assessed amount that the role may approve."
    )
    valid_from = InstantField(
        label="Start", required=False, help_text="Leave empty for now. Earlier decisions are not affected."
    )

    def save(self, *, actor: User, now: datetime) -> ApprovalLimit:
        return limits.set_limit(actor=actor, now=now, **self.cleaned_data)


class EndForm(Sure):
    def save(self, *, actor: User, now: datetime) -> ApprovalLimit:
        return limits.end_limit(actor=actor, limit_id=self.about(ApprovalLimit).pk, now=now)


@admin.register(ApprovalLimit)
class LimitAdmin(RecordAdmin):
    lead = (
        "The largest assessed amount that a role may approve in a team and below it. "
        "The limit of the nearest team applies; without one, any amount."
    )
    list_display = ("role", "team", "amount", "valid_from", "valid_to")
    list_display_links = ("role", "team")
    list_filter = ("role",)
    list_select_related = ("role", "team")
    edits = (
        Edit("set", "Set a limit", SetForm, "limits", on_row=False, done="Limit set"),
        Edit(
            "end",
            "End now",
            EndForm,
            "limits",
            lead="The limit of the next team above applies then, or none. A limit that has not started is removed.",
            applies=lambda row: row.valid_to is None or row.valid_to > timezone.now(),
            done="Limit ended",
        ),
    )

    @admin.display(description="up to", ordering="amount_micro_max")
    def amount(self, row: ApprovalLimit) -> str:
        return usd(row.amount_micro_max)

    def may_read(self, person: Any) -> bool:
        return True
