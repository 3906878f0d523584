"""Providers, model lineages, purposes, and the parties that were screened."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from governance.admin import access
from governance.admin.forms import DayField, DeskForm, ListField, NumberField, TruthField, choices
from governance.admin.records import Edit, RecordAdmin
from governance.domain.requests import fields
from governance.models import Beneficiary, ModelLineage, Person, Project, Provider, Purpose, User, Visibility
from governance.models.register.registers import PROVIDER_TYPES
from governance.services.register import register


class ProviderForm(DeskForm):
    """What is known and decided about a provider, the same when it is added and later."""

    name = forms.CharField(max_length=120, label="Name")
    provider_type = forms.ChoiceField(choices=choices(PROVIDER_TYPES), label="Type")
    hq_country = forms.CharField(max_length=2, label="Country of the head office", help_text="Two letters, such as IE.")
    is_approved = forms.BooleanField(required=False, label="Approved")
    has_data_processing_agreement = forms.BooleanField(required=False, label="Has a data-processing agreement")
    terms_reviewed_on = DayField(required=False, label="Terms last reviewed on")
    certifications = ListField(label="Certifications")


class AddProviderForm(ProviderForm):
    slug = forms.CharField(max_length=80, label="Short name", help_text="The same as in the catalogue, such as aws.")
    field_order = ("slug",)

    def save(self, *, actor: User, now: datetime) -> Provider:
        return register.add_provider(actor=actor, now=now, **self.cleaned_data)


class ChangeProviderForm(ProviderForm):
    def save(self, *, actor: User, now: datetime) -> Provider:
        return register.change_provider(actor=actor, provider_id=self.about(Provider).pk, now=now, **self.cleaned_data)


@admin.register(Provider)
class ProviderAdmin(RecordAdmin):
    lead = "Compute providers. No grant is issued at a provider that is not approved."
    list_display = (
        "name",
        "provider_type",
        "hq_country",
        "is_approved",
        "has_data_processing_agreement",
        "terms_reviewed_on",
    )
    list_filter = ("is_approved", "provider_type")
    search_fields = ("name", "slug")
    edits = (
        Edit("register", "Add a provider", AddProviderForm, "providers", on_row=False, done="Provider added"),
        Edit("edit", "Change", ChangeProviderForm, "providers", done="Provider changed"),
    )


LINEAGE_NAMED_BY = "Requests can name it while the requester belongs to the project or owns it."


class RegisterLineageForm(DeskForm):
    slug = forms.SlugField(max_length=80, label="Short name")
    name = forms.CharField(max_length=120, label="Name")
    owner = forms.ModelChoiceField(Person.objects.filter(is_active=True), label="Owner")
    project = forms.ModelChoiceField(Project.objects.all(), required=False, label="Project", help_text=LINEAGE_NAMED_BY)

    def save(self, *, actor: User, now: datetime) -> ModelLineage:
        return register.register_lineage(actor=actor, now=now, **self.cleaned_data)


def _kept(row: fields.Field) -> forms.Field:
    """A field of a request that a register keeps too, in the same words."""
    if row.type is fields.FieldType.CHOICES:
        return forms.MultipleChoiceField(required=False, choices=list(row.labels.items()), label=row.label)
    return TruthField(label=row.label)


_KEPT = {row.name: _kept(row) for row in fields.FIELDS if row.kept_by == "lineage"}
_LineageAnswers: type[DeskForm] = type("_LineageAnswers", (DeskForm,), dict(_KEPT))


class ChangeLineageForm(_LineageAnswers):  # type: ignore[misc, valid-type]
    name = forms.CharField(max_length=120, label="Name")
    owner = forms.ModelChoiceField(Person.objects.all(), label="Owner")
    project = forms.ModelChoiceField(Project.objects.all(), required=False, label="Project", help_text=LINEAGE_NAMED_BY)
    base_name = forms.CharField(max_length=120, required=False, label="Base model, if someone else's")
    base_model_flop = NumberField(required=False, label="Compute of the base", help_text="FLOP, such as 6.3e24.")
    base_model_systemic = TruthField(label="Base model has systemic risk")
    direct_flop_p50 = NumberField(label="Compute that changed it, p50", help_text="FLOP so far.")
    direct_flop_p90 = NumberField(label="Compute that changed it, p90")
    cumulative_flop_p50 = NumberField(label="With synthetic data and base, p50")
    cumulative_flop_p90 = NumberField(label="With synthetic data and base, p90")
    notification_state = forms.ChoiceField(choices=choices(register.NOTIFICATION_STATES), label="Notification")
    field_order = ("name", "owner", "project", "base_name", "base_model_flop", "base_model_systemic", *_KEPT)

    def save(self, *, actor: User, now: datetime) -> ModelLineage:
        return register.change_lineage(
            actor=actor, lineage_id=self.about(ModelLineage).pk, now=now, **self.cleaned_data
        )


@admin.register(ModelLineage)
class LineageAdmin(RecordAdmin):
    lead = "Model families whose training compute adds up. Open requests are not included."
    list_display = ("name", "project", "owner", "cumulative_flop_p50", "cumulative_flop_p90", "notification_state")
    list_select_related = ("project", "owner")
    search_fields = ("name", "slug")
    edits = (
        Edit(
            "register", "Register a lineage", RegisterLineageForm, "lineages", on_row=False, done="Lineage registered"
        ),
        Edit("edit", "Change", ChangeLineageForm, "lineages", done="Lineage changed"),
    )

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        # Whoever keeps lineages keeps all of them, also with a role over one team only.
        if "lineages" in access.of(request).duties:
            return ModelLineage.objects.all()
        return super().get_queryset(request)

    def visible(self, rows: Any, visibility: Visibility) -> Any:
        return rows.filter(models.Q(owner_id=visibility.person_id) | models.Q(project_id__in=visibility.project_ids))


class AddPurposeForm(DeskForm):
    slug = forms.CharField(max_length=60, label="Short name", help_text="Rules name it.")
    name = forms.CharField(max_length=120, label="Name")
    is_offered = forms.BooleanField(required=False, initial=True, label="Offered in the form")

    def save(self, *, actor: User, now: datetime) -> Purpose:
        return register.set_purpose(actor=actor, now=now, **self.cleaned_data)


class ChangePurposeForm(DeskForm):
    name = forms.CharField(max_length=120, label="Name")
    is_offered = forms.BooleanField(required=False, label="Offered in the form")

    def save(self, *, actor: User, now: datetime) -> Purpose:
        return register.set_purpose(actor=actor, slug=self.about(Purpose).slug, now=now, **self.cleaned_data)


@admin.register(Purpose)
class PurposeAdmin(RecordAdmin):
    lead = "Purposes that requests can name. Policies say which of them are prohibited."
    list_display = ("name", "slug", "is_offered")
    search_fields = ("name", "slug")
    edits = (
        Edit("add-purpose", "Add a purpose", AddPurposeForm, "purposes", on_row=False, done="Purpose added"),
        Edit("edit", "Change", ChangePurposeForm, "purposes", done="Purpose changed"),
    )


class ScreenForm(DeskForm):
    name = forms.CharField(max_length=120, label="Name of the party")
    hq_country = forms.CharField(max_length=2, label="Country of its ultimate parent", help_text="Two letters.")
    screening_state = forms.ChoiceField(choices=choices(register.SCREENING_STATES), label="Result")
    screened_on = DayField(required=False, label="Date")

    def save(self, *, actor: User, now: datetime) -> Beneficiary:
        return register.screen_beneficiary(actor=actor, now=now, **self.cleaned_data)


class ScreenAgainForm(ScreenForm):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        del self.fields["name"]

    def save(self, *, actor: User, now: datetime) -> Beneficiary:
        return register.screen_beneficiary(actor=actor, name=self.about(Beneficiary).name, now=now, **self.cleaned_data)


@admin.register(Beneficiary)
class BeneficiaryAdmin(RecordAdmin):
    lead = "External parties that work is done for. A party that was not screened is pending."
    list_display = ("name", "hq_country", "screening_state", "screened_on")
    list_filter = ("screening_state",)
    search_fields = ("name",)
    edits = (
        Edit("screen", "Record a screening", ScreenForm, "screening", on_row=False, done="Screening recorded"),
        Edit("screen-again", "Screen again", ScreenAgainForm, "screening", done="Screening recorded"),
    )
