"""What a version in shadow would have said of each assessment. It never decides."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from governance.models.base import choices_check
from governance.models.requests.assessments import Assessment
from governance.models.rules.policies import PolicyVersion
from governance.policy.bundle.effects import Outcome

CHANGES_CHARS_MAX = 400


class ShadowDecision(models.Model):
    """One assessment judged with a version in shadow in the place of its set's active one. Append-only."""

    version = models.ForeignKey(PolicyVersion, models.PROTECT, related_name="shadow_decisions")
    assessment = models.ForeignKey(Assessment, models.PROTECT, related_name="shadow_decisions")
    outcome = models.CharField(max_length=10, blank=True)
    error = models.CharField(max_length=200, blank=True, help_text="Why it could not be judged; then no outcome.")
    flips = models.BooleanField(help_text="Whether the outcome differs from what was decided.")
    changes = models.CharField(
        max_length=CHANGES_CHARS_MAX, blank=True, default="",
        help_text="What differs where the outcome is the same: people, deadlines, duties, flags.",
    )  # fmt: skip
    rule_ids = models.JSONField("rules", help_text="Rules that fired in the shadow version.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["version", "assessment"], name="shadow_decision_once"),
            choices_check("shadow_decision", "outcome", (*Outcome, "")),
            models.CheckConstraint(
                condition=Q(outcome="") ^ Q(error=""),
                name="shadow_decision_outcome_or_error",
                violation_error_message="a shadow decision has an outcome or says why it has none",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.assessment_id}: {self.outcome} under {self.version_id}"
