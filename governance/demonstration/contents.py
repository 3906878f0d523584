"""The content of requests as the form would send it: a place, an amount, and what the story adds."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from governance.domain.states.requests import RequestKind

HOME = "https://docs.northlight.example"

PLACES: dict[str, dict[str, Any]] = {
    "pool": {
        "provider": "northlight-lulea", "price_term": "owned_pool", "accelerator": "h100-sxm5-80gb", "region": "lulea",
        "country": "SE",
    },
    "coreweave": {
        "provider": "coreweave", "price_term": "committed_pool", "accelerator": "h200-sxm-141gb", "region": "nordics-1",
        "country": "NO",
    },
    "coreweave-year": {
        "provider": "coreweave", "price_term": "reserved_1y", "accelerator": "h100-sxm5-80gb", "region": "nordics-1",
        "country": "NO",
    },
    "aws": {
        "provider": "aws", "price_term": "on_demand", "accelerator": "h100-sxm5-80gb", "region": "eu-north-1",
        "country": "SE",
    },
    "google": {
        "provider": "google-cloud", "price_term": "on_demand", "accelerator": "h100-sxm5-80gb",
        "region": "europe-north1", "country": "FI",
    },
    "google-b200": {
        "provider": "google-cloud", "price_term": "on_demand", "accelerator": "b200-sxm", "region": "europe-west4",
        "country": "NL",
    },
    "google-spot": {
        "provider": "google-cloud", "price_term": "spot", "accelerator": "a100-sxm4-80gb", "region": "europe-north1",
        "country": "FI",
    },
    "lambda": {
        "provider": "lambda", "price_term": "on_demand", "accelerator": "a100-sxm4-80gb", "region": "us-east-1",
        "country": "US",
    },
    "verda": {
        "provider": "verda", "price_term": "on_demand", "accelerator": "l40s", "region": "fin-01", "country": "FI",
    },
    "vast": {
        "provider": "vast-ai", "price_term": "spot", "accelerator": "rtx-4090", "region": "eu", "country": "PL",
    },
    "azure": {
        "provider": "azure", "price_term": "on_demand", "accelerator": "maia-100", "region": "swedencentral",
        "country": "SE",
    },
    "openai": {"provider": "openai", "price_term": "per_token"},
}  # fmt: skip


def content(
    title: str,
    *,
    project: str,
    workload: str,
    place: str,
    start: date | datetime,
    days: int | None,
    why: str,
    count: int = 0,
    hours: float | None = None,
    **more: Any,
) -> dict[str, Any]:
    """One request in the canonical shape, asked for as a cap.

    Args:
        place: a key of `PLACES`.
        start: first day; of an instant, its day.
        days: length of the window; None for open-ended work.
        hours: device-hours that the grant enforces.
        more: other fields of the form, which win.
    """
    first = start.date() if isinstance(start, datetime) else start
    return {
        "title": title,
        "kind": RequestKind.NEW,
        "project": project,
        "workload": workload,
        "sizing": "cap",
        "work": {},
        "accelerator_count": count,
        "gpu_hours_cap": hours,
        "start_on": first.isoformat(),
        "end_on": None if days is None else (first + timedelta(days=days - 1)).isoformat(),
        "purpose": "research",
        "data_class": "internal",
        "exposure_of_output": "internal",
        "justification": why,
        **PLACES[place],
        **more,
    }


def evidence(*kinds: str) -> list[dict[str, str]]:
    """Links to papers of these kinds."""
    return [{"kind": kind, "url": f"{HOME}/{kind.replace('_', '-')}"} for kind in kinds]
