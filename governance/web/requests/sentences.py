"""A finished step in one sentence, so that it can collapse."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from governance.display import durations, numbers, reader
from governance.display.countries import name_of
from governance.display.vocabulary import TERM_NAMES
from governance.domain.prose import capital
from governance.domain.requests import fields
from governance.domain.requests.kinds import NEW, kind_of
from governance.domain.requests.said import phrase
from governance.web.requests.registers import Registers

STEP_TITLES: dict[str, str] = {
    "workload": "Workload",
    "size": "Size",
    "place": "Place",
    "purpose": "Purpose",
    "review": "Review and submit",
}
STEP_HINTS: dict[str, str] = {
    "workload": "What will it run?",
    "size": "How much of what?",
    "place": "Where, and when?",
    "purpose": "Why, with which data, for whom?",
    "review": "Nothing is held before this",
}
_METHODS = {"full": "full", "lora": "LoRA", "qlora": "QLoRA"}


def describe(step: str, content: Mapping[str, Any], registers: Registers) -> str:
    """The step in one or two sentences; empty for the last one."""
    match step:
        case "workload":
            return _workload(content, registers)
        case "size":
            return _size(content, registers)
        case "place":
            return _place(content, registers)
        case "purpose":
            return _purpose(content, registers)
    return ""


def _workload(content: Mapping[str, Any], registers: Registers) -> str:
    work = content.get("work") or {}
    name = fields.field("workload").labels.get(str(content.get("workload")), "")
    if content.get("workload") == "fine_tuning" and str(work.get("method")) in _METHODS:
        name = f"Fine-tuning ({_METHODS[work['method']]})"
    parts = [name]
    if parameters := _number(work.get("parameters_billion")):
        parts.append(f"of a {numbers.billions(parameters)} model")
    if tokens := _number(work.get("tokens_billion") or work.get("generated_tokens_billion")):
        parts.append(f"on {numbers.billions(tokens)} tokens")
    if work.get("api_model"):
        parts.append(f"with {work['api_model']}")
    text = f"{' '.join(part for part in parts if part)}, for {registers.project_name(content.get('project'))}."
    text += " Sized by us from the workload." if content.get("sizing") == "work" else " Asked for as a cap."
    if (kind := kind_of(content.get("kind"))) is not NEW:
        text += f" {kind.label}"
        text += f": {content['related_grant']}." if content.get("related_grant") else "."
    return text


def _size(content: Mapping[str, Any], registers: Registers) -> str:
    parts = []
    count = _number(content.get("accelerator_count"))
    if count and content.get("accelerator"):
        name = registers.accelerator_name(content["accelerator"])
        parts.append(numbers.times(count, name))
    if cap := _number(content.get("gpu_hours_cap")):
        lasts = durations.spoken(cap / count) if count else ""
        parts.append(f"for up to {numbers.figure(cap)} GPU-hours")
        parts[-1] += f" ({lasts})" if lasts else ""
    elif content.get("sizing") == "work" and content.get("workload") != "hosted_api":
        parts.append("for the hours that the workload needs")
    if money := _number(content.get("money_cap_usd")):
        parts.append(f"at most {numbers.exact(money)}{numbers.NBSP}USD")
    text = ", ".join(parts)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _place(content: Mapping[str, Any], registers: Registers) -> str:
    provider = registers.provider(content.get("provider"))
    where = provider.name if provider else str(content.get("provider") or "")
    term = TERM_NAMES.get(str(content.get("price_term")), "")
    parts = [where, str(content.get("region") or ""), name_of(content.get("country"))]
    if term and term != "owned pool":
        parts.append(term)
    text = ", ".join(dict.fromkeys(part for part in parts if part)) + "."
    start, end = as_date(content.get("start_on")), as_date(content.get("end_on"))
    if start:
        text += f" From {reader.day(start)}"
        text += f" to {reader.day(end)}." if end else ", without an end."
    if content.get("access_countries"):
        text += f" Used from {', '.join(name_of(code) for code in content['access_countries'])}."
    return text


def _purpose(content: Mapping[str, Any], registers: Registers) -> str:
    said = [phrase(row, content.get(row.name) or row.default) for row in fields.of_step("purpose")]
    text = capital(", ".join(part for part in said if part)) + "."
    if content.get("lineage"):
        text += f" Lineage {content['lineage']}."
    if content.get("evidence"):
        kinds = fields.field("evidence").labels
        text += f" Evidence: {', '.join(kinds.get(item['kind'], item['kind']) for item in content['evidence'])}."
    return text


def as_date(value: object) -> date | None:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None
