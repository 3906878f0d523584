"""What is wrong with a draft, field by field, and which of it is only missing so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from estimator.core.catalogue import CatalogueSnapshot
from estimator.core.errors import WorkloadError
from estimator.core.workload.fields import FIELDS as WORK_FIELDS
from estimator.core.workload.workload import Workload
from governance.domain.errors import InvalidRequest
from governance.domain.requests import fields
from governance.domain.requests.fields import Field, FieldType
from governance.domain.requests.kinds import kind_of, refuse_unoffered
from governance.domain.requests.parse import RequestContent
from governance.domain.requests.spelling import in_present_names
from governance.web.requests.answers import STEPS
from governance.web.requests.questions import field_id

_LISTS = (FieldType.CHOICES, FieldType.NAMES, FieldType.COUNTRIES)


@dataclass(slots=True)
class Findings:
    """Everything that the parser and the estimator say about a draft.

    Args:
        wrong: field to sentence, for answers that can never be right as they are.
        missing: field to sentence, for questions that have no answer yet.
    """

    wrong: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        return not self.wrong and not self.missing

    def of_step(self, step: str, *, with_missing: bool = True) -> dict[str, str]:
        """Findings about the questions of one step."""
        found = {name: text for name, text in self.wrong.items() if step_of(name) == step}
        if with_missing:
            found |= {name: text for name, text in self.missing.items() if step_of(name) == step}
        return found

    def is_done(self, step: str) -> bool:
        return step != "review" and not self.of_step(step)

    def first_open_step(self) -> str:
        return next((step for step in STEPS if not self.is_done(step)), "review")


def step_of(name: str) -> str:
    """The step that asks for a field."""
    row = _row(name)
    return row.step.value if row else STEPS[0]


def order_of(name: str) -> tuple[int, str]:
    """Sorts fields as the form asks for them."""
    first = name.split(".")[0]
    return (fields.names().index(first) if first in fields.names() else 0, name)


def name_of(name: str) -> str:
    """The short name of a field, the workload's own ones included."""
    if name.startswith("work."):
        spec = WORK_FIELDS.get(name.removeprefix("work."))
        return spec.label if spec else "Workload"
    row = _row(name)
    return row.label if row else "Answers" if name == "content" else name[:40]


def _row(name: str) -> Field | None:
    first = name.split(".")[0]
    return fields.field(first) if first in fields.names() else None


def summary(errors: Mapping[str, str], *, step: str = "") -> list[tuple[str, str]]:
    """Errors as (link target, sentence): an anchor on this page, or the step that asks the question."""
    found = []
    for name, text in errors.items():
        target = field_id(name) if name != "content" else ""
        if target and step and step_of(name) != step:
            target = f"?step={step_of(name)}#{target}"
        found.append((target, f"{name_of(name)}: {text.replace('`', '')}"))
    return found


def examine(content: Mapping[str, Any], *, today: date, snapshot: CatalogueSnapshot | None) -> Findings:
    """All findings about a draft.

    Args:
        today: a start before it is wrong, except in a ratification.
        snapshot: the catalogue that knows accelerators; None leaves them unchecked.
    """
    findings = Findings()
    try:
        RequestContent.parse(content)
    except InvalidRequest as error:
        for name, sentences in error.errors.items():
            _put(findings, content, name, sentences[0])
    try:
        refuse_unoffered(kind_of(content.get("kind")))
    except InvalidRequest as error:
        findings.wrong |= {name: sentences[0] for name, sentences in error.errors.items()}
    _examine_work(findings, content)
    _examine_place(findings, content, snapshot)
    start = content.get("start_on")
    is_day = isinstance(start, str) and start != "" and "start_on" not in findings.wrong
    if is_day and str(start) < today.isoformat() and not kind_of(content.get("kind")).may_start_in_past:
        findings.wrong["start_on"] = (
            f"`{start}` has passed: start on {today.isoformat()} or later, or ask for a ratification"
        )
    # Hours or an end: the question that is asked last says so.
    if "gpu_hours_cap" in findings.missing:
        sentence = findings.missing.pop("gpu_hours_cap")
        findings.missing["end_on"] = sentence
    return findings


def readable(draft: object) -> dict[str, Any]:
    """A stored draft as the form can show it: what the API or an older version left in another shape is dropped."""
    content = in_present_names(draft) if isinstance(draft, Mapping) else {}
    if not isinstance(content.get("work", {}), Mapping):
        content.pop("work")
    for row in fields.FIELDS:
        values = content.get(row.name)
        is_list = isinstance(values, list) and all(isinstance(item, str) for item in values)
        if row.type in _LISTS and values is not None and not is_list:
            content.pop(row.name)
    rows = content.get("evidence")
    if rows is not None:
        is_plain = isinstance(rows, list) and all(isinstance(row, Mapping) for row in rows)
        content["evidence"] = (
            [{"kind": str(row.get("kind") or ""), "url": str(row.get("url") or "")} for row in rows] if is_plain else []
        )
    return content


def _put(findings: Findings, content: Mapping[str, Any], name: str, sentence: str) -> None:
    is_empty = content.get(name) in (None, "", [], {})
    (findings.missing if is_empty else findings.wrong)[name] = sentence


def _examine_work(findings: Findings, content: Mapping[str, Any]) -> None:
    kind, work = content.get("workload"), content.get("work")
    if not isinstance(kind, str) or "workload" in findings.wrong or "workload" in findings.missing:
        return
    if not isinstance(work, Mapping):
        work = {}
    try:
        Workload.parse(kind, work, is_sized=content.get("sizing") == "work")
    except WorkloadError as error:
        for name, sentence in error.errors.items():
            is_empty = work.get(name) in (None, "")
            (findings.missing if is_empty else findings.wrong)[f"work.{name}"] = sentence


def _examine_place(findings: Findings, content: Mapping[str, Any], snapshot: CatalogueSnapshot | None) -> None:
    accelerator = content.get("accelerator")
    if snapshot is None or not isinstance(accelerator, str) or "accelerator" in findings.wrong:
        return
    if accelerator not in snapshot.accelerators:
        findings.wrong["accelerator"] = f"`{accelerator[:40]}` is not in the catalogue: choose one from the list"
