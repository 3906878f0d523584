"""From posted text to the content of a request, step by step. Shape only: the parser of requests says what it means.

A number that cannot be read stays the text that was typed, so that the refusal can show it and the page keeps it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from django.http import QueryDict

from estimator.core.workload.fields import FieldSpec, WorkloadKind, asked
from estimator.core.workload.fields import FieldType as WorkFieldType
from governance.display import numbers
from governance.display.countries import COUNTRIES, code_of
from governance.domain.requests import fields
from governance.domain.requests.fields import EVIDENCE_LENGTH_MAX, LIST_LENGTH_MAX, Control, Field, FieldType, Step
from governance.domain.requests.kinds import kind_of
from governance.domain.typed import read_integer, read_number, read_text
from governance.web.requests.questions import input_name

Content = dict[str, Any]
Errors = dict[str, str]

STEPS = tuple(step.value for step in Step)
KNOWN_PLACE_SEPARATOR = "~"
OTHER_PLACE = "other"

# A browser sends half of a character pair as this mark: what was typed is lost, so it is not kept silently.
_REPLACED = "\ufffd"
_BROKEN = "contains half of a character pair: type the text again"


def read_step(step: str, data: QueryDict, draft: Mapping[str, Any]) -> tuple[Content, Errors]:
    """The draft with one step's answers laid over it, and what is wrong with their shape.

    Args:
        draft: the content so far; it is not changed.
    """
    content, errors = dict(draft), Errors()
    for row in fields.of_step(step):
        _READERS.get(row.widget, _read)(row, content, data, errors)
    return content, errors


def read_work_field(spec: FieldSpec, raw: str | None) -> Any:
    """What was typed into one field of a workload; None when nothing was."""
    if spec.type not in (WorkFieldType.NUMBER, WorkFieldType.INTEGER):
        return read_text(raw)
    return (read_integer if spec.type is WorkFieldType.INTEGER else read_number)(raw)


def fields_of(workload: str, architecture: str | None) -> tuple[FieldSpec, ...]:
    """The workload's own fields, as far as they are asked of this architecture; none while it is not chosen."""
    try:
        return asked(WorkloadKind(workload), architecture)
    except ValueError:
        return ()


def _read(row: Field, content: Content, data: QueryDict, errors: Errors) -> None:
    raw = data.get(input_name(row.name))
    if raw is None and row.earlier_name:
        # Of a page that was opened before the field had this name.
        raw = data.get(input_name(row.earlier_name))
    match row.type:
        case FieldType.COUNT:
            content[row.name] = read_integer(raw)
        case FieldType.NUMBER:
            content[row.name] = read_number(raw)
        case FieldType.TRUTH if row.control is Control.CHECKBOX:
            content[row.name] = raw == "yes"
        case FieldType.TRUTH:
            content[row.name] = {"yes": True, "no": False}.get(raw or "")
        case FieldType.CHOICES | FieldType.NAMES:
            content[row.name] = _read_list(data, row.name, errors)
        case _:
            text = content[row.name] = read_text(raw)
            if _REPLACED in (text or ""):
                errors[row.name] = _BROKEN
            elif row.type is FieldType.COUNTRY and text and text not in COUNTRIES:
                errors[row.name] = f"`{text[:20]}` is not a country: choose one from the list"


def _read_grant(row: Field, content: Content, data: QueryDict, errors: Errors) -> None:
    """The question is hidden for kinds that are about no grant, and so is what was chosen for another one."""
    _read(row, content, data, errors)
    if not kind_of(content.get("kind")).is_on_grant:
        content[row.name] = None


def _read_work(row: Field, content: Content, data: QueryDict, errors: Errors) -> None:
    work: Content = {}
    architecture = read_text(data.get(input_name("work.architecture")))
    for spec in fields_of(str(content.get("workload")), architecture):
        value = read_work_field(spec, data.get(input_name(f"work.{spec.name}")))
        if isinstance(value, str) and _REPLACED in value:
            errors[f"work.{spec.name}"] = _BROKEN
        if value is not None:
            work[spec.name] = value
    content[row.name] = work


def _read_place(row: Field, content: Content, data: QueryDict, errors: Errors) -> None:
    """A known place says provider, term and accelerator at once; another one is spelt out."""
    chosen = data.get("place") or ""
    if chosen and chosen != OTHER_PLACE:
        parts = chosen.split(KNOWN_PLACE_SEPARATOR)
        if len(parts) != 3 or not all(parts):
            errors["provider"] = f"`{chosen[:40]}` is not a place in the list: choose one"
            return
        content["provider"], content["price_term"], content["accelerator"] = parts
    elif chosen == OTHER_PLACE or "provider" in data:
        _read(row, content, data, errors)


def _read_countries(row: Field, content: Content, data: QueryDict, errors: Errors) -> None:
    """Countries by name or code, with commas between them."""
    raw = data.get(row.name) or ""
    parts = [part.strip() for part in re.split(r"[,;\n]", raw) if part.strip()]
    if len(parts) > LIST_LENGTH_MAX:
        errors[row.name] = f"has {numbers.count(len(parts))} entries: at most {LIST_LENGTH_MAX} fit"
        return
    codes = []
    for part in parts:
        code = code_of(part)
        if code is None:
            errors[row.name] = f"`{part[:40]}` is not a country: write names or two-letter codes, such as Ireland, SE"
            return
        codes.append(code)
    content[row.name] = sorted(set(codes))


def _read_list(data: QueryDict, name: str, errors: Errors) -> list[str]:
    values = data.getlist(name)
    if len(values) > LIST_LENGTH_MAX:
        errors[name] = f"has {numbers.count(len(values))} entries: at most {LIST_LENGTH_MAX} fit"
        return []
    return values


def _read_evidence(row: Field, content: Content, data: QueryDict, errors: Errors) -> None:
    kinds, urls = data.getlist("evidence_kind"), data.getlist("evidence_url")
    if max(len(kinds), len(urls)) > EVIDENCE_LENGTH_MAX + 5:
        errors[row.name] = f"has {numbers.count(max(len(kinds), len(urls)))} entries: at most {EVIDENCE_LENGTH_MAX} fit"
        return
    links = []
    for index in range(max(len(kinds), len(urls))):
        kind = (kinds[index] if index < len(kinds) else "").strip()
        url = (urls[index] if index < len(urls) else "").strip()
        if not kind and not url:
            continue
        links.append({"kind": kind, "url": url})
        if not kind:
            errors[row.name] = "say what the link shows: choose a kind beside it"
        elif not url:
            errors[row.name] = "give the link as well: it starts with https://"
    content[row.name] = links


# Questions that are answered with more than one control, or that hang on another answer.
_READERS: dict[str, Callable[[Field, Content, QueryDict, Errors], None]] = {
    "grant": _read_grant,
    "work": _read_work,
    "place": _read_place,
    "price_term": _read_place,
    "countries": _read_countries,
    "evidence": _read_evidence,
}
