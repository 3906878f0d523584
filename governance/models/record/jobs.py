"""Long work and its progress, and the numbers that people read aloud."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from governance.domain.states.record import JOB_LIFE, JobState
from governance.models.base import LockingQuerySet, Moving, choices_check
from governance.models.people.people import User


class JobRun(Moving):
    """One run of a sweep or of long work: what it did, how far it is, why it failed."""

    name = models.CharField(max_length=60)
    state = models.CharField(max_length=10, default=JobState.QUEUED.value)
    done_count = models.PositiveIntegerField(default=0)
    total_count = models.PositiveIntegerField(null=True, blank=True)
    requested_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="job_runs")
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=400, blank=True)
    result = models.JSONField(default=dict)

    life = JOB_LIFE

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [choices_check("job", "state", JobState)]
        indexes: ClassVar = [models.Index(fields=["name", "-id"], name="job_by_name")]

    def __str__(self) -> str:
        return f"{self.name} {self.state}"


class Counter(models.Model):
    """The last number given out for one series, such as requests. Locked while the next one is taken."""

    name = models.CharField(max_length=40, primary_key=True)
    value = models.PositiveIntegerField(default=0)

    objects = LockingQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.name} {self.value}"


class IdempotencyKey(models.Model):
    """An API call that must have one effect: the key, the body it came with, and the answer that was given."""

    user = models.ForeignKey(User, models.PROTECT, related_name="idempotency_keys")
    key = models.CharField(max_length=255)
    body_digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    body = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "key"], name="idempotency_once")]

    def __str__(self) -> str:
        return self.key
