"""What was found out about a revision: facts, estimate, decision, and the pins that let it be replayed."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from governance.domain.states.requests import Occasion
from governance.models.base import amount_check, choices_check
from governance.models.requests.provisioning import RequestRevision
from governance.policy.bundle.effects import Outcome
from governance.policy.facts.facts_schema import FACTS, Fact, FactType


class Assessment(models.Model):
    """One sizing and judgement of one revision. Append-only.

    Invariant: same facts, same policy digest, same catalogue digest, same engine → same decision.
    """

    revision = models.ForeignKey(RequestRevision, models.PROTECT, related_name="assessments")
    assessed_at = models.DateTimeField()
    occasion = models.CharField(max_length=10, help_text="submit or grant")
    outcome = models.CharField(max_length=10)
    exposure_micro = models.BigIntegerField(null=True)
    facts = models.JSONField()
    gaps = models.JSONField(
        default=dict, help_text="Facts that could not be read, and why; the rules that read them count as fired."
    )
    estimate = models.JSONField()
    decision = models.JSONField()
    facts_digest = models.CharField(max_length=64)
    policy_digest = models.CharField(max_length=64)
    catalogue_digest = models.CharField(max_length=64)
    engine_version = models.CharField(max_length=20)
    schema_version = models.PositiveSmallIntegerField()
    counted_requests = ArrayField(
        models.BigIntegerField(),
        default=list,
        help_text="Requests that were counted together with this one, the newest first, at most 200.",
    )

    class Meta:
        ordering: ClassVar = ["revision", "assessed_at"]
        constraints: ClassVar = [
            choices_check("assessment", "outcome", Outcome),
            choices_check("assessment", "occasion", Occasion),
            *amount_check("assessment", "exposure_micro"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["assessed_at"], name="assessment_by_time"),
            # Holds all that tells whether a month's chunks are complete: no row has to be read for it.
            models.Index(
                fields=["assessed_at", "id"],
                condition=models.Q(occasion=Occasion.SUBMIT.value),
                name="assessment_submitted_by_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.revision}: {self.outcome}"


def _column(fact: Fact) -> models.Field[Any, Any]:
    """The typed column of one fact. Nullable throughout: absent is NULL, and an older row lacks younger facts."""
    match fact.type:
        case FactType.DOUBLE:
            return models.FloatField(null=True)
        case FactType.INT:
            return models.BigIntegerField(null=True)
        case FactType.BOOL:
            return models.BooleanField(null=True)
        case FactType.TIMESTAMP:
            return models.DateTimeField(null=True)
        case FactType.STRING_LIST:
            return ArrayField(models.TextField(), null=True)
        case _:
            return models.TextField(null=True)


class FactRow(models.Model):
    """The facts of one assessment as typed columns, one per fact of the schema: what backtests and sweeps read."""

    assessment = models.OneToOneField(Assessment, models.PROTECT, related_name="fact_row", primary_key=True)
    for _fact in FACTS:
        locals()[_fact.column] = _column(_fact)
    del _fact

    class Meta:
        verbose_name = "fact row"

    def __str__(self) -> str:
        return f"facts of {self.assessment_id}"
