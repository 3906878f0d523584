"""Price lists in SkyPilot's catalogue format: accelerator rows to dated prices, host rows to what they are."""

from __future__ import annotations

import csv
import hashlib
import io
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from estimator.core.pricing.place import PriceTerm
from governance.display import numbers

COLUMNS = (
    "InstanceType",
    "vCPUs",
    "MemoryGiB",
    "AcceleratorName",
    "AcceleratorCount",
    "GpuInfo",
    "Region",
    "AvailabilityZone",
    "Price",
    "SpotPrice",
)
ROWS_MAX = 200_000
USD_MAX = 100_000.0
NAMES = {
    "a100": "a100-sxm4-40gb",
    "h100": "h100-sxm5-80gb",
    "v100": "v100-sxm2-16gb",
    "v100-32gb": "v100-sxm2-32gb",
    "trainium": "trainium1",
    "inferentia": "inferentia1",
    "rtx3090": "rtx-3090",
    "rtx4090": "rtx-4090",
    "rtx5090": "rtx-5090",
    "rtxa4000": "rtx-a4000",
    "rtxa5000": "rtx-a5000",
    "rtxa6000": "rtx-a6000",
    "rtx6000-ada": "rtx-6000-ada",
}
"""What SkyPilot's own short names mean: `A100` is the 40 GB part, beside `A100-80GB`; `V100` the 16 GB one.

A TPU is named by its slice (`tpu-v4-8`), cores or chips by generation, and is left out rather than guessed.
"""
_MEMORY = re.compile(r"TotalGpuMemoryInMiB'?\"?\s*:\s*(\d+)|SizeInMiB'?\"?\s*:\s*(\d+)")


class SkyPilotError(ValueError):
    """A file that is no SkyPilot catalogue, or a cell that is no price; nothing is imported."""


@dataclass(frozen=True, slots=True)
class Imported:
    """Rows for the `prices` table, and why the other rows gave none."""

    prices: tuple[dict[str, Any], ...]
    left_out: dict[str, int]


def read_prices(
    text: str, *, provider: str, as_of: date, source: str, licence: str, names: Mapping[str, str]
) -> Imported:
    """Read a catalogue file of one provider.

    A row without an accelerator prices a host alone and never an accelerator. Where a host of the same instance type
    and region has a row of its own, its price is added to the accelerator's: those lists (Google's) leave it out.
    Of several zones of a region the dearest is kept: nobody is promised the cheapest zone.

    Args:
        names: printed accelerator name, in lower case, to slug.

    Raises:
        SkyPilotError: a column is missing, or a cell is not a number.
    """
    rows = _rows(text)
    hosts = _host_prices(rows)
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    left_out: Counter[str] = Counter()
    for line, row in enumerate(rows, start=2):
        printed = row["AcceleratorName"].strip()
        count = _number(row, "AcceleratorCount", line) or 0.0
        if not printed or count <= 0:
            left_out["host alone, no accelerator"] += 1
            continue
        slug = _slug_of(printed, row["GpuInfo"], count, names)
        if slug is None:
            left_out[f"unknown accelerator `{printed[:40]}`"] += 1
            continue
        for term, column in ((PriceTerm.ON_DEMAND, "Price"), (PriceTerm.SPOT, "SpotPrice")):
            usd = _number(row, column, line)
            if usd is None or usd <= 0:
                left_out[f"no {column}"] += 1
                continue
            host = hosts.get((row["InstanceType"].strip(), row["Region"].strip(), column), 0.0)
            each = (usd + host) / count
            if each > USD_MAX:
                raise SkyPilotError(f"line {line}: {column}: `{usd}` is not a price of an accelerator")
            price = _price(row, provider, slug, printed, term, each, host, as_of, source, licence)
            key = (slug, str(term), f"{price['region']}|{price['instance']}")
            if key not in found or found[key]["usd_per_gpu_hour"] < price["usd_per_gpu_hour"]:
                found[key] = price
    return Imported(tuple(found[key] for key in sorted(found)), dict(sorted(left_out.items())))


def _rows(text: str) -> list[dict[str, str]]:
    reader = csv.DictReader(io.StringIO(text))
    missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
    if missing:
        raise SkyPilotError(f"line 1: the columns {', '.join(missing)} are missing")
    rows = [{name: row.get(name) or "" for name in COLUMNS} for row in reader]
    if len(rows) > ROWS_MAX:
        raise SkyPilotError(f"use at most {numbers.count(ROWS_MAX)} rows")
    return rows


def _host_prices(rows: Iterable[Mapping[str, str]]) -> dict[tuple[str, str, str], float]:
    """Dearest host-only price by instance type, region and column."""
    hosts: dict[tuple[str, str, str], float] = {}
    for line, row in enumerate(rows, start=2):
        if row["AcceleratorName"].strip() or not row["InstanceType"].strip():
            continue
        for column in ("Price", "SpotPrice"):
            usd = _number(row, column, line)
            key = (row["InstanceType"].strip(), row["Region"].strip(), column)
            if usd is not None and usd > hosts.get(key, 0.0):
                hosts[key] = usd
    return hosts


def _slug_of(printed: str, info: str, count: float, names: Mapping[str, str]) -> str | None:
    """The accelerator that a printed name means; the name with its memory first, where the row states one."""
    if printed.lower() in NAMES:
        return NAMES[printed.lower()]
    matched = _MEMORY.search(info)
    candidates = [printed, printed.replace("-", " ")]
    if matched:
        each = int(matched.group(1) or matched.group(2)) / (count if matched.group(1) else 1.0)
        candidates = [f"{printed} {round(each / 1000)}GB", f"{printed} {round(each / 1024)}GB", *candidates]
    return next((names[name.lower()] for name in candidates if name.lower() in names), None)


def _price(
    row: Mapping[str, str],
    provider: str,
    slug: str,
    printed: str,
    term: str,
    usd: float,
    host: float,
    as_of: date,
    source: str,
    licence: str,
) -> dict[str, Any]:
    region, instance = row["Region"].strip()[:160], row["InstanceType"].strip()[:160]
    place = hashlib.sha256(f"{region}|{instance}".encode()).hexdigest()[:8]
    term_slug = term.replace("_", "-")
    return {
        "slug": f"sky-{provider}-{slug}-{term_slug}-{place}-{as_of:%Y%m%d}",
        "provider": provider,
        "accelerator": slug,
        "accelerator_as_printed": printed[:120],
        "memory_gb": None,
        "price_term": str(term),
        "usd_per_gpu_hour": Decimal(str(round(usd, 6))),
        "as_of": as_of,
        "region": region,
        "instance": instance,
        "licence": licence[:80],
        "source": source,
        "note": f"host of {numbers.figure(host, 6)} USD an hour added" if host else "",
        "doubt": "",
    }


def _number(row: Mapping[str, str], name: str, line: int) -> float | None:
    text = row[name].strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        raise SkyPilotError(f"line {line}: {name}: `{text[:40]}` is not a number") from None
    if math.isnan(value):
        return None
    if math.isinf(value):
        raise SkyPilotError(f"line {line}: {name}: `{text[:40]}` is not a number")
    return value
