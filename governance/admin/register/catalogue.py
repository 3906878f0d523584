"""The catalogue: rows in force, their older selves, and edits that publish a newer release."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.urls import reverse

from estimator.core.pricing.place import PriceTerm
from estimator.models import CatalogueRelease, CatalogueRow
from estimator.schema import TABLES, TABLES_BY_NAME, Column, ColumnType, Table
from governance.admin.forms import (
    DayField,
    DeskForm,
    ExactNumberField,
    NumberField,
    ReasonField,
    TruthField,
    WholeNumberField,
    choices,
)
from governance.admin.records import Edit, RecordAdmin, StateAdmin
from governance.models import User
from governance.services.register import catalogue

# A field of this name would collide with the column `note` of a row.
NOTE_FIELD = "note_of_release"


def form_field(column: Column) -> forms.Field:
    """The form field of one column of the data files, with the same range."""
    options: dict[str, Any] = {
        "required": column.is_required,
        "label": column.name.replace("_", " ").capitalize(),
    }
    if column.choices:
        offered = [(value, value.replace("_", " ")) for value in column.choices]
        return forms.ChoiceField(choices=offered if column.is_required else [("", "–"), *offered], **options)
    match column.type:
        case ColumnType.NUMBER:
            return NumberField(min_value=column.minimum, max_value=column.maximum, **options)
        case ColumnType.MONEY:
            return ExactNumberField(max_digits=20, decimal_places=8, **options)
        case ColumnType.INTEGER:
            low, high = (None if edge is None else int(edge) for edge in (column.minimum, column.maximum))
            return WholeNumberField(min_value=low, max_value=high, **options)
        case ColumnType.DATE:
            return DayField(**options)
        case ColumnType.YES_NO:
            return TruthField(label=options["label"])
        case _ if column.name in ("source", "note", "consequence", "description", "status_note"):
            widget = forms.Textarea(attrs={"rows": 2})
            return forms.CharField(max_length=column.length_max, widget=widget, **options)
        case _:
            hint = f"A short name of {column.refers_to.replace('_', ' ')}." if column.refers_to else ""
            return forms.CharField(max_length=column.length_max, help_text=hint, **options)


def _slug_of(form: DeskForm) -> str:
    return form.about(CatalogueRow).slug  # type: ignore[type-abstract]


class _RowForm(DeskForm):
    starts_empty = True
    table: ClassVar[str]
    note_of_release = ReasonField(label="Why", help_text="One line for the list of releases.")

    def __init__(self, data: Any = None, *, row: models.Model | None, person: Any) -> None:
        super().__init__(data, row=row, person=person)
        for column in TABLES_BY_NAME[self.table].columns:
            if row is not None and column.name == "slug":
                continue
            self.fields[column.name] = form_field(column)
            if row is not None:
                self.initial[column.name] = getattr(row, column.name)
        self.fields["note_of_release"] = self.fields.pop("note_of_release")

    def save(self, *, actor: User, now: datetime) -> models.Model | None:
        values = dict(self.cleaned_data)
        note = values.pop("note_of_release")
        if self.row is not None:
            values["slug"] = _slug_of(self)
        catalogue.edit_row(actor=actor, table=self.table, values=values, note=note, now=now)
        model = TABLES_BY_NAME[self.table].model
        return model.objects.filter(slug=values["slug"]).order_by("-release_id").first()


class _WithdrawForm(DeskForm):
    table: ClassVar[str]
    note_of_release = ReasonField(label="Why")

    def save(self, *, actor: User, now: datetime) -> models.Model | None:
        note = self.cleaned_data["note_of_release"]
        catalogue.withdraw_row(actor=actor, table=self.table, slug=_slug_of(self), note=note, now=now)
        return None


class OwnPriceForm(DeskForm):
    provider = forms.CharField(max_length=80, label="Provider", help_text="Its short name in the catalogue.")
    accelerator = forms.CharField(max_length=80, label="Accelerator", help_text="Its short name in the catalogue.")
    price_term = forms.ChoiceField(choices=choices(term.value for term in PriceTerm), label="Term")
    region = forms.CharField(max_length=160, required=False, label="Region", help_text="Empty means everywhere.")
    usd_per_gpu_hour = ExactNumberField(max_digits=14, decimal_places=6, label="USD for one accelerator and hour")
    effective_from = DayField(label="Start date")
    effective_to = DayField(
        required=False, label="End date", help_text="Not included. Leave empty until it is replaced."
    )
    source = forms.CharField(max_length=2000, label="Source", help_text="The contract or the page.")
    note = forms.CharField(max_length=2000, required=False, label="Note")

    def save(self, *, actor: User, now: datetime) -> models.Model | None:
        return catalogue.publish_own_price(actor=actor, now=now, **self.cleaned_data)


class InForceFilter(admin.SimpleListFilter):
    """Rows in force, unless somebody asks for all that ever were."""

    title = "what to show"
    parameter_name = "show"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("all", "Older and withdrawn rows too")]

    def choices(self, changelist: Any) -> Any:
        for choice in super().choices(changelist):
            is_default = choice["query_string"] == "?" or "show=" not in choice["query_string"]
            yield {**choice, "display": "In force"} if is_default else choice

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        return queryset if self.value() == "all" else queryset.filter(pk__in=queryset.model.objects.in_force())


class RowAdmin(RecordAdmin):
    """One table of the catalogue."""

    table: ClassVar[Table]
    list_select_related = ("release",)
    list_filter = (InForceFilter, "origin")
    search_fields = ("slug", "source")

    def links(self, request: HttpRequest, row: models.Model) -> list[tuple[str, str]]:
        address = reverse(f"admin:estimator_{self.opts.model_name}_changelist")
        return [("All its rows, by release", f"{address}?show=all&q={row.slug}")]  # type: ignore[attr-defined]

    def read(self, row: models.Model) -> list[tuple[str, list[tuple[str, Any]]]]:
        names = [column.name for column in self.table.columns]
        own = [
            name for name in ("is_own", "effective_from", "effective_to") if hasattr(row, name) and name not in names
        ]
        kept = ["release", "origin", "is_withdrawn", "row_digest"]
        fields = [[self.read_field(row, name) for name in group] for group in ([*names, *own], kept)]
        return [("", fields[0]), ("Where it stands", fields[1])]


def _is_in_force(row: Any) -> bool:
    newest = type(row).objects.filter(slug=row.slug).order_by("-release_id").values_list("pk", flat=True).first()
    return newest == row.pk and not row.is_withdrawn


LEADS = {
    "prices": "Prices by the hour. Your organisation's prices take precedence and are recorded with their own form.",
    "thresholds": "Legal thresholds, each with the days on which it is in force.",
    "prohibited_uses": "Uses that requesters are asked about, each with the days on which it is prohibited.",
}
_SHOWN: dict[str, Sequence[str]] = {
    "accelerators": ("vendor", "memory_gb", "dense_tflop_s_16bit", "as_of"),
    "accelerator_aliases": ("printed", "hint", "accelerator"),
    "providers": ("name", "provider_type", "hq_country"),
    "provider_aliases": ("printed", "provider"),
    "prices": ("provider", "accelerator", "price_term", "usd_per_gpu_hour", "region", "as_of", "is_own"),
    "purchase_prices": ("accelerator", "usd_per_device", "devices_in_unit", "as_of"),
    "token_prices": ("provider", "model", "usd_per_million_input", "usd_per_million_output", "as_of"),
    "grid_carbon": ("scope", "name", "country", "g_co2e_per_kwh", "year_to"),
    "facilities": ("name", "pue_low", "pue_high", "year_to"),
    "thresholds": ("jurisdiction", "instrument", "quantity", "operator", "limit", "effective_from", "status"),
    "prohibited_uses": ("title", "jurisdiction", "article", "effective_from", "effective_to", "is_secondary_source"),
    "utilisation_priors": ("quantity", "applies_to", "p10", "p50", "p90"),
}


def _register(table: Table) -> None:
    """One admin per table: the same pages, with the table's own columns."""
    names = {"table": table.name}
    row_form = type("RowForm", (_RowForm,), names)
    edits: list[Edit[Any]] = [
        Edit(
            "edit",
            "Change",
            row_form,
            "catalogue",
            lead="Adds a newer row and publishes a release; earlier estimates keep the older row.",
            applies=_is_in_force,
            done="Published",
        ),
        Edit(
            "withdraw", "Withdraw", type("WithdrawForm", (_WithdrawForm,), names), "catalogue", applies=_is_in_force,
            done="Withdrawn",
        ),
        Edit("new", "Add a row", row_form, "catalogue", on_row=False, done="Published"),
    ]  # fmt: skip
    if table.name == "prices":
        edits.insert(
            0,
            Edit(
                "own", "Record your organisation's price", OwnPriceForm, "prices", on_row=False, done="Price recorded"
            ),
        )
    attributes = {
        "table": table,
        "edits": tuple(edits),
        "lead": LEADS.get(table.name, ""),
        "list_display": ("slug", *_SHOWN[table.name], "release"),
    }
    admin.site.register(table.model, type(f"{table.model.__name__}Admin", (RowAdmin,), attributes))


for _table in TABLES:
    _register(_table)


@admin.register(CatalogueRelease)
class ReleaseAdmin(StateAdmin):
    lead = "Published states of the catalogue. An estimate names the one that it was made with."
    list_display = ("number", "note", "row_count", "changed_count", "released_at")
    search_fields = ("note", "digest")
