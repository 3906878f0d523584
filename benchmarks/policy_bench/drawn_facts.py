"""Synthetic asks with a fixed seed: as columns, as one mapping per namespace, or as this library's flat facts."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.policy_bench.facts import SCHEMA

SEED = 20261121
GPU_TYPES = ("H100", "H200", "B200", "GB200", "A100", "L40S", "T4", "MI300X")
PROVIDERS = ("aws", "gcp", "azure", "coreweave", "lambda", "onprem", "vastai")
REGIONS = (
    "us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-southeast-1", "me-central-1", "cn-north-1",
    "ru-central-1",
)  # fmt: skip
PURPOSES = ("training", "finetuning", "inference", "research", "batch", "crypto_mining", "social_scoring")
DATA_CLASSES = ("public", "internal", "personal", "special_category", "restricted")
COUNTRIES = ("US", "DE", "FR", "IN", "AE", "SA", "CN", "IR", "RU", "KP", "SG", "JP")
ROLES = ("engineer", "researcher", "contractor", "student")
TEAMS = ("nlp", "vision", "rl", "infra", "bio")
STATUSES = (*["active"] * 8, "closed")
GROUP_NAMES = ("compute-approved", "frontier", "eu-staff", "safety-cleared")
# All sixteen combinations of groups, by the bits of a number.
GROUPS = tuple(tuple(name for bit, name in enumerate(GROUP_NAMES) if mask >> bit & 1) for mask in range(16))

EPOCH = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp())
DAY = 86_400

# Columns that are texts, with all that they can say; their codes are indexes into it.
DICTIONARIES: dict[str, tuple[str, ...]] = {
    "gpu_type": GPU_TYPES,
    "provider": PROVIDERS,
    "region": REGIONS,
    "purpose": PURPOSES,
    "data_class": DATA_CLASSES,
    "end_user_country": COUNTRIES,
    "role": ROLES,
    "project_status": STATUSES,
    "team": TEAMS,
}


def columns(count: int, seed: int = SEED) -> dict[str, NDArray[Any]]:
    """Arrays of `count` asks. Texts are codes into `DICTIONARIES`, instants are seconds, `x__has` says who has x."""
    random = np.random.default_rng(seed)
    made: dict[str, NDArray[Any]] = {}
    made["gpu_type"] = random.integers(0, len(GPU_TYPES), count)
    made["gpu_count"] = np.maximum(1, np.round(np.exp(random.normal(2.2, 1.4, count)))).astype(np.int64)
    made["hours"] = np.round(np.exp(random.normal(3.5, 1.5, count)), 1)
    made["cost_usd"] = np.round(made["gpu_count"] * made["hours"] * random.uniform(0.4, 6, count), 2)
    made["training_flop"] = 10 ** random.normal(21.5, 1.8, count)
    # Some requests stand exactly on the line.
    made["training_flop"][random.integers(0, count, max(2, count // 500))] = 1e25
    made["training_flop__has"] = random.random(count) < 0.6
    made["provider"] = random.choice(len(PROVIDERS), count, p=[0.3, 0.2, 0.2, 0.1, 0.06, 0.12, 0.02])
    made["region"] = random.choice(len(REGIONS), count, p=[0.27, 0.2, 0.2, 0.15, 0.1, 0.04, 0.02, 0.02])
    made["purpose"] = random.choice(len(PURPOSES), count, p=[0.25, 0.2, 0.2, 0.2, 0.14, 0.005, 0.005])
    made["data_class"] = random.choice(5, count, p=[0.35, 0.4, 0.15, 0.04, 0.06])
    made["encrypted"] = random.random(count) < 0.8
    shares = [0.3, 0.15, 0.1, 0.1, 0.05, 0.05, 0.05, 0.01, 0.01, 0.01, 0.09, 0.08]
    made["end_user_country"] = random.choice(len(COUNTRIES), count, p=shares)
    made["end_user_country__has"] = random.random(count) < 0.5
    made["export_license"] = random.random(count) < 0.15
    made["start"] = EPOCH + random.integers(0, 3 * 365 * DAY, count)
    made["project_id"] = random.integers(0, 5000, count)
    made["project_status"] = random.integers(0, len(STATUSES), count)
    made["project_end"] = made["start"] + random.integers(-30 * DAY, 400 * DAY, count)
    made["avg_util"] = np.round(random.beta(4, 4, count), 3)
    made["avg_util__has"] = random.random(count) < 0.7
    made["budget_total"] = np.round(np.exp(random.normal(11.5, 1, count)), 2)
    made["budget_spent"] = np.round(made["budget_total"] * random.uniform(0, 1, count), 2)
    made["budget_reserved"] = np.round(made["budget_total"] * random.uniform(0, 0.2, count), 2)
    made["role"] = random.choice(4, count, p=[0.5, 0.3, 0.12, 0.08])
    made["team"] = random.integers(0, 5, count)
    made["groups"] = random.integers(0, 16, count)
    made["provider_share"] = np.round(random.beta(2, 4, count), 3)
    return made


def nested_rows(made: dict[str, NDArray[Any]]) -> list[dict[str, Any]]:
    """One mapping per namespace and request, as a caller would have them; absent facts are not there."""
    plain: dict[str, list[Any]] = {}
    for name, array in made.items():
        values = array.tolist()
        plain[name] = [DICTIONARIES[name][code] for code in values] if name in DICTIONARIES else values
    return [_nested({name: values[row] for name, values in plain.items()}, row) for row in range(len(plain["hours"]))]


_REQUEST = (
    "gpu_type", "gpu_count", "hours", "cost_usd", "provider", "region", "purpose", "data_class", "encrypted",
    "export_license", "provider_share",
)  # fmt: skip


def _nested(facts: dict[str, Any], row: int) -> dict[str, Any]:
    request = {"id": row} | {name: facts[name] for name in _REQUEST}
    request["start"] = datetime.fromtimestamp(facts["start"], UTC)
    for name in ("training_flop", "end_user_country"):
        if facts[f"{name}__has"]:
            request[name] = facts[name]
    project = {"id": facts["project_id"], "status": facts["project_status"]}
    project["end"] = datetime.fromtimestamp(facts["project_end"], UTC)
    if facts["avg_util__has"]:
        project["avg_util"] = facts["avg_util"]
    return {
        "request": request,
        "project": project,
        "budget": {name: facts[f"budget_{name}"] for name in ("total", "spent", "reserved")},
        "requester": {"role": facts["role"], "team": facts["team"], "groups": list(GROUPS[facts["groups"]])},
    }


def flat_row(nested: dict[str, Any]) -> dict[str, Any]:
    """The same request as this library's facts."""
    # The names are the schema's own strings, as they are when facts are gathered from literals.
    return {
        _NAMES[namespace, name]: value
        for namespace, fields in nested.items()
        for name, value in fields.items()
        if name != "id"
    }


_NAMES = {(fact.namespace, fact.field): sys.intern(fact.name) for fact in SCHEMA.facts}
