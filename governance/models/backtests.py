"""Drafts judged on history: a run, its months, and what each month came to."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from governance.models.base import LockingQuerySet, choices_check
from governance.models.people import User
from governance.models.policies import PolicyVersion

BACKTEST_STATES = ("queued", "running", "done", "failed", "cancelled")


class PolicyBacktest(models.Model):
    """One version against the stored decisions, in place of the active version of its set.

    Its months are judged one by one, by any worker; a run that stops goes on with the months that are left.
    """

    version = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="backtests")
    against_digest = models.CharField(max_length=64, help_text="Digest of the whole policy that it was compared with.")
    draft_digest = models.CharField(max_length=64, help_text="Digest of the whole policy with the version in place.")
    since = models.DateTimeField(null=True, blank=True)
    until = models.DateTimeField(help_text="Decisions before this instant.")
    state = models.CharField(max_length=10, default="queued")
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=400, blank=True)
    result = models.JSONField(default=dict, help_text="The finished figures: matrix, money, approver load, teams.")
    seen_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    seen_at = models.DateTimeField(null=True, blank=True)

    objects = LockingQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            choices_check("policy_backtest", "state", BACKTEST_STATES),
            models.CheckConstraint(
                condition=Q(seen_at__isnull=True) | Q(state="done"),
                name="policy_backtest_seen_when_done",
                violation_error_message="only a finished backtest can have been looked at",
            ),
        ]

    def __str__(self) -> str:
        return f"backtest {self.pk} of {self.version}"


class PolicyBacktestMonth(models.Model):
    """One month of a run: its share of the figures, and the decisions that would have come out differently."""

    backtest = models.ForeignKey(PolicyBacktest, models.CASCADE, related_name="months")
    month = models.DateField()
    rows = models.PositiveIntegerField(default=0)
    figures = models.JSONField(null=True, blank=True, help_text="Null until it is judged.")
    flips = models.BinaryField(default=bytes, help_text="Changed decisions, packed.")

    objects = LockingQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["backtest", "month"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["backtest", "month"], name="policy_backtest_month_once"),
        ]

    def __str__(self) -> str:
        return f"{self.backtest_id} {self.month:%Y-%m}"
