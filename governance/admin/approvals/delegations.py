"""Delegations: given by the person themselves, or by whoever keeps people when they are away."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.utils import timezone

from governance.admin.forms import DeskForm, InstantField, MoneyField, Sure
from governance.admin.records import Edit, RecordAdmin
from governance.admin.wording import usd
from governance.models import Delegation, Person, Role, User, Visibility
from governance.services.approvals import delegations


class GiveForm(DeskForm):
    delegator = forms.ModelChoiceField(Person.objects.filter(is_active=True), label="Delegator", required=False)
    delegate = forms.ModelChoiceField(Person.objects.filter(is_active=True), label="Delegate to")
    role = forms.ModelChoiceField(Role.objects.filter(may_approve=True), label="Role")
    amount_micro_max = MoneyField(label="Maximum amount", help_text="USD; never more than your own limit.")
    valid_from = InstantField(label="Start", required=False, help_text="Leave empty for now.")
    valid_to = InstantField(label="End", help_text="At most 90 days.")
    reason = forms.CharField(max_length=200, label="Why", help_text="For example: on leave.")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "people" not in self.person.duties:
            # Everybody else delegates their own right and no other.
            del self.fields["delegator"]

    def save(self, *, actor: User, now: datetime) -> Delegation:
        values = dict(self.cleaned_data)
        values["delegator"] = values.get("delegator") or actor.person
        values["valid_from"] = values["valid_from"] or now
        given = delegations.give_delegation(actor=actor, now=now, **values)
        if given.reason != values["reason"] or given.valid_from != values["valid_from"]:
            self.done = "The delegation already existed; its period was changed"
        return given


class RevokeForm(Sure):
    def save(self, *, actor: User, now: datetime) -> Delegation:
        return delegations.revoke_delegation(actor=actor, delegation_id=self.about(Delegation).pk, now=now)


def _is_party(person: Any, row: Any) -> bool:
    return row is None or row.delegator_id == person.user.person_id


@admin.register(Delegation)
class DelegationAdmin(RecordAdmin):
    lead = "Who decides for whom, until when and up to which amount. Both people are recorded with each decision."
    list_display = ("__str__", "amount", "valid_from", "valid_to", "revoked_at")
    list_filter = ("role",)
    list_select_related = ("delegator", "delegate", "role")
    search_fields = ("delegator__name", "delegate__name")
    edits = (
        Edit(
            "give",
            "Delegate",
            GiveForm,
            "people",
            on_row=False,
            may=lambda person, row: not person.is_auditor,
            done="Delegation added",
        ),
        Edit(
            "revoke",
            "Revoke now",
            RevokeForm,
            "people",
            lead="Approvals given under it no longer count for requests that are not granted yet.",
            may=_is_party,
            applies=lambda row: row.revoked_at is None and row.valid_to > timezone.now(),
            done="Delegation revoked",
        ),
    )

    def visible(self, rows: Any, visibility: Visibility) -> Any:
        return rows.filter(
            Q(delegator_id=visibility.person_id)
            | Q(delegate_id=visibility.person_id)
            | Q(delegator__team_id__in=visibility.team_ids)
        )

    @admin.display(description="up to", ordering="amount_micro_max")
    def amount(self, row: Delegation) -> str:
        return usd(row.amount_micro_max)
