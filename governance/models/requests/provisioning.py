"""Requests, their immutable revisions, and what was said about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models
from django.db.models import Q

from governance.domain.requests import kinds
from governance.domain.requests.spelling import in_present_names
from governance.domain.states.requests import REQUEST_LIFE, RequestKind, State
from governance.models.base import LockingQuerySet, Moving, amount_check, choices_check
from governance.models.people.people import Person, Project, User
from governance.models.register.registers import ModelLineage
from governance.models.visibility import Visibility

if TYPE_CHECKING:
    from governance.models.grants.grants import Grant


class ProvisioningRequestQuerySet(LockingQuerySet["ProvisioningRequest"]):
    def visible_to(self, visibility: Visibility) -> ProvisioningRequestQuerySet:
        """Requests that this person may see: their own, and those of the subtrees and projects they work in."""
        if visibility.sees_all:
            return self
        return self.filter(Q(requester__person_id=visibility.person_id) | Q(project_id__in=visibility.project_ids))


class ProvisioningRequest(Moving):
    """One request, from draft to answer. What it asks for is its current revision, or `draft` while it is edited."""

    number = models.PositiveIntegerField(unique=True, editable=False)
    state = models.CharField(
        max_length=20, choices=[(state.value, state.label) for state in State], default=State.DRAFT.value
    )
    kind = models.CharField(
        max_length=20, choices=[(kind.slug, kind.name) for kind in kinds.KINDS], default=RequestKind.NEW.value
    )
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

    life = REQUEST_LIFE
    objects = ProvisioningRequestQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [
            choices_check("request", "state", State),
            choices_check("request", "kind", RequestKind),
            models.CheckConstraint(
                condition=Q(state__in=[State.DRAFT.value, State.DISCARDED.value])
                | Q(revision_count__gte=1, project__isnull=False),
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

    @property
    def content(self) -> dict[str, Any]:
        """The draft under the present names of its fields, whenever it was written."""
        return in_present_names(self.draft)

    @property
    def is_draft(self) -> bool:
        return self.state == State.DRAFT

    @property
    def waits_for_changes(self) -> bool:
        """Whether an approver asked for changes, so that it is its requester's turn."""
        return self.state == State.CHANGES_REQUESTED

    @property
    def was_rejected(self) -> bool:
        return self.state == State.REJECTED

    @property
    def has_expired(self) -> bool:
        return self.state == State.EXPIRED

    @property
    def is_granted(self) -> bool:
        return self.state == State.GRANTED

    @property
    def is_for_something_new(self) -> bool:
        return kinds.kind_of(self.kind) is kinds.NEW


class RequestRevision(models.Model):
    """What was asked for, frozen. Append-only: no service updates a row and the app role may not.

    Invariant: `digest` is the SHA-256 of the canonical `content`; decisions name it. Neither is rewritten when a field
    gets another name: `domain/requests/spelling.py` reads the earlier ones.
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
