"""The registers that requests name: providers, purposes, beneficiaries, model lineages."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from governance.domain.states.register import NotificationState, ScreeningState
from governance.models.base import choices_check, number_check, texts_check
from governance.models.people.people import Person, Project

PROVIDER_TYPES = ("owned", "hyperscaler", "specialist", "marketplace", "hosted_api")


class Provider(models.Model):
    """A canonical provider as the organisation sees it. `slug` is the catalogue's; aliases are merged there."""

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    provider_type = models.CharField(
        max_length=20, choices=[(value, value.replace("_", " ")) for value in PROVIDER_TYPES]
    )
    hq_country = models.CharField(max_length=2)
    is_approved = models.BooleanField(default=False)
    has_data_processing_agreement = models.BooleanField(default=False)
    terms_reviewed_on = models.DateField(null=True, blank=True)
    certifications = models.JSONField(default=list, blank=True)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            choices_check("provider", "provider_type", PROVIDER_TYPES),
            texts_check("provider", "certifications"),
        ]

    def __str__(self) -> str:
        return self.name


class Purpose(models.Model):
    """One entry of the organisation's purpose list. Which purposes are prohibited is policy, not data here."""

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    is_offered = models.BooleanField(default=True)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class Beneficiary(models.Model):
    """An outside party that work is done for, and what its screening said."""

    name = models.CharField(max_length=120, unique=True)
    hq_country = models.CharField(max_length=2, help_text="Country of the ultimate parent, ISO 3166-1 alpha-2.")
    screening_state = models.CharField(max_length=20, default=ScreeningState.PENDING.value)
    screened_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["name"]
        verbose_name_plural = "beneficiaries"
        constraints: ClassVar = [choices_check("beneficiary", "screening_state", ScreeningState)]

    def __str__(self) -> str:
        return self.name


class ModelLineage(models.Model):
    """A family of weights whose training compute adds up. FLOP figures exclude what is still being asked for."""

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    project = models.ForeignKey(Project, models.PROTECT, null=True, blank=True, related_name="lineages")
    owner = models.ForeignKey(Person, models.PROTECT, related_name="lineages_owned")
    base_name = models.CharField(max_length=120, blank=True)
    base_model_flop = models.FloatField(null=True, blank=True, help_text="FLOP of the base model, if someone else's.")
    base_model_systemic = models.BooleanField(null=True, blank=True)
    modalities = models.JSONField(default=list)
    eu_market = models.BooleanField(null=True, blank=True)
    direct_flop_p50 = models.FloatField(default=0)
    direct_flop_p90 = models.FloatField(default=0)
    cumulative_flop_p50 = models.FloatField(default=0)
    cumulative_flop_p90 = models.FloatField(default=0)
    notification_state = models.CharField(max_length=20, default=NotificationState.NONE.value)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            choices_check("lineage", "notification_state", NotificationState),
            number_check(
                "lineage_flop_range",
                "lineage.base_model_flop",
                *("direct_flop_p50", "direct_flop_p90", "cumulative_flop_p50", "cumulative_flop_p90"),
                or_absent=("base_model_flop",),
            ),
        ]

    def __str__(self) -> str:
        return self.name
