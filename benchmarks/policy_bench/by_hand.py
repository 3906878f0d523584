"""The twenty rules as one experienced Python programmer would write them by hand: the yardstick, and the reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_APPROVED = {"aws", "gcp", "azure", "coreweave", "lambda", "onprem"}
_ADVANCED = {"H100", "H200", "B200", "GB200", "MI300X"}
_EMBARGOED = {"IR", "KP", "RU", "CU", "SY", "BY"}
_LICENSED = {"CN", "AE", "SA"}


def fired_mask(facts: Mapping[str, Any]) -> int:
    """Bit i: rule i+1 of `rules.RULES` fired."""
    q = facts["request"]
    p = facts["project"]
    b = facts["budget"]
    u = facts["requester"]
    m = 0
    provider = q["provider"]
    country = q.get("end_user_country")
    flop = q.get("training_flop")
    cost = q["cost_usd"]
    count = q["gpu_count"]
    if provider not in _APPROVED:
        m |= 1
    if q["region"] in ("cn-north-1", "ru-central-1"):
        m |= 2
    if q["gpu_type"] in _ADVANCED and country is not None:
        if country in _EMBARGOED:
            m |= 4
        elif country in _LICENSED and not q["export_license"]:
            m |= 8
    if q["purpose"] in ("crypto_mining", "social_scoring"):
        m |= 16
    if flop is not None:
        if flop >= 1e25:
            m |= 32
        elif flop >= 1e23:
            m |= 64
    elif q["purpose"] == "training" and count >= 64:
        m |= 128
    if cost > 5000.0:
        m |= 256
        if cost > 50000.0:
            m |= 512
            if cost > 500000.0:
                m |= 1024
    spent = b["spent"] + b["reserved"] + cost
    if spent > b["total"] * 1.1:
        m |= 2048
    if spent / b["total"] > 0.8:
        m |= 4096
    data_class = q["data_class"]
    if data_class == "restricted":
        if provider != "onprem" and not q["encrypted"]:
            m |= 8192
    elif (data_class == "personal" or data_class == "special_category") and not q["region"].startswith("eu-"):
        m |= 16384
    utilisation = p.get("avg_util")
    if utilisation is not None and utilisation < 0.35 and count > 8:
        m |= 32768
    if q["provider_share"] > 0.6 and provider != "onprem":
        m |= 65536
    hours = q["hours"]
    if hours > 720.0 or count * hours > 100000.0:
        m |= 131072
    if p["status"] != "active" or q["start"] >= p["end"]:
        m |= 262144
    if u["role"] in ("contractor", "student") and "compute-approved" not in u["groups"]:
        m |= 524288
    return m
