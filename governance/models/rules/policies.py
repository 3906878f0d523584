"""Versioned policy: sets, immutable content-hashed versions, exceptions that end."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from governance.display import dates
from governance.domain.rules.policy_life import RULE_REF_CHARS_MAX
from governance.domain.states.rules import (
    ACTIVATION_LIFE,
    ACTIVATION_OPEN,
    EXCEPTION_LIFE,
    VERSION_LIFE,
    ActivationState,
    ExceptionState,
    VersionState,
)
from governance.models.base import LockingQuerySet, Moving, choices_check
from governance.models.people.people import Project, Team, User

_AGREED = (ActivationState.AGREED.value, ActivationState.IN_FORCE.value)


class PolicySet(models.Model):
    """A named bundle of rules with an owner, such as `approval-limits`."""

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120)

    objects = LockingQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["slug"]

    def __str__(self) -> str:
        return self.name


class PolicyVersion(Moving):
    """One immutable text of a set. Only its state and activation columns ever change."""

    policy_set = models.ForeignKey(PolicySet, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    source = models.TextField(help_text="The bundle as YAML.")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the canonical rules; formatting does not change it.")
    state = models.CharField(max_length=10, default=VersionState.DRAFT.value)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="policy_versions")
    created_at = models.DateTimeField()
    reason = models.TextField(blank=True, help_text="Why it was written, for the second officer and the log.")
    checks = models.JSONField(default=dict, help_text="What the last run of its cases and checks came to.")
    tested_at = models.DateTimeField(null=True, blank=True)
    shadow_since = models.DateTimeField(null=True, blank=True)
    activated_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    activated_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    life = VERSION_LIFE
    objects = LockingQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["policy_set", "-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["policy_set", "number"], name="policy_version_number_unique"),
            models.UniqueConstraint(
                fields=["policy_set"], condition=Q(state=VersionState.ACTIVE.value), name="policy_version_one_active"
            ),
            choices_check("policy_version", "state", VersionState),
        ]

    def __str__(self) -> str:
        return f"{self.policy_set} version {self.number}"

    @property
    def is_in_force(self) -> bool:
        return self.state == VersionState.ACTIVE


class PolicyActivation(Moving):
    """One officer asks for a version to be put in force, another one answers; both are kept for ever.

    Invariant: whoever asked never answers with a yes. Agreed ones wait for `effective_at`.
    """

    version = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="activations")
    policy_set = models.ForeignKey(PolicySet, models.PROTECT, related_name="activations")
    state = models.CharField(max_length=10, default=ActivationState.ASKED.value)
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    reason = models.TextField()
    effective_at = models.DateTimeField(help_text="From when it rules; never for asks already submitted.")
    backtest = models.ForeignKey(
        "PolicyBacktest",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="What the officer looked at.",
    )
    answered_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)
    answer_reason = models.TextField(blank=True)

    life = ACTIVATION_LIFE
    objects = LockingQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-asked_at"]
        constraints: ClassVar = [
            choices_check("policy_activation", "state", ActivationState),
            models.UniqueConstraint(
                fields=["policy_set"],
                condition=Q(state__in=ACTIVATION_OPEN),
                name="policy_activation_one_open",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=_AGREED) | Q(answered_by__isnull=False),
                name="policy_activation_answered",
                violation_error_message="a version is put in force by a second officer",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=_AGREED) | ~Q(answered_by=models.F("asked_by")),
                name="policy_activation_two_officers",
                violation_error_message="whoever asks for an activation does not answer it",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version}: {self.state}"


class PolicyFindingNote(models.Model):
    """An officer's explanation of one static finding: why it stands. The newest one counts.

    Invariant: of a stage that nobody could fill it is an exception with an end; afterwards the finding is open again.
    """

    version = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="finding_notes")
    finding = models.CharField(max_length=200, help_text="The finding's code and the rules that it is about.")
    explanation = models.TextField()
    written_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    written_at = models.DateTimeField()
    until = models.DateField(
        null=True, blank=True, help_text="Last day on which it counts; for a stage that nobody could fill."
    )

    class Meta:
        ordering: ClassVar = ["version", "-written_at"]

    def __str__(self) -> str:
        return self.finding


class PolicyException(Moving):
    """Removes one rule's effect for a team or project until it ends. Listed in every decision that it touches.

    Invariant: one officer asks for it, another one approves it; until then it changes nothing.
    """

    rule_id = models.CharField("rule", max_length=RULE_REF_CHARS_MAX)
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True, related_name="policy_exceptions")
    project = models.ForeignKey(Project, models.PROTECT, null=True, blank=True, related_name="policy_exceptions")
    reason = models.TextField()
    state = models.CharField(max_length=10, default=ExceptionState.ASKED.value)
    asked_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    asked_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="policy_exceptions")
    answered_at = models.DateTimeField(null=True, blank=True)
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField()

    life = EXCEPTION_LIFE
    objects = LockingQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["valid_to"]
        constraints: ClassVar = [
            choices_check("policy_exception", "state", ExceptionState),
            models.CheckConstraint(
                condition=Q(team__isnull=True) ^ Q(project__isnull=True),
                name="policy_exception_one_scope",
                violation_error_message="an exception holds for a team or for a project",
            ),
            models.CheckConstraint(
                condition=Q(valid_to__gt=models.F("valid_from")),
                name="policy_exception_period",
                violation_error_message="the end of an exception lies after its start",
            ),
            models.CheckConstraint(
                condition=~Q(state=ExceptionState.APPROVED.value)
                | Q(approved_by__isnull=False) & ~Q(approved_by=models.F("asked_by")),
                name="policy_exception_two_officers",
                violation_error_message="whoever asks for an exception does not approve it",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} until {dates.full_day(self.valid_to)}"
