"""Stores what an assessment found, with the pins that let it be replayed."""

from __future__ import annotations

from datetime import datetime

from governance.models import Assessment, FactRow, RequestRevision
from governance.policy.facts.facts_schema import FACTS
from governance.selectors.requests.judgement import Assessed
from governance.selectors.requests.sizing import ENGINE_VERSION
from governance.services.messages import alerts


def store(assessed: Assessed, revision: RequestRevision, *, occasion: str, now: datetime) -> Assessment:
    """Write facts (typed columns and canonical JSON), estimate, decision and digests. The caller's transaction.

    Whoever keeps a register that could not be read is told.
    """
    assessment = Assessment.objects.create(
        revision=revision,
        assessed_at=now,
        occasion=occasion,
        outcome=assessed.outcome.value,
        exposure_micro=assessed.exposure_micro,
        facts=assessed.facts_json,
        gaps=dict(assessed.facts.gaps),
        estimate=assessed.estimate.to_json(),
        decision=assessed.decision.to_json(),
        facts_digest=assessed.facts_digest,
        policy_digest=assessed.policy_digest,
        catalogue_digest=assessed.catalogue_digest,
        engine_version=ENGINE_VERSION,
        schema_version=assessed.schema_version,
        counted_requests=list(assessed.context.similar_ids),
    )
    columns = {fact.column: assessed.facts.get(fact.name) for fact in FACTS}
    FactRow.objects.create(assessment=assessment, **columns)
    if assessed.facts.gaps:
        alerts.tell_register_unread(revision.provisioning_request, assessed.facts.gaps, now=now)
    return assessment
