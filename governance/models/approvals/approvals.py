"""Who has to decide, and what they decided."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from governance.domain.limits import REASON_CHARS_MIN
from governance.domain.states.approvals import STAGE_LIFE, LapseReason, StageState, Verdict
from governance.models.base import LockingQuerySet, Moving, amount_check, amount_field, choices_check
from governance.models.people.people import Person, Role, Team, User
from governance.models.requests.provisioning import ProvisioningRequest, RequestRevision


class ApprovalStage(Moving):
    """One role that has to say yes to one revision. Stages with the same `order` are open together."""

    provisioning_request = models.ForeignKey(ProvisioningRequest, models.PROTECT, related_name="stages")
    revision = models.ForeignKey(RequestRevision, models.PROTECT, related_name="stages")
    order = models.PositiveSmallIntegerField()
    role = models.ForeignKey(Role, models.PROTECT, related_name="stages")
    fallback_from = models.ForeignKey(Role, models.PROTECT, null=True, blank=True, related_name="+")
    quorum = models.PositiveSmallIntegerField()
    rule_ids = models.JSONField("rules", default=list)
    due_working_days = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=20, default=StageState.WAITING.value)
    opened_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    remind_at = models.DateTimeField(null=True, blank=True, help_text="When half of its working time has gone.")
    closed_at = models.DateTimeField(null=True, blank=True)
    reminded_at = models.DateTimeField(null=True, blank=True)
    escalated_at = models.DateTimeField(null=True, blank=True)

    life = STAGE_LIFE
    objects = LockingQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["provisioning_request", "order", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["revision", "role"], name="stage_one_per_role"),
            choices_check("stage", "state", StageState),
            models.CheckConstraint(condition=Q(quorum__gte=1, quorum__lte=20), name="stage_quorum_range"),
            models.CheckConstraint(
                condition=~Q(state=StageState.OPEN.value) | Q(opened_at__isnull=False, due_at__isnull=False),
                name="stage_open_has_due",
                violation_error_message="an open stage says since when and until when",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], condition=Q(state=StageState.OPEN.value), name="stage_open_by_due"),
            models.Index(
                fields=["role", "due_at"], condition=Q(state=StageState.OPEN.value), name="stage_open_by_role"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} on {self.provisioning_request}"


class ApprovalDecision(models.Model):
    """What one person said on one stage, bound to the revision that they saw. Append-only.

    `person` is the human who acted; `for_person` the one they stood in for, if any.
    """

    stage = models.ForeignKey(ApprovalStage, models.PROTECT, related_name="decisions")
    user = models.ForeignKey(User, models.PROTECT, related_name="approval_decisions")
    person = models.ForeignKey(Person, models.PROTECT, related_name="approval_decisions")
    for_person = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="+")
    verdict = models.CharField(max_length=10)
    reason = models.TextField()
    revision_digest = models.CharField(max_length=64)
    decided_at = models.DateTimeField()
    round = models.PositiveSmallIntegerField(default=1, help_text="Above 1: an earlier approval of theirs has lapsed.")

    class Meta:
        ordering: ClassVar = ["decided_at", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["stage", "person", "round"],
                name="decision_one_per_person_and_round",
                violation_error_message="this person has already decided this stage",
            ),
            choices_check("decision", "verdict", Verdict),
            models.CheckConstraint(
                condition=Q(reason__regex=rf"\S.{{{REASON_CHARS_MIN - 1},}}"),
                name="decision_has_reason",
                violation_error_message="a decision says why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.verdict}"

    @property
    def approves(self) -> bool:
        return self.verdict == Verdict.APPROVE

    @property
    def rejects(self) -> bool:
        return self.verdict == Verdict.REJECT

    @property
    def counts(self) -> bool:
        """Whether it fills a seat: an approval that lapsed does not. No query when `lapse` is joined."""
        return not hasattr(self, "lapse")


class ApprovalLapse(models.Model):
    """An approval that stopped counting before its request was granted, and why. Append-only.

    It stays lapsed whatever is given back afterwards: the person decides again.
    """

    decision = models.OneToOneField(ApprovalDecision, models.PROTECT, related_name="lapse")
    why = models.CharField(max_length=20)
    noticed_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["noticed_at", "id"]
        constraints: ClassVar = [choices_check("lapse", "why", LapseReason)]

    def __str__(self) -> str:
        return f"{self.decision}, lapsed: {LapseReason(self.why).label}"


class ApprovalLimit(models.Model):
    """The largest exposure that a holder of a role may approve in a team and below it."""

    role = models.ForeignKey(Role, models.PROTECT, related_name="approval_limits")
    team = models.ForeignKey(Team, models.PROTECT, related_name="approval_limits")
    amount_micro_max = amount_field()
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["role", "valid_from"]
        constraints: ClassVar = [*amount_check("approval_limit", "amount_micro_max")]

    def __str__(self) -> str:
        return f"{self.role} in {self.team}"
