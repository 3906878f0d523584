"""The questions of the request form, step by step, with the answers so far and what is wrong with them.

Every row of `fields.FIELDS` is one question; a row that names a widget says here what its question takes from the
registers, the catalogue or the other answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.http import QueryDict

from estimator.core.catalogue import ProhibitedUse
from estimator.core.workload.fields import MIXTURE, SAMPLE_KINDS, FieldSpec
from estimator.core.workload.fields import FieldType as WorkFieldType
from governance.display import durations, numbers, reader
from governance.display.countries import COUNTRIES, name_of
from governance.domain.requests import fields
from governance.domain.requests.checks import is_not_hosted
from governance.domain.requests.fields import EVIDENCE_LENGTH_MAX, NAME_CHARS_MAX, Control, Field, FieldType
from governance.domain.requests.kinds import KINDS, kind_of
from governance.selectors.register.usable_places import regions_of
from governance.web.requests.answers import KNOWN_PLACE_SEPARATOR, OTHER_PLACE, fields_of
from governance.web.requests.places import KnownPlace, known_places
from governance.web.requests.questions import Choice, Question, choices, grouped_choices, input_name
from governance.web.requests.registers import Registers
from governance.web.requests.sentences import as_date

# The fields of a workload that most requests state; the others are one click away.
_MAIN_FIELDS = {
    "parameters_billion", "architecture", "method", "tokens_billion", "epochs",
    "generated_tokens_billion", "trained_tokens_billion", "teacher_parameters_billion", "requests", "requests_per_day",
    "input_tokens", "output_tokens", "latency_target_ms", "tasks", "steps_per_task", "hours_per_accelerator",
    "api_model", "input_tokens_million_month", "output_tokens_million_month", "months", "unit_price_usd",
    "lifetime_years",
}  # fmt: skip
# Training may be sized by samples instead, so neither is required; nearly everybody states them.
_USUAL_SIZE = ("parameters_billion", "tokens_billion")
_COUNTRY_PAIRS = tuple(sorted(COUNTRIES.items(), key=lambda pair: pair[1]))
EVIDENCE_ROWS_SPARE = 2
_PLAIN_BLOCK = "requests/form_block.html"
# Questions with a page of their own; every other block is a row of questions beside each other.
_BLOCK_TEMPLATES = {
    "kind": "requests/form_kind.html",
    "work": "requests/form_work.html",
    "place": "requests/form_place.html",
    "prohibited_uses": "requests/form_prohibited_uses.html",
    "evidence": "requests/form_evidence.html",
}
# Blocks that stay folded until one of their questions is answered.
_FOLDED_BLOCKS = {"export": "Technology that leaves the country"}


@dataclass(slots=True)
class Block:
    """Questions that stand together on the page.

    Args:
        summary: what it is about while it is folded; empty where it never is.
    """

    name: str
    template: str
    summary: str = ""
    rows: list[Field] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        return any(question.value or question.error for question in self.questions)


@dataclass(slots=True)
class StepForm:
    """One step as the page shows it: questions by field of the content, and what the template treats by itself."""

    step: str
    questions: dict[str, Question] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)
    work_main: list[Question] = field(default_factory=list)
    work_more: list[Question] = field(default_factory=list)
    places: list[KnownPlace] = field(default_factory=list)
    evidence: list[dict[str, Any]] = field(default_factory=list)
    prohibited_uses: list[ProhibitedUse] = field(default_factory=list)
    is_place_other: bool = False
    shown_workload: str = ""
    shown_architecture: str = ""


@dataclass(slots=True)
class _Builder:
    """Answers come from the post where there is one, else from the content."""

    form: StepForm
    content: Mapping[str, Any]
    posted: QueryDict | None
    errors: Mapping[str, str]
    registers: Registers
    today: date

    def typed(self, name: str) -> str:
        if self.posted is not None and input_name(name) in self.posted:
            return self.posted.get(input_name(name)) or ""
        value: Any = self.content
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return as_typed(value)

    def picked(self, name: str) -> list[str]:
        if self.posted is not None:
            return self.posted.getlist(name)
        found = self.content.get(name)
        return [str(item) for item in found] if isinstance(found, list | tuple) else []

    def ask(self, name: str, label: str, kind: str = "text", **options: Any) -> Question:
        options.setdefault("value", self.typed(name))
        error = self.errors.get(name, "")
        return Question(input_name(name), label, kind, error=as_sentence(error), **options)


def as_typed(value: Any) -> str:
    """A value of the content as it stands in a control."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return numbers.typed(value)
    return str(value)


def as_sentence(error: str) -> str:
    text = error.replace("`", "")
    return text[:1].upper() + text[1:]


def build(
    step: str,
    content: Mapping[str, Any],
    *,
    registers: Registers,
    posted: QueryDict | None = None,
    errors: Mapping[str, str] | None = None,
    today: date,
) -> StepForm:
    """The questions of one step.

    Args:
        posted: what was just sent, shown as it came; None shows the content.
        errors: field to sentence.
        today: the first day on which something may start.
    """
    form = StepForm(step)
    b = _Builder(form, content, posted, errors or {}, registers, today)
    for row in fields.of_step(step):
        if not form.blocks or not row.block or form.blocks[-1].name != row.block:
            template = _BLOCK_TEMPLATES.get(row.block, _PLAIN_BLOCK)
            form.blocks.append(Block(row.block, template, _FOLDED_BLOCKS.get(row.block, "")))
        form.blocks[-1].rows.append(row)
        options = _WIDGETS[row.widget](b, row) if row.widget else {}
        if options is not None:
            question = form.questions[row.name] = _question(b, row, options)
            form.blocks[-1].questions.append(question)
    return form


_CONTROLS: dict[FieldType, str] = {
    FieldType.CHOICE: "select",
    FieldType.COUNTRY: "select",
    FieldType.TRUTH: "select",
    FieldType.CHOICES: "checkboxes",
    FieldType.NAMES: "checkboxes",
    FieldType.DAY: "date",
    FieldType.NUMBER: "number",
    FieldType.COUNT: "number",
}


def _question(b: _Builder, row: Field, options: Mapping[str, Any]) -> Question:
    """The question of a row.

    Args:
        options: what its widget says in place of the row.
    """
    control = row.control.value if row.control else _CONTROLS.get(row.type, "text")
    plain: dict[str, Any] = {
        "hint": row.hint,
        "unit": row.unit,
        "is_narrow": row.is_narrow,
        "is_compact": control == "checkboxes",
        "is_optional": row.default is None and not row.needs_answer(b.content),
    }
    if control == "text":
        plain["maxlength"] = int(row.maximum) if row.type is FieldType.TEXT else NAME_CHARS_MAX
    elif control == Control.CHECKBOX:
        plain["value"] = "yes" if b.typed(row.name) == "yes" else ""
    if row.type is FieldType.CHOICE:
        hints = {choice.slug: choice.hint for choice in row.choices}
        chosen = b.typed(row.name) or str(row.default or "")
        plain["choices"] = choices(row.labels.items(), [chosen], empty=row.empty or None, hints=hints)
    elif row.type is FieldType.CHOICES:
        plain["choices"] = choices(row.labels.items(), b.picked(row.name))
    elif row.type is FieldType.COUNTRY:
        plain["choices"] = choices(_COUNTRY_PAIRS, [b.typed(row.name)], empty=row.empty)
    elif row.type is FieldType.TRUTH:
        plain["choices"] = choices((("yes", "Yes"), ("no", "No")), [b.typed(row.name)], empty=row.empty)
    return b.ask(row.name, row.question, control, **plain | dict(options))


Options = dict[str, Any]


def _named(b: _Builder, row: Field, pairs: Sequence[tuple[str, str]]) -> Options:
    """A select over the rows of a register."""
    return {"choices": choices(pairs, [b.typed(row.name)], empty=row.empty)}


def _project(b: _Builder, row: Field) -> Options:
    pairs = [(project.slug, f"{project.name}, {project.team.name}") for project in b.registers.projects]
    chosen = b.typed(row.name) or (pairs[0][0] if len(pairs) == 1 else "")
    hint = "" if pairs else "You have no role in a project yet: ask its team lead for one."
    return {"value": chosen, "hint": hint, "choices": choices(pairs, [chosen], empty=row.empty)}


def _kind(b: _Builder, row: Field) -> Options:
    """Kinds that something carries out."""
    offered = [(kind.slug, kind.label) for kind in KINDS if kind.is_offered]
    found = choices(offered, [b.typed(row.name) or str(row.default)])
    for choice in found:
        choice.css = "grant" if kind_of(choice.value).is_on_grant else ""
        choice.label = row.labels.get(choice.value, choice.label)
    return {"choices": found}


def _grant(b: _Builder, row: Field) -> Options:
    pairs = [(grant.reference, f"{grant.reference}, {grant.title}") for grant in b.registers.grants]
    hint = "Your running grants." if pairs else "You have no running grant."
    return _named(b, row, pairs) | {"hint": hint, "is_optional": False}


def _sizing(b: _Builder, row: Field) -> Options:
    """Whoever has not said is asked for the work: a person rarely knows the hours."""
    hints = {choice.slug: choice.hint for choice in row.choices}
    return {"choices": choices(row.labels.items(), [b.typed(row.name) or "work"], hints=hints)}


def _work(b: _Builder, row: Field) -> None:
    """The fields of the workload that is chosen, for the architecture that is chosen."""
    b.form.shown_workload = b.typed("workload")
    b.form.shown_architecture = b.typed("work.architecture")
    for spec in fields_of(b.form.shown_workload, b.form.shown_architecture):
        question = _work_question(b, spec)
        is_main = spec.name in _MAIN_FIELDS or spec.required or spec.only_for or question.error
        (b.form.work_main if is_main else b.form.work_more).append(question)


def _work_question(b: _Builder, spec: FieldSpec) -> Question:
    name = f"work.{spec.name}"
    is_needed = (
        spec.required or spec.only_for == MIXTURE or (spec.name in _USUAL_SIZE and b.typed("workload") in SAMPLE_KINDS)
    )
    is_optional = not (is_needed and (b.typed("sizing") or "work") == "work")
    if spec.type is WorkFieldType.CHOICE:
        found = choices(spec.choices, [b.typed(name) or str(spec.default or "")])
        return b.ask(name, spec.label, "select", hint=spec.hint, choices=found)
    if spec.type is WorkFieldType.TEXT:
        suggestions = b.registers.hosted_models() if spec.name == "api_model" else []
        longest = int(spec.maximum or 200)
        return b.ask(
            name, spec.label, hint=spec.hint, maxlength=longest, is_optional=is_optional, suggestions=suggestions
        )
    hint = spec.hint + (
        f" {numbers.figure(spec.default, 6)} if left empty." if isinstance(spec.default, int | float) else ""
    )
    return b.ask(name, spec.label, "number", hint=hint, unit=spec.unit or " ", is_optional=is_optional)


def _accelerator(b: _Builder, row: Field) -> Options | None:
    if not is_not_hosted(b.content):
        return None
    return {"choices": grouped_choices(b.registers.accelerator_groups(), b.typed(row.name), empty=row.empty)}


def _of_accelerators(b: _Builder, row: Field) -> Options | None:
    return {} if is_not_hosted(b.content) else None


def _hours(b: _Builder, row: Field) -> Options | None:
    if not is_not_hosted(b.content):
        return None
    is_cap = b.content.get("sizing") != "work"
    hint = (
        "Accelerators times hours. Leave it empty to use the whole window."
        if is_cap
        else "The grant stops there. Leave it empty, and the p90 of the estimate decides."
    )
    hours, count = b.content.get(row.name), b.content.get("accelerator_count")
    is_said = isinstance(hours, int | float) and hours > 0 and isinstance(count, int) and count > 0
    lasts = f" Now {durations.on_accelerators(hours, count)}." if is_said else ""
    return {"hint": hint + lasts}


def _money(b: _Builder, row: Field) -> Options:
    return {"is_optional": is_not_hosted(b.content) or b.content.get("sizing") == "work"}


def _place(b: _Builder, row: Field) -> Options:
    """The places with a known price, and the provider of another one."""
    # Prices are read on the day of the start.
    on = max(b.today, as_date(b.content.get("start_on")) or b.today)
    places = []
    if b.registers.snapshot is not None and is_not_hosted(b.content) and b.content.get("workload") != "purchase":
        places = known_places(b.content, b.registers.snapshot, b.registers.providers, on=on)
    keys = {place.key for place in places}
    parts = ("provider", "price_term", "accelerator")
    now_key = KNOWN_PLACE_SEPARATOR.join(str(b.content.get(name) or "") for name in parts)
    posted_key = b.posted.get("place") if b.posted is not None else None
    chosen = posted_key or (now_key if now_key in keys else OTHER_PLACE if b.content.get("provider") else "")
    if not chosen:
        chosen = places[0].key if places else OTHER_PLACE
    count = b.content.get("accelerator_count")
    listed = [
        Choice(place.key, place.label(count if isinstance(count, int) else None), place.sentence, place.aside,
               is_chosen=place.key == chosen)
        for place in places
    ]  # fmt: skip
    listed.append(
        Choice(
            OTHER_PLACE, "Another place", "Provider, region and term of your choice.", is_chosen=chosen == OTHER_PLACE
        )
    )
    where = b.form.questions["place"] = b.ask(
        row.name, "Where should it run?", "radios", choices=listed,
        hint="Prices that your organisation has recorded, for this workload. Cost shown is p10–p90.",
    )  # fmt: skip
    where.name = "place"
    b.form.places, b.form.is_place_other = places, chosen == OTHER_PLACE
    return _named(b, row, [(provider.slug, _provider_label(provider)) for provider in b.registers.providers])


def _provider_label(provider: Any) -> str:
    return provider.name if provider.is_approved else f"{provider.name} (not approved)"


def _price_term(b: _Builder, row: Field) -> Options:
    usual = {"hosted_api": "per_token", "purchase": "purchase"}.get(str(b.content.get("workload")), "")
    return {"choices": choices(row.labels.items(), [b.typed(row.name) or usual], empty=row.empty)}


def _region(b: _Builder, row: Field) -> Options:
    snapshot = b.registers.snapshot
    return {"suggestions": regions_of(b.typed("provider"), snapshot) if snapshot else []}


def _start(b: _Builder, row: Field) -> Options:
    hint = f"Earliest is today, {reader.day(b.today)}; a ratification may look back."
    return {"value": b.typed(row.name) or b.today.isoformat(), "hint": hint}


def _countries(b: _Builder, row: Field) -> Options:
    if b.posted is not None:
        return {"value": b.typed(row.name), "is_optional": False, "maxlength": None}
    codes = b.content.get(row.name) or [b.registers.user.person.country]
    return {"value": ", ".join(name_of(code) for code in codes), "is_optional": False, "maxlength": None}


def _purposes(b: _Builder, row: Field) -> Options:
    return _named(b, row, [(purpose.slug, purpose.name) for purpose in b.registers.purposes])


def _lineages(b: _Builder, row: Field) -> Options:
    return _named(b, row, [(lineage.slug, lineage.name) for lineage in b.registers.lineages])


def _prohibited_uses(b: _Builder, row: Field) -> Options:
    uses = b.form.prohibited_uses = b.registers.prohibited_uses
    return {"choices": choices([(use.id, _use_label(use, b.today)) for use in uses], b.picked(row.name))}


def _use_label(use: ProhibitedUse, today: date) -> str:
    return use.title if use.effective_from <= today else f"{use.title} (from {reader.day(use.effective_from)})"


def _evidence(b: _Builder, row: Field) -> None:
    if b.posted is not None:
        kinds, urls = b.posted.getlist("evidence_kind"), b.posted.getlist("evidence_url")
        pairs = [
            (kinds[index] if index < len(kinds) else "", urls[index] if index < len(urls) else "")
            for index in range(min(max(len(kinds), len(urls)), EVIDENCE_LENGTH_MAX))
        ]
        pairs = [pair for pair in pairs if any(pair)]
    else:
        found = b.content.get(row.name)
        pairs = [(item.get("kind", ""), item.get("url", "")) for item in found] if isinstance(found, list) else []
    pairs += [("", "")] * min(EVIDENCE_ROWS_SPARE, max(0, EVIDENCE_LENGTH_MAX - len(pairs)))
    b.form.evidence = [
        {
            "number": index + 1,
            "url": url,
            "choices": choices(row.labels.items(), [kind], empty="Choose what it shows"),
        }
        for index, (kind, url) in enumerate(pairs)
    ]


_WIDGETS: dict[str, Callable[[_Builder, Field], Options | None]] = {
    "project": _project,
    "kind": _kind,
    "grant": _grant,
    "sizing": _sizing,
    "work": _work,
    "accelerator": _accelerator,
    "of_accelerators": _of_accelerators,
    "hours": _hours,
    "money": _money,
    "place": _place,
    "price_term": _price_term,
    "region": _region,
    "start": _start,
    "countries": _countries,
    "purposes": _purposes,
    "prohibited_uses": _prohibited_uses,
    "lineages": _lineages,
    "evidence": _evidence,
}
