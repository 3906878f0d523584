"""What changed from one revision of an ask to the next, field by field, in words. Pure: it reads no rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from estimator.core.results.result import Estimate
from governance.domain.money.money import to_units
from governance.policy.decisions.wording import format_value

NOTHING = "none"
# Long texts are shown by their beginning: the whole of them stands in the revision.
TEXT_SHOWN_CHARS = 240

LABELS: dict[str, str] = {
    "title": "Title",
    "kind": "Kind",
    "project": "Project",
    "workload": "Workload",
    "ask": "Asked as",
    "accelerator": "Accelerator",
    "accelerator_count": "Accelerators",
    "gpu_hours_cap": "GPU-hours, cap",
    "money_cap_usd": "Money, cap",
    "provider": "Provider",
    "region": "Region",
    "country": "Country of the machines",
    "price_term": "Price term",
    "start_on": "Start",
    "end_on": "End",
    "purpose": "Purpose",
    "use_tags": "Used for",
    "prohibited_uses": "Prohibited uses",
    "data_class": "Data",
    "customer_data": "Customer data",
    "exposure_of_output": "Who sees the output",
    "beneficiary_entity": "For whom",
    "beneficiary_hq_country": "Country of their ultimate parent",
    "access_countries": "Used from",
    "destination_country": "Destination",
    "lineage": "Model lineage",
    "modalities": "Modalities",
    "eu_market": "EU market",
    "justification": "Justification",
    "evidence": "Evidence",
    "related_grant": "Grant that it is about",
    "licence_ref": "Export licence",
}
_UNITS = {"gpu_hours_cap": "h", "money_cap_usd": "USD"}
_SILENT = {"schema", "work"}


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs."""

    label: str
    was: str
    now: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two revisions side by side."""

    was_number: int
    now_number: int
    changes: tuple[Change, ...]
    same_count: int


def compare_contents(was: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[list[Change], int]:
    """Fields that differ, in the order of the form, and how many say the same.

    Args:
        was, now: contents of two revisions, as `Ask.to_content` wrote them.
    """
    changes: list[Change] = []
    same = 0
    for name, label in LABELS.items():
        before, after = was.get(name), now.get(name)
        if before == after or (_is_empty(before) and _is_empty(after)):
            same += not _is_empty(after)
        else:
            changes.append(Change(label, in_words(name, before), in_words(name, after)))
    was_work, now_work = was.get("work") or {}, now.get("work") or {}
    for name in sorted({*was_work, *now_work}):
        before, after = was_work.get(name), now_work.get(name)
        if before == after:
            same += 1
        else:
            label = name.replace("_", " ").capitalize()
            changes.append(Change(label, in_words(name, before), in_words(name, after)))
    return changes, same


def compare_estimates(
    was: Estimate | None, now: Estimate | None, *, was_exposure: int | None, now_exposure: int | None
) -> list[Change]:
    """What follows from the change: the amount that counts, and carbon."""
    changes: list[Change] = []
    if was_exposure != now_exposure:
        changes.append(
            Change("Counts as", _usd(was_exposure), _usd(now_exposure), _difference(was_exposure, now_exposure))
        )
    before = was.carbon_kg.p50 if was and was.carbon_kg else None
    after = now.carbon_kg.p50 if now and now.carbon_kg else None
    if before is not None and after is not None and abs(before - after) > 0.02 * max(before, after):
        changes.append(
            Change("Carbon, p50", format_value(round(before), "kg CO2e"), format_value(round(after), "kg CO2e"))
        )
    return changes


def in_words(name: str, value: Any) -> str:
    """One value of a revision as people read it; what is not there is "none"."""
    if _is_empty(value):
        return NOTHING
    if name == "evidence":
        return ", ".join(f"{item['kind'].replace('_', ' ')}: {item['url']}" for item in value)
    if name == "related_grant" or name.endswith(("_on", "url")):
        return str(value)
    if isinstance(value, str):
        text = value if name in ("title", "justification", "beneficiary_entity") else value.replace("_", " ")
        return text if len(text) <= TEXT_SHOWN_CHARS else f"{text[:TEXT_SHOWN_CHARS].rstrip()}…"
    if isinstance(value, list | tuple):
        return ", ".join(str(item).replace("_", " ") for item in value)
    return format_value(value, _UNITS.get(name, ""))


def _is_empty(value: Any) -> bool:
    return value is None or value == "" or value == [] or value == () or value == {}


def _usd(amount_micro: int | None) -> str:
    return "unknown" if amount_micro is None else format_value(to_units(amount_micro), "USD")


def _difference(was: int | None, now: int | None) -> str:
    if not was or now is None:
        return ""
    percent = (now - was) / was * 100
    sign = "+" if percent > 0 else "\N{MINUS SIGN}"
    return f"{sign}{abs(percent):.1f}\N{NO-BREAK SPACE}%"
