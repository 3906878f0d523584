"""Acceptable-use statements, their dated versions, and who accepted which."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from governance.domain.states.rules import PUBLICATION_LIFE, PublicationState
from governance.models.base import LockingQuerySet, Moving, choices_check
from governance.models.people.people import Person, User


class AcceptableUseStatement(models.Model):
    """A named statement that people accept before they may ask."""

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120)

    class Meta:
        ordering: ClassVar = ["slug"]

    def __str__(self) -> str:
        return self.name


class AcceptableUseVersion(models.Model):
    """One text of a statement. `clauses` links numbered clauses to the rules that enforce them. Append-only."""

    statement = models.ForeignKey(AcceptableUseStatement, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    text = models.TextField()
    clauses = models.JSONField(default=list, help_text='[{"number": "4.2", "title": …, "rule_ids": ["AU-1"]}]')
    digest = models.CharField(max_length=64)
    effective_from = models.DateTimeField()
    consent_due = models.DateTimeField(help_text="Until then the previous version's acceptance still counts.")

    class Meta:
        ordering: ClassVar = ["statement", "-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["statement", "number"], name="aup_version_number_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.statement} version {self.number}"


class AcceptableUsePublication(Moving):
    """One officer asks for a text to be published, another one answers; both are kept for ever.

    Invariant: whoever asked never answers with a yes. `version` is what a yes published.
    """

    statement = models.ForeignKey(AcceptableUseStatement, models.PROTECT, related_name="publications")
    text = models.TextField()
    clauses = models.JSONField(default=list)
    digest = models.CharField(max_length=64)
    effective_from = models.DateTimeField(
        null=True,
        blank=True,
        help_text="From when it is the current version; empty: as soon as a second officer agrees.",
    )
    consent_due = models.DateTimeField(help_text="Until then the previous version's acceptance still counts.")
    state = models.CharField(max_length=10, default=PublicationState.ASKED.value)
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    reason = models.TextField(blank=True)
    answered_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)
    answer_reason = models.TextField(blank=True)
    version = models.OneToOneField(
        AcceptableUseVersion, models.PROTECT, null=True, blank=True, related_name="publication"
    )

    life = PUBLICATION_LIFE
    objects = LockingQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-asked_at"]
        constraints: ClassVar = [
            choices_check("publication", "state", PublicationState),
            models.UniqueConstraint(
                fields=["statement"], condition=Q(state=PublicationState.ASKED.value), name="publication_one_open"
            ),
            models.CheckConstraint(
                condition=~Q(state=PublicationState.PUBLISHED.value)
                | Q(answered_by__isnull=False, version__isnull=False) & ~Q(answered_by=models.F("asked_by")),
                name="publication_two_officers",
                violation_error_message="a version is published by a second officer",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.statement}: {self.state}"


class Acceptance(models.Model):
    """A person accepted a version. Append-only."""

    version = models.ForeignKey(AcceptableUseVersion, models.PROTECT, related_name="acceptances")
    person = models.ForeignKey(Person, models.PROTECT, related_name="acceptances")
    user = models.ForeignKey(User, models.PROTECT, related_name="acceptances")
    accepted_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-accepted_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["version", "person"], name="acceptance_once"),
        ]

    def __str__(self) -> str:
        return f"{self.person} accepted {self.version}"
