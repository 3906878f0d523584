"""The request form as a browser posts it, step by step."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from tests import cast as casting


def workload(**changes: Any) -> dict[str, Any]:
    """The first step: 8 accelerators' worth of lease, asked for as a cap."""
    return {
        "step": "workload",
        "action": "continue",
        "title": "Ablations",
        "project": "long-context",
        "kind": "new",
        "related_grant": "",
        "workload": "lease",
        "shown_workload": "lease",
        "sizing": "cap",
        "work-hours_per_accelerator": "",
    } | changes


def size(**changes: Any) -> dict[str, Any]:
    return {
        "step": "size",
        "action": "continue",
        "accelerator": casting.ACCELERATOR,
        "accelerator_count": "8",
        "gpu_hours_cap": "1,000",
        "money_cap_usd": "",
    } | changes


def place(today: date, **changes: Any) -> dict[str, Any]:
    return {
        "step": "place",
        "action": "continue",
        "place": f"coreweave~on_demand~{casting.ACCELERATOR}",
        "region": "",
        "country": "SE",
        "start_on": today.isoformat(),
        "end_on": (today + timedelta(days=13)).isoformat(),
        "access_countries": "Ireland",
    } | changes


def purpose(**changes: Any) -> dict[str, Any]:
    return {
        "step": "purpose",
        "action": "continue",
        "purpose": "research",
        "justification": "Compare two attention variants at equal compute.",
        "data_class": "internal",
        "exposure_of_output": "internal",
        "lineage": "",
        "eu_market": "",
        "beneficiary_entity": "",
        "beneficiary_hq_country": "",
        "destination_country": "",
        "licence_ref": "",
        "evidence_kind": ["", ""],
        "evidence_url": ["", ""],
    } | changes
