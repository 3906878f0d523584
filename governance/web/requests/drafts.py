"""What is wrong with a draft, field by field, and which of it is only missing so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from estimator.core.catalogue import CatalogueSnapshot
from estimator.core.errors import WorkloadError
from estimator.core.workload.fields import FIELDS
from estimator.core.workload.workload import Workload
from governance.domain.errors import InvalidAsk
from governance.domain.requests.ask import KINDS_IN_THE_PAST, Ask
from governance.web.requests.answers import STEP_FIELDS, STEPS
from governance.web.requests.questions import field_id

# Short names for summaries; the questions themselves are sentences.
FIELD_NAMES: dict[str, str] = {
    "title": "Title",
    "kind": "Kind of request",
    "related_grant": "Grant",
    "project": "Project",
    "workload": "Workload",
    "ask": "Way of asking",
    "work": "Workload",
    "accelerator": "Accelerator",
    "accelerator_count": "Number of accelerators",
    "gpu_hours_cap": "GPU-hours",
    "money_cap_usd": "Money",
    "provider": "Place",
    "price_term": "Price term",
    "region": "Region",
    "country": "Country of the machines",
    "start_on": "Start",
    "end_on": "End",
    "access_countries": "Countries of use",
    "purpose": "Purpose",
    "data_class": "Data class",
    "customer_data": "Customer data",
    "exposure_of_output": "Who meets the output",
    "use_tags": "Fields of use",
    "prohibited_uses": "Prohibited uses",
    "beneficiary_entity": "Beneficiary",
    "beneficiary_hq_country": "Country of the beneficiary",
    "lineage": "Model lineage",
    "modalities": "Modalities",
    "eu_market": "EU market",
    "evidence": "Evidence",
    "justification": "Justification",
    "destination_country": "Country of destination",
    "licence_ref": "Licence",
    "content": "Answers",
}
_ORDER = {name: index for index, name in enumerate(name for step in STEPS for name in STEP_FIELDS[step])}
_STEP_OF = {name: step for step, names in STEP_FIELDS.items() for name in names}


@dataclass(slots=True)
class Findings:
    """Everything that `Ask.parse` and the estimator say about a draft.

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
    return _STEP_OF.get(name.split(".")[0], "workload")


def order_of(name: str) -> tuple[int, str]:
    """Sorts fields as the form asks for them."""
    return (_ORDER.get(name.split(".")[0], 0), name)


def name_of(name: str) -> str:
    """The short name of a field, the workload's own ones included."""
    if name.startswith("work."):
        spec = FIELDS.get(name.removeprefix("work."))
        return spec.label if spec else "Workload"
    return FIELD_NAMES.get(name, name[:40])


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
        Ask.parse(content)
    except InvalidAsk as error:
        for name, sentences in error.errors.items():
            _put(findings, content, name, sentences[0])
    _examine_work(findings, content)
    _examine_place(findings, content, snapshot)
    start = content.get("start_on")
    is_day = isinstance(start, str) and start != "" and "start_on" not in findings.wrong
    if is_day and str(start) < today.isoformat() and str(content.get("kind")) not in KINDS_IN_THE_PAST:
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
    content = dict(draft) if isinstance(draft, Mapping) else {}
    if not isinstance(content.get("work", {}), Mapping):
        content.pop("work")
    for name in ("use_tags", "prohibited_uses", "modalities", "access_countries"):
        values = content.get(name)
        if values is not None and not (isinstance(values, list) and all(isinstance(item, str) for item in values)):
            content.pop(name)
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
        Workload.parse(kind, work, is_sized=content.get("ask") == "work")
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
