"""Acceptable-use statements, their dated versions, and who accepted which."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from governance.models.people import Person, User


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
