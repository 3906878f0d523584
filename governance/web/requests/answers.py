"""From posted text to the content of a request, step by step. Shape only: what it means is `Ask.parse`'s business.

A number that cannot be read stays the text that was typed, so that the refusal can show it and the page keeps it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.http import QueryDict

from estimator.core.workload.fields import FIELDS_BY_KIND, FieldSpec, FieldType, WorkloadKind
from governance.display.countries import COUNTRIES, code_of
from governance.domain.requests.ask import EVIDENCE_LENGTH_MAX, KINDS_ON_A_GRANT, LIST_LENGTH_MAX
from governance.domain.typed import read_integer, read_number, read_text
from governance.web.requests.questions import input_name

Content = dict[str, Any]
Errors = dict[str, str]

STEPS = ("workload", "size", "place", "purpose", "review")
STEP_FIELDS: dict[str, tuple[str, ...]] = {
    "workload": ("title", "kind", "related_grant", "project", "workload", "ask", "work"),
    "size": ("accelerator", "accelerator_count", "gpu_hours_cap", "money_cap_usd"),
    "place": ("provider", "price_term", "region", "country", "start_on", "end_on", "access_countries"),
    "purpose": (
        "purpose", "prohibited_uses", "data_class", "customer_data", "exposure_of_output", "use_tags",
        "beneficiary_entity", "beneficiary_hq_country", "lineage", "modalities", "eu_market", "evidence",
        "justification", "destination_country", "licence_ref",
    ),
    "review": (),
}  # fmt: skip
KNOWN_PLACE_SEPARATOR = "~"
OTHER_PLACE = "other"

# A browser sends half of a character pair as this mark: what was typed is lost, so it is not kept silently.
_REPLACED = "\ufffd"
_BROKEN = "contains half of a character pair: type the text again"
_TEXTS = {
    "title", "kind", "related_grant", "project", "workload", "ask", "accelerator", "start_on", "end_on", "region",
    "country", "purpose", "data_class", "exposure_of_output", "beneficiary_entity", "beneficiary_hq_country", "lineage",
    "justification", "destination_country", "licence_ref",
}  # fmt: skip
_COUNTRY_FIELDS = ("country", "beneficiary_hq_country", "destination_country")


def read_step(step: str, data: QueryDict, draft: Mapping[str, Any]) -> tuple[Content, Errors]:
    """The draft with one step's answers laid over it, and what is wrong with their shape.

    Args:
        draft: the content so far; it is not changed.
    """
    content, errors = dict(draft), Errors()
    for name in STEP_FIELDS[step]:
        if name in _TEXTS:
            content[name] = read_text(data.get(input_name(name)))
            if _REPLACED in (content[name] or ""):
                errors[name] = _BROKEN
            elif name in _COUNTRY_FIELDS and content[name] and content[name] not in COUNTRIES:
                errors[name] = f"`{content[name][:20]}` is not a country: choose one from the list"
    if step == "workload":
        if content.get("kind") not in KINDS_ON_A_GRANT:
            # The question is hidden for these kinds, and so is what was chosen for another one.
            content["related_grant"] = None
        content["work"] = _read_work(content.get("workload"), data, errors)
    elif step == "size":
        content["accelerator_count"] = read_integer(data.get("accelerator_count"))
        content["gpu_hours_cap"] = read_number(data.get("gpu_hours_cap"))
        content["money_cap_usd"] = read_number(data.get("money_cap_usd"))
    elif step == "place":
        _read_place(content, data, errors)
        _read_countries(content, data, errors)
    elif step == "purpose":
        content["customer_data"] = data.get("customer_data") == "yes"
        content["use_tags"] = _read_list(data, "use_tags", errors)
        content["prohibited_uses"] = _read_list(data, "prohibited_uses", errors)
        content["modalities"] = _read_list(data, "modalities", errors)
        content["eu_market"] = {"yes": True, "no": False}.get(data.get("eu_market") or "")
        _read_evidence(content, data, errors)
    return content, errors


def read_work_field(spec: FieldSpec, raw: str | None) -> Any:
    """What was typed into one field of a workload; None when nothing was."""
    if spec.type not in (FieldType.NUMBER, FieldType.INTEGER):
        return read_text(raw)
    return (read_integer if spec.type is FieldType.INTEGER else read_number)(raw)


def _read_work(workload: object, data: QueryDict, errors: Errors) -> Content:
    try:
        specs = FIELDS_BY_KIND[WorkloadKind(str(workload))]
    except ValueError:
        return {}
    work: Content = {}
    for spec in specs:
        value = read_work_field(spec, data.get(input_name(f"work.{spec.name}")))
        if isinstance(value, str) and _REPLACED in value:
            errors[f"work.{spec.name}"] = _BROKEN
        if value is not None:
            work[spec.name] = value
    return work


def _read_place(content: Content, data: QueryDict, errors: Errors) -> None:
    """A known place says provider, term and accelerator at once; another one is spelt out."""
    chosen = data.get("place") or ""
    if chosen and chosen != OTHER_PLACE:
        parts = chosen.split(KNOWN_PLACE_SEPARATOR)
        if len(parts) != 3 or not all(parts):
            errors["provider"] = f"`{chosen[:40]}` is not a place in the list: choose one"
            return
        content["provider"], content["price_term"], content["accelerator"] = parts
    elif chosen == OTHER_PLACE or "provider" in data:
        content["provider"] = read_text(data.get("provider"))
        content["price_term"] = read_text(data.get("price_term"))
        for name in ("provider", "price_term"):
            if _REPLACED in (content[name] or ""):
                errors[name] = _BROKEN


def _read_countries(content: Content, data: QueryDict, errors: Errors) -> None:
    """Countries by name or code, with commas between them."""
    raw = data.get("access_countries") or ""
    parts = [part.strip() for part in re.split(r"[,;\n]", raw) if part.strip()]
    if len(parts) > LIST_LENGTH_MAX:
        errors["access_countries"] = f"has {len(parts):,} entries: at most {LIST_LENGTH_MAX} fit"
        return
    codes = []
    for part in parts:
        code = code_of(part)
        if code is None:
            errors["access_countries"] = (
                f"`{part[:40]}` is not a country: write names or two-letter codes, such as Ireland, SE"
            )
            return
        codes.append(code)
    content["access_countries"] = sorted(set(codes))


def _read_list(data: QueryDict, name: str, errors: Errors) -> list[str]:
    values = data.getlist(name)
    if len(values) > LIST_LENGTH_MAX:
        errors[name] = f"has {len(values):,} entries: at most {LIST_LENGTH_MAX} fit"
        return []
    return values


def _read_evidence(content: Content, data: QueryDict, errors: Errors) -> None:
    kinds, urls = data.getlist("evidence_kind"), data.getlist("evidence_url")
    if max(len(kinds), len(urls)) > EVIDENCE_LENGTH_MAX + 5:
        errors["evidence"] = f"has {max(len(kinds), len(urls)):,} entries: at most {EVIDENCE_LENGTH_MAX} fit"
        return
    rows = []
    for index in range(max(len(kinds), len(urls))):
        kind = (kinds[index] if index < len(kinds) else "").strip()
        url = (urls[index] if index < len(urls) else "").strip()
        if not kind and not url:
            continue
        rows.append({"kind": kind, "url": url})
        if not kind:
            errors["evidence"] = "say what the link shows: choose a kind beside it"
        elif not url:
            errors["evidence"] = "give the link as well: it starts with https://"
    content["evidence"] = rows
