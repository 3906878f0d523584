"""Drafts judged on history: a run, its months, and what each month came to."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from governance.domain.states.rules import BACKTEST_LIFE, BACKTEST_LIVE, BacktestState
from governance.models.base import LockingQuerySet, Moving, choices_check
from governance.models.people.people import User
from governance.models.rules.policies import PolicyVersion


class PolicyBacktest(Moving):
    """One version against the stored decisions, in place of the active version of its set.

    Its months are judged one by one, by any worker; a run that stops goes on with the months that are left. Both
    policies are pinned by their versions: an activation in the meantime changes nothing.
    """

    version = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="backtests")
    draft_ids = models.JSONField(default=list, help_text="Versions that are judged, the draft among them.")
    against_ids = models.JSONField(default=list, help_text="Versions that were in force when it was asked for.")
    against_digest = models.CharField(max_length=64, help_text="Digest of the whole policy that it was compared with.")
    draft_digest = models.CharField(max_length=64, help_text="Digest of the whole policy with the version in place.")
    on = models.DateField(help_text="Day whose parameters and effective dates hold for every decision.")
    since = models.DateTimeField(null=True, blank=True)
    until = models.DateTimeField(help_text="Decisions before this instant.")
    state = models.CharField(max_length=10, default=BacktestState.QUEUED.value)
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=400, blank=True)
    finish_attempts = models.PositiveSmallIntegerField(default=0, help_text="Times that putting it together failed.")
    result = models.JSONField(default=dict, help_text="The finished figures: matrix, money, approver load, teams.")
    seen_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    seen_at = models.DateTimeField(null=True, blank=True)

    life = BACKTEST_LIFE
    objects = LockingQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            choices_check("policy_backtest", "state", BacktestState),
            models.UniqueConstraint(
                fields=["version"], condition=Q(state__in=BACKTEST_LIVE), name="policy_backtest_one_live"
            ),
            models.CheckConstraint(
                condition=Q(seen_at__isnull=True) | Q(state=BacktestState.DONE.value),
                name="policy_backtest_seen_when_done",
                violation_error_message="only a finished backtest can have been looked at",
            ),
        ]

    def __str__(self) -> str:
        return f"backtest {self.pk} of {self.version}"

    @property
    def is_queued(self) -> bool:
        return self.state == BacktestState.QUEUED

    @property
    def is_running(self) -> bool:
        return self.state == BacktestState.RUNNING

    @property
    def is_live(self) -> bool:
        """Whether a worker still goes on with it."""
        return self.state in BACKTEST_LIVE

    @property
    def is_done(self) -> bool:
        return self.state == BacktestState.DONE

    @property
    def has_failed(self) -> bool:
        return self.state == BacktestState.FAILED

    @property
    def is_cancelled(self) -> bool:
        return self.state == BacktestState.CANCELLED


class PolicyBacktestMonth(models.Model):
    """One month of a run: its share of the figures, and the decisions that would have come out differently.

    Leased by one worker at a time; a lease that ran out is anybody's. Only who still holds it writes.
    """

    backtest = models.ForeignKey(PolicyBacktest, models.CASCADE, related_name="months")
    month = models.DateField()
    rows = models.PositiveIntegerField(default=0)
    figures = models.JSONField(null=True, blank=True, help_text="Null until it is judged.")
    flips = models.BinaryField(default=bytes, help_text="Changed decisions, packed.")
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_token = models.CharField(max_length=32, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    judged_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=400, blank=True)

    objects = LockingQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["backtest", "month"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["backtest", "month"], name="policy_backtest_month_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["backtest", "month"], condition=Q(figures__isnull=True), name="policy_backtest_left"),
        ]

    def __str__(self) -> str:
        return f"{self.backtest_id} {self.month:%Y-%m}"
