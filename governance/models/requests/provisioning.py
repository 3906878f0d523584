"""What is asked for: requests, their immutable revisions, and the registers that they name."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.db.models import Q

from governance.domain.requests.ask import KINDS
from governance.domain.requests.lifecycle import LABELS, State
from governance.models.base import LockingQuerySet, amount_check, choices_check, number_check, texts_check
from governance.models.people.people import Person, Project, User
from governance.models.visibility import Visibility

if TYPE_CHECKING:
    from governance.models.grants.grants import Grant

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
    screening_state = models.CharField(max_length=20, default="pending")
    screened_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["name"]
        verbose_name_plural = "beneficiaries"
        constraints: ClassVar = [
            choices_check("beneficiary", "screening_state", ("not_needed", "clear", "hit", "pending"))
        ]

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
    notification_state = models.CharField(max_length=20, default="none")

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            choices_check("lineage", "notification_state", ("none", "due", "sent", "acknowledged")),
            number_check(
                "lineage_flop_range",
                "lineage.base_model_flop",
                *("direct_flop_p50", "direct_flop_p90", "cumulative_flop_p50", "cumulative_flop_p90"),
                or_absent=("base_model_flop",),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ProvisioningRequestQuerySet(LockingQuerySet["ProvisioningRequest"]):
    def visible_to(self, visibility: Visibility) -> ProvisioningRequestQuerySet:
        """Requests that this person may see: their own, and those of the subtrees and projects they work in."""
        if visibility.sees_all:
            return self
        return self.filter(Q(requester__person_id=visibility.person_id) | Q(project_id__in=visibility.project_ids))


class ProvisioningRequest(models.Model):
    """One ask, from draft to answer. What it asks for is its current revision, or `draft` while it is edited."""

    number = models.PositiveIntegerField(unique=True, editable=False)
    state = models.CharField(
        max_length=20, choices=[(state.value, LABELS[state]) for state in State], default=State.DRAFT.value
    )
    kind = models.CharField(max_length=20, choices=[(kind, kind.replace("_", "-")) for kind in KINDS], default="new")
    title = models.CharField(max_length=120, blank=True)
    project = models.ForeignKey(Project, models.PROTECT, null=True, related_name="requests")
    requester = models.ForeignKey(User, models.PROTECT, related_name="requests")
    beneficiary = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="requests_benefiting")
    lineage = models.ForeignKey(ModelLineage, models.PROTECT, null=True, blank=True, related_name="requests")
    related_grant: models.ForeignKey[Grant | None] = models.ForeignKey(
        "governance.Grant", models.PROTECT, null=True, blank=True, related_name="follow_ups"
    )
    draft = models.JSONField(default=dict, blank=True)
    draft_version = models.PositiveIntegerField(default=0, help_text="Counts saves, so that two tabs cannot overwrite.")
    revision_count = models.PositiveIntegerField(default=0)
    exposure_micro = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    is_demonstration = models.BooleanField(default=False)

    objects = ProvisioningRequestQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [
            choices_check("request", "state", State),
            choices_check("request", "kind", KINDS),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "discarded"]) | Q(revision_count__gte=1, project__isnull=False),
                name="request_submitted_has_revision",
                violation_error_message="a submitted request has a project and a revision",
            ),
            *amount_check("request", "exposure_micro"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["requester", "-number"], name="request_by_requester"),
            models.Index(fields=["project", "-number"], name="request_by_project"),
            models.Index(fields=["state", "-number"], name="request_by_state"),
            models.Index(fields=["requester", "submitted_at"], name="request_recent_requester"),
            models.Index(fields=["project", "submitted_at"], name="request_recent_project"),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        """What people call it, such as REQ-0123."""
        return f"REQ-{self.number:04d}"


class RequestRevision(models.Model):
    """What was asked for, frozen. Append-only: no service updates a row and the app role may not.

    Invariant: `digest` is the SHA-256 of the canonical `content`; decisions name it.
    """

    provisioning_request = models.ForeignKey(ProvisioningRequest, models.PROTECT, related_name="revisions")
    number = models.PositiveIntegerField()
    content = models.JSONField()
    digest = models.CharField(max_length=64)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="revisions")
    created_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["provisioning_request", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["provisioning_request", "number"], name="revision_number_unique"),
            models.CheckConstraint(condition=Q(digest__regex="^[0-9a-f]{64}$"), name="revision_digest_shape"),
        ]

    def __str__(self) -> str:
        return f"{self.provisioning_request} revision {self.number}"


class RequestComment(models.Model):
    """One remark in the conversation about a request. Append-only."""

    provisioning_request = models.ForeignKey(ProvisioningRequest, models.PROTECT, related_name="comments")
    author = models.ForeignKey(User, models.PROTECT, related_name="comments")
    text = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["created_at", "id"]

    def __str__(self) -> str:
        return f"{self.author} on {self.provisioning_request}"
