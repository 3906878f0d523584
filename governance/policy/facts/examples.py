"""A plain, valid request as facts: the ground that test cases change one thing on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any


def plain_facts() -> dict[str, Any]:
    """Eight L40S for 160 hours of notebooks on internal data, 1,216 USD, everything in order."""
    return {
        "request.kind": "new",
        "request.workload": "interactive",
        "request.purpose": "research",
        "request.use_tags": [],
        "request.data_class": "internal",
        "request.customer_data": False,
        "request.exposure_of_output": "internal",
        "request.evidence_kinds": [],
        "request.start_at": datetime(2026, 12, 1, 8, tzinfo=UTC),
        "request.end_at": datetime(2026, 12, 15, 8, tzinfo=UTC),
        "request.window_days": 14.0,
        "request.accelerator": "l40s",
        "request.accelerator_vendor": "NVIDIA",
        "request.accelerator_count": 8,
        "request.gpu_hours_cap": 1280.0,
        "request.exposure_usd": 1216.0,
        "estimate.cost_p50_usd": 1216.0,
        "estimate.cost_p90_usd": 1216.0,
        "estimate.commitment_tail_usd": 0.0,
        "estimate.gpu_hours_p50": 1280.0,
        "estimate.gpu_hours_p90": 1280.0,
        "thresholds.exceeded": [],
        "thresholds.may_exceed": [],
        "place.provider": "lambda",
        "place.provider_type": "specialist",
        "place.region": "europe-central-1",
        "place.country": "DE",
        "place.price_term": "on_demand",
        "budget.headroom_after_usd": 84_000.0,
        "budget.used_ratio": 0.61,
        "budget.periods_crossed": 1,
        "budget.cost_centre": "4300",
        "people.requester_type": "employee",
        "people.requester_roles": ["requester"],
        "people.team_path": ["northlight", "research"],
        "people.access_countries": ["IE"],
        "people.screening_state": "not_needed",
        "people.aup_current": True,
        "people.aup_age_days": 40,
        "people.trainings_valid": [],
        "lineage.modalities": [],
        "vendor.provider_approved": True,
        "vendor.provider_dpa": True,
        "vendor.provider_terms_age_days": 120,
        "vendor.provider_certifications": ["iso27001"],
        "vendor.provider_share_after": 0.05,
        "vendor.hhi_after": 0.26,
        "history.similar_count_30d": 1,
        "history.similar_exposure_30d_usd": 1216.0,
        "history.project_age_days": 400,
        "history.project_open_grants": 1,
        "clock.decided_at": datetime(2026, 11, 25, 9, tzinfo=UTC),
    }
