"""What sweeps found: one row per subject, limit and revision."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from governance.domain.states.messages import FlagKind
from governance.models.base import choices_check
from governance.models.grants.grants import Grant
from governance.models.money.budgets import Budget
from governance.models.people.people import User
from governance.models.requests.provisioning import ProvisioningRequest
from governance.models.visibility import Visibility


class FlagQuerySet(models.QuerySet["Flag"]):
    def visible_to(self, visibility: Visibility) -> FlagQuerySet:
        """Flags on what this person sees."""
        if visibility.sees_all:
            return self
        return self.filter(
            Q(provisioning_request__requester__person_id=visibility.person_id)
            | Q(provisioning_request__project_id__in=visibility.project_ids)
            | Q(grant__project_id__in=visibility.project_ids)
            | Q(budget__team_id__in=visibility.team_ids)
            | Q(budget__project_id__in=visibility.project_ids)
        )


class Flag(models.Model):
    """Something that a person should look at. `key` names subject, limit and revision, so it is raised once."""

    key = models.CharField(max_length=160, unique=True)
    kind = models.CharField(max_length=24)
    provisioning_request = models.ForeignKey(
        ProvisioningRequest, models.PROTECT, null=True, blank=True, related_name="flags"
    )
    grant = models.ForeignKey(Grant, models.PROTECT, null=True, blank=True, related_name="flags")
    budget = models.ForeignKey(Budget, models.PROTECT, null=True, blank=True, related_name="flags")
    sentence = models.CharField(max_length=400)
    data = models.JSONField(default=dict)
    raised_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="flags_closed")
    close_reason = models.CharField(max_length=400, blank=True)

    objects = FlagQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-raised_at", "-id"]
        constraints: ClassVar = [choices_check("flag", "kind", FlagKind)]
        indexes: ClassVar = [
            models.Index(fields=["-raised_at"], condition=Q(closed_at__isnull=True), name="flag_open_by_time"),
        ]

    def __str__(self) -> str:
        return self.sentence
