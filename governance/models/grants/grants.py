"""What was permitted in the end."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from governance.display import dates
from governance.domain.states.grants import GRANT_LIFE, GrantKind, GrantState
from governance.models.base import LockingQuerySet, Moving, amount_check, amount_field, choices_check
from governance.models.people.people import Person, Project
from governance.models.requests.provisioning import ProvisioningRequest, RequestRevision
from governance.models.visibility import Visibility


class GrantQuerySet(LockingQuerySet["Grant"]):
    def visible_to(self, visibility: Visibility) -> GrantQuerySet:
        """Grants that this person owns, and those of the projects that they see."""
        if visibility.sees_all:
            return self
        return self.filter(Q(owner_id=visibility.person_id) | Q(project_id__in=visibility.project_ids))


class Grant(Moving):
    """A permission to use compute: how much, where, until when, at most for how much money."""

    number = models.PositiveIntegerField(unique=True, editable=False)
    kind = models.CharField(max_length=10, default=GrantKind.SINGLE.value)
    state = models.CharField(max_length=10, default=GrantState.ACTIVE.value)
    provisioning_request = models.OneToOneField(ProvisioningRequest, models.PROTECT, related_name="grant")
    revision = models.ForeignKey(RequestRevision, models.PROTECT, related_name="grants")
    project = models.ForeignKey(Project, models.PROTECT, related_name="grants")
    owner = models.ForeignKey(Person, models.PROTECT, related_name="grants")
    title = models.CharField(max_length=120)
    provider = models.CharField(max_length=80, blank=True)
    region = models.CharField(max_length=80, blank=True)
    price_term = models.CharField(max_length=20)
    accelerator = models.CharField(max_length=80, blank=True)
    accelerator_count = models.PositiveIntegerField(default=0)
    gpu_hours_cap = models.FloatField(null=True, blank=True)
    cost_cap_micro = amount_field()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    issued_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    gpu_hours_used = models.FloatField(
        null=True, blank=True, help_text="Device-hours reported so far; empty: none yet."
    )
    spent_micro = amount_field(default=0)
    utilisation_28d = models.FloatField(null=True, blank=True, help_text="Mean share of the devices in use, 28 days.")
    policy_digest = models.CharField(max_length=64)

    life = GRANT_LIFE
    objects = GrantQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [
            choices_check("grant", "kind", GrantKind),
            choices_check("grant", "state", GrantState),
            *amount_check("grant", "cost_cap_micro", "spent_micro"),
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")),
                name="grant_window",
                violation_error_message="the end of a grant lies after its start",
            ),
            models.CheckConstraint(
                condition=Q(gpu_hours_cap__isnull=True) | Q(gpu_hours_cap__gt=0, gpu_hours_cap__lte=1e9),
                name="grant_hours_range",
                violation_error_message="GPU-hours lie above 0 and at most at 1e9",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["ends_at"], condition=Q(state=GrantState.ACTIVE.value), name="grant_active_by_end"),
            models.Index(fields=["owner", "-number"], name="grant_by_owner"),
            models.Index(fields=["project", "-number"], name="grant_by_project"),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def is_active(self) -> bool:
        return self.state == GrantState.ACTIVE

    @property
    def reference(self) -> str:
        """What people call it, such as G-0108. Put it on jobs as their label."""
        return f"G-{self.number:04d}"


class ProviderCommitment(models.Model):
    """What was granted at one provider in one month: concentration is read from here, not from all grants."""

    provider = models.CharField(max_length=80)
    month = models.DateField()
    committed_micro = amount_field(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["provider", "month"], name="provider_commitment_month"),
            *amount_check("provider_commitment", "committed_micro"),
        ]

    def __str__(self) -> str:
        return f"{self.provider} in {dates.month(self.month)}"
