"""Budgets, holds and the ledger. A limit changes by a journal, never by typing over a balance."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from governance.admin.forms import DayField, DeskForm, MoneyField, ReasonField, at_midnight
from governance.admin.records import Edit, RecordAdmin, StateAdmin
from governance.admin.requests.provisioning import OfRequest
from governance.admin.wording import usd
from governance.models import Budget, BudgetHold, LedgerEntry, LedgerJournal, Person, Project, Team, User, Visibility
from governance.selectors.money.crossings import causes_of
from governance.services.money import budgets

OVERALLOCATED = forms.BooleanField(
    required=False,
    label="Budgets below may together exceed its limit",
    help_text="Spending stays within the limit either way: a request holds its money on every level.",
)


class CreateForm(DeskForm):
    name = forms.CharField(max_length=120, label="Name")
    slug = forms.SlugField(max_length=80, label="Short name")
    team = forms.ModelChoiceField(Team.objects.all(), required=False, label="Team")
    project = forms.ModelChoiceField(Project.objects.all(), required=False, label="Project")
    parent = forms.ModelChoiceField(Budget.objects.all(), required=False, label="Parent budget")
    owner = forms.ModelChoiceField(Person.objects.filter(is_active=True), required=False, label="Owner")
    period_start = DayField(label="First day")
    period_end = DayField(label="End date (not included)", help_text="The first day after the period, in UTC.")
    limit_micro = MoneyField(label="Limit")
    may_be_overallocated = OVERALLOCATED

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not self.errors and (values["team"] is None) == (values["project"] is None):
            self.add_error("team", "Choose a team or a project, one of them.")
        if not self.errors and values["period_end"] <= values["period_start"]:
            self.add_error("period_end", "It must be after the first day.")
        return values

    def save(self, *, actor: User, now: datetime) -> Budget:
        values = dict(self.cleaned_data)
        for name in ("period_start", "period_end"):
            values[name] = at_midnight(values[name])
        return budgets.create_budget(actor=actor, now=now, **values)


class LimitForm(DeskForm):
    limit_micro = MoneyField(label="New limit")
    reason = ReasonField()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        budget = self.about(Budget)
        used = usd(budget.limit_micro - budget.headroom_micro)
        largest = format_html_join(
            ", ",
            '<a href="{}">{}</a> {}',
            [
                (
                    reverse("web:request_detail", args=[hold.provisioning_request.number]),
                    hold.provisioning_request.reference,
                    usd(hold.amount_micro),
                )
                for hold in causes_of(budget)
            ],
        )
        self.fields["limit_micro"].help_text = format_html(
            "At least {}, which is held, committed and spent.{}{}", used, " The largest: " if largest else "", largest
        )

    def save(self, *, actor: User, now: datetime) -> Budget:
        return budgets.change_limit(budget_id=self.about(Budget).pk, actor=actor, now=now, **self.cleaned_data)


class AllocationForm(DeskForm):
    may_be_overallocated = OVERALLOCATED
    reason = ReasonField()

    def save(self, *, actor: User, now: datetime) -> Budget:
        return budgets.allow_overallocation(budget_id=self.about(Budget).pk, actor=actor, now=now, **self.cleaned_data)


@admin.register(Budget)
class BudgetAdmin(RecordAdmin):
    lead = "Money for a team or project. Held, committed and spent follow from the ledger and never exceed the limit."
    list_display = ("name", "parent", "limit", "held", "committed", "spent", "headroom", "period_end")
    list_select_related = ("parent",)
    search_fields = ("name", "slug")
    edits = (
        Edit("create", "Add a budget", CreateForm, "budgets", on_row=False, done="Budget added"),
        Edit("limit", "Change the limit", LimitForm, "budgets", done="Limit changed"),
        Edit("allocation", "Change over-allocation", AllocationForm, "budgets", done="Changed"),
    )
    sections = (
        ("", ("name", "slug", "team", "project", "parent", "owner", "currency", "period_start", "period_end")),
        ("Money", ("limit_micro", "held_micro", "committed_micro", "spent_micro", "headroom", "may_be_overallocated")),
    )

    def visible(self, rows: Any, visibility: Visibility) -> Any:
        return rows.visible_to(visibility)

    def links(self, request: HttpRequest, row: models.Model) -> list[tuple[str, str]]:
        return [("Ledger", f"{reverse('admin:governance_ledgerentry_changelist')}?budget__id__exact={row.pk}")]

    @admin.display(description="limit", ordering="limit_micro")
    def limit(self, row: Budget) -> str:
        return usd(row.limit_micro)

    @admin.display(description="held", ordering="held_micro")
    def held(self, row: Budget) -> str:
        return usd(row.held_micro)

    @admin.display(description="committed", ordering="committed_micro")
    def committed(self, row: Budget) -> str:
        return usd(row.committed_micro)

    @admin.display(description="spent", ordering="spent_micro")
    def spent(self, row: Budget) -> str:
        return usd(row.spent_micro)

    @admin.display(description="headroom")
    def headroom(self, row: Budget) -> str:
        return usd(row.headroom_micro)


@admin.register(BudgetHold)
class HoldAdmin(OfRequest):
    lead = "Money set aside for one request on its budget and all above, until it is answered or the hold ends."
    list_display = ("__str__", "budget", "amount", "state", "placed_at", "expires_at", "resolved_at")
    list_filter = ("state",)
    list_select_related = ("provisioning_request", "budget")
    search_fields = ("=provisioning_request__number",)

    @admin.display(description="amount", ordering="amount_micro")
    def amount(self, row: BudgetHold) -> str:
        return usd(row.amount_micro)


@admin.register(LedgerJournal)
class JournalAdmin(StateAdmin):
    lead = "Movements of money. The entries of each sum to zero on each budget."
    list_display = ("key", "kind", "provisioning_request", "actor", "posted_at")
    list_filter = ("kind",)
    list_select_related = ("provisioning_request", "actor")
    search_fields = ("key", "=provisioning_request__number")

    def may_read(self, person: Any) -> bool:
        return bool(person.sees_everything)


@admin.register(LedgerEntry)
class EntryAdmin(StateAdmin):
    lead = "One side of a movement, with the balance before and after it."
    list_display = ("journal", "budget", "account", "amount", "before", "after")
    list_filter = ("account",)
    list_select_related = ("journal", "budget")
    linked = ("budget__id__exact",)
    search_fields = ("journal__key", "budget__name")
    ordering = ("-id",)

    def visible(self, rows: Any, visibility: Visibility) -> Any:
        return rows.filter(budget__in=Budget.objects.visible_to(visibility))

    @admin.display(description="amount", ordering="amount_micro")
    def amount(self, row: LedgerEntry) -> str:
        return usd(row.amount_micro)

    @admin.display(description="before")
    def before(self, row: LedgerEntry) -> str:
        return usd(row.before_micro)

    @admin.display(description="after")
    def after(self, row: LedgerEntry) -> str:
        return usd(row.after_micro)
