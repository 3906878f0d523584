"""The questions of the request form, step by step, with the answers so far and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.http import QueryDict

from estimator.core.catalogue import ProhibitedUse
from estimator.core.workload.fields import FIELDS_BY_KIND, SAMPLE_KINDS, FieldSpec, FieldType, WorkloadKind
from governance.display import numbers, vocabulary
from governance.display.countries import COUNTRIES, name_of
from governance.domain.requests import ask as domain
from governance.selectors.register.usable_places import regions_of
from governance.web.requests.answers import OTHER_PLACE, STEP_FIELDS
from governance.web.requests.places import KnownPlace, known_places
from governance.web.requests.questions import Choice, Question, choices, grouped_choices, input_name
from governance.web.requests.registers import Registers
from governance.web.requests.sentences import as_date

# The fields of a workload that most asks state; the others are one click away.
_MAIN_FIELDS = {
    "parameters_billion", "active_parameters_billion", "architecture", "method", "tokens_billion", "epochs",
    "generated_tokens_billion", "trained_tokens_billion", "teacher_parameters_billion", "requests", "requests_per_day",
    "input_tokens", "output_tokens", "latency_target_ms", "tasks", "steps_per_task", "hours_per_accelerator",
    "api_model", "input_tokens_million_month", "output_tokens_million_month", "months", "unit_price_usd",
    "lifetime_years",
}  # fmt: skip
# Training may be sized by samples instead, so neither is required; nearly everybody states them.
_USUAL_SIZE = ("parameters_billion", "tokens_billion")
_COUNTRY_PAIRS = tuple(sorted(COUNTRIES.items(), key=lambda pair: pair[1]))
EVIDENCE_ROWS_SPARE = 2


@dataclass(slots=True)
class StepForm:
    """One step as the page shows it: questions by field of the content, and what the template treats by itself."""

    step: str
    questions: dict[str, Question]
    work_main: list[Question] = field(default_factory=list)
    work_more: list[Question] = field(default_factory=list)
    places: list[KnownPlace] = field(default_factory=list)
    evidence: list[dict[str, Any]] = field(default_factory=list)
    prohibited_uses: list[ProhibitedUse] = field(default_factory=list)
    is_place_other: bool = False
    shown_workload: str = ""


@dataclass(slots=True)
class _Builder:
    """Answers come from the post where there is one, else from the content."""

    content: Mapping[str, Any]
    posted: QueryDict | None
    errors: Mapping[str, str]
    registers: Registers

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
        return f"{value:.12g}"
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
    builder = _Builder(content, posted, errors or {}, registers)
    match step:
        case "workload":
            return _workload(builder)
        case "size":
            return _size(builder)
        case "place":
            return _place(builder, today)
        case "purpose":
            return _purpose(builder, today)
    return StepForm("review", {})


def _workload(b: _Builder) -> StepForm:
    workload = b.typed("workload")
    kinds = choices(vocabulary.KIND_NAMES.items(), [b.typed("kind") or "new"])
    for kind in kinds:
        kind.css = "grant" if kind.value in domain.KINDS_ON_A_GRANT else ""
    grants = [(grant.reference, f"{grant.reference}, {grant.title}") for grant in b.registers.grants]
    projects = [(project.slug, f"{project.name}, {project.team.name}") for project in b.registers.projects]
    chosen_project = b.typed("project") or (projects[0][0] if len(projects) == 1 else "")
    questions = {
        "title": b.ask("title", "What do you call it?", hint="One line that others will find it by.", maxlength=120),
        "project": b.ask(
            "project", "Which project is it for?", "select", value=chosen_project, is_narrow=True,
            hint="" if projects else "You have no role in a project yet: ask its team lead for one.",
            choices=choices(projects, [chosen_project], empty="Choose a project"),
        ),
        "kind": b.ask("kind", "What kind of request is it?", "select", choices=kinds, is_narrow=True),
        "related_grant": b.ask(
            "related_grant", "Which grant is it about?", "select", is_narrow=True,
            hint="Your running grants." if grants else "You have no running grant.",
            choices=choices(grants, [b.typed("related_grant")], empty="Choose a grant"),
        ),
        "workload": b.ask(
            "workload", "What will it run?", "select", is_narrow=True,
            choices=choices(vocabulary.WORKLOAD_NAMES.items(), [workload], empty="Choose a workload"),
        ),
        "ask": b.ask(
            "ask", "How do you want to ask?", "radios",
            choices=choices(
                (("work", "Size it for me"), ("cap", "I know how much I need")), [b.typed("ask") or "work"],
                hints={
                    "work": "Describe the work; the p90 of our estimate becomes the cap.",
                    "cap": "Give hours, a window or an amount; describing the work is optional.",
                },
            ),
        ),
    }  # fmt: skip
    shown = StepForm("workload", questions, shown_workload=workload)
    for spec in fields_of(workload):
        question = _work_question(b, spec)
        is_main = spec.name in _MAIN_FIELDS or spec.required or question.error
        (shown.work_main if is_main else shown.work_more).append(question)
    return shown


def fields_of(workload: str) -> tuple[FieldSpec, ...]:
    """The workload's own fields; none while it is not chosen."""
    try:
        return FIELDS_BY_KIND[WorkloadKind(workload)]
    except ValueError:
        return ()


def _work_question(b: _Builder, spec: FieldSpec) -> Question:
    name = f"work.{spec.name}"
    is_needed = spec.required or (spec.name in _USUAL_SIZE and b.typed("workload") in SAMPLE_KINDS)
    is_optional = not (is_needed and (b.typed("ask") or "work") == "work")
    if spec.type is FieldType.CHOICE:
        found = choices(spec.choices, [b.typed(name) or str(spec.default or "")])
        return b.ask(name, spec.label, "select", hint=spec.hint, choices=found)
    if spec.type is FieldType.TEXT:
        suggestions = b.registers.hosted_models() if spec.name == "api_model" else []
        longest = int(spec.maximum or 200)
        return b.ask(
            name, spec.label, hint=spec.hint, maxlength=longest, is_optional=is_optional, suggestions=suggestions
        )
    hint = spec.hint + (f" {spec.default:g} if left empty." if isinstance(spec.default, int | float) else "")
    return b.ask(name, spec.label, "number", hint=hint, unit=spec.unit or " ", is_optional=is_optional)


def _size(b: _Builder) -> StepForm:
    is_hosted = b.content.get("workload") == "hosted_api"
    is_cap = b.content.get("ask") != "work"
    accelerator = b.typed("accelerator")
    questions = {}
    if not is_hosted:
        questions["accelerator"] = b.ask(
            "accelerator", "Which accelerator?", "select", is_narrow=True,
            hint="Another place may bring another one; you can still change your mind there.",
            choices=grouped_choices(b.registers.accelerator_groups(), accelerator, empty="Choose an accelerator"),
        )  # fmt: skip
        questions["accelerator_count"] = b.ask(
            "accelerator_count", "How many at once?", "number", unit="accelerators",
            hint=f"1 to {domain.ACCELERATORS_MAX:,}.",
        )  # fmt: skip
        questions["gpu_hours_cap"] = b.ask(
            "gpu_hours_cap", "How many GPU-hours at most?", "number", unit="GPU-hours", is_optional=True,
            hint="Accelerators times hours. Leave it empty to use the whole window."
            if is_cap
            else "The grant stops there. Leave it empty, and the p90 of the estimate decides.",
        )  # fmt: skip
    questions["money_cap_usd"] = b.ask(
        "money_cap_usd", "How much money at most?", "number", unit="USD", is_optional=not (is_hosted and is_cap),
        hint="The grant stops there as well.",
    )  # fmt: skip
    return StepForm("size", questions)


def _place(b: _Builder, today: date) -> StepForm:
    registers = b.registers
    # Prices are read on the day of the start.
    on = max(today, as_date(b.content.get("start_on")) or today)
    is_hosted = b.content.get("workload") == "hosted_api"
    places = []
    if registers.snapshot is not None and not is_hosted and b.content.get("workload") != "purchase":
        places = known_places(b.content, registers.snapshot, registers.providers, on=on)
    keys = {place.key for place in places}
    now_key = "~".join(str(b.content.get(name) or "") for name in ("provider", "price_term", "accelerator"))
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
    providers = [(provider.slug, _provider_label(provider)) for provider in registers.providers]
    default_term = "per_token" if is_hosted else "purchase" if b.content.get("workload") == "purchase" else ""
    typed_countries = b.typed("access_countries") if b.posted is not None else ""
    if b.posted is None:
        codes = b.content.get("access_countries") or [registers.user.person.country]
        typed_countries = ", ".join(name_of(code) for code in codes)
    regions = regions_of(b.typed("provider"), registers.snapshot) if registers.snapshot else []
    questions = {
        "place": b.ask(
            "provider", "Where should it run?", "radios", choices=listed,
            hint="Prices of our own are listed, each sized for this workload. Cost shown is p10–p90.",
        ),
        "provider": b.ask(
            "provider", "At which provider?", "select",
            choices=choices(providers, [b.typed("provider")], empty="Choose a provider"),
        ),
        "price_term": b.ask(
            "price_term", "On which terms?", "select",
            choices=choices(
                [(slug, name[:1].upper() + name[1:]) for slug, name in vocabulary.TERM_NAMES.items()],
                [b.typed("price_term") or default_term], empty="Choose the terms",
            ),
        ),
        "region": b.ask("region", "In which region?", hint="The provider’s own name for it, such as eu-north-1.",
                        is_optional=True, maxlength=80, suggestions=regions),
        "country": b.ask(
            "country", "In which country is that?", "select", is_optional=True,
            hint="Where the machines stand; empty: as the region says.",
            choices=choices(_COUNTRY_PAIRS, [b.typed("country")], empty="As the region says"),
        ),
        "start_on": b.ask("start_on", "When may it start?", "date", value=b.typed("start_on") or today.isoformat(),
                          hint=f"Earliest is today, {numbers.day(today)}; a ratification may look back."),
        "end_on": b.ask("end_on", "Until when?", "date", is_optional=True,
                        hint="Without an end it counts by its monthly cost."),
        "access_countries": b.ask(
            "access_countries", "From which countries will people use it?", value=typed_countries,
            hint="The countries where your users sit, not where the machines are. Commas between them.",
        ),
    }  # fmt: skip
    questions["place"].name = "place"
    return StepForm("place", questions, places=places, is_place_other=chosen == OTHER_PLACE)


def _provider_label(provider: Any) -> str:
    return provider.name if provider.is_approved else f"{provider.name} (not approved)"


def _use_label(use: ProhibitedUse, today: date) -> str:
    return use.title if use.effective_from <= today else f"{use.title} (from {numbers.day(use.effective_from)})"


def _purpose(b: _Builder, today: date) -> StepForm:
    lineages = [(lineage.slug, lineage.name) for lineage in b.registers.lineages]
    purposes = [(purpose.slug, purpose.name) for purpose in b.registers.purposes]
    questions = {
        "purpose": b.ask("purpose", "What is it for?", "select", is_narrow=True,
                         choices=choices(purposes, [b.typed("purpose")], empty="Choose a purpose")),
        "prohibited_uses": b.ask(
            "prohibited_uses", "Does it involve a prohibited use?", "checkboxes", is_compact=True,
            hint="Tick each that applies. Leave all empty if none does.",
            choices=choices(
                [(use.id, _use_label(use, today)) for use in b.registers.prohibited_uses],
                b.picked("prohibited_uses"),
            ),
        ),
        "justification": b.ask(
            "justification", "Why is it needed, and what will you have afterwards?", "textarea",
            hint="Whoever decides reads this first.", maxlength=None,
        ),
        "data_class": b.ask(
            "data_class", "Which data will it touch?", "radios",
            hint="The most sensitive class counts.",
            choices=choices(vocabulary.DATA_CLASS_NAMES.items(), [b.typed("data_class")],
                            hints=vocabulary.DATA_CLASS_HINTS),
        ),
        "customer_data": b.ask("customer_data", "Some of the data belongs to customers", "checkbox",
                               value="yes" if b.typed("customer_data") == "yes" else ""),
        "exposure_of_output": b.ask(
            "exposure_of_output", "Who will meet what it produces?", "select", is_narrow=True,
            choices=choices(vocabulary.EXPOSURE_NAMES.items(), [b.typed("exposure_of_output") or "none"]),
        ),
        "use_tags": b.ask("use_tags", "Does it touch any of these fields?", "checkboxes", is_compact=True,
                          choices=choices(vocabulary.USE_TAG_NAMES.items(), b.picked("use_tags"))),
        "beneficiary_entity": b.ask("beneficiary_entity", "Is it for someone outside?", is_optional=True, maxlength=120,
                                    hint="The name of the customer or partner who gets the result."),
        "beneficiary_hq_country": b.ask(
            "beneficiary_hq_country", "Where does their ultimate parent sit?", "select", is_optional=True,
            choices=choices(_COUNTRY_PAIRS, [b.typed("beneficiary_hq_country")], empty="Nobody outside"),
        ),
        "lineage": b.ask(
            "lineage", "Which family of models does it add to?", "select", is_optional=True, is_narrow=True,
            hint="Training compute adds up along a family; thresholds are read on the sum.",
            choices=choices(lineages, [b.typed("lineage")], empty="None"),
        ),
        "modalities": b.ask("modalities", "What does the model take in or give out?", "checkboxes", is_compact=True,
                            choices=choices(vocabulary.MODALITY_NAMES.items(), b.picked("modalities"))),
        "eu_market": b.ask(
            "eu_market", "Will it be placed on the EU market?", "select", is_optional=True, is_narrow=True,
            choices=choices((("yes", "Yes"), ("no", "No")), [b.typed("eu_market")], empty="Not known yet"),
        ),
        "destination_country": b.ask(
            "destination_country", "To which country would technology go?", "select", is_optional=True,
            choices=choices(_COUNTRY_PAIRS, [b.typed("destination_country")], empty="None"),
        ),
        "licence_ref": b.ask("licence_ref", "Under which licence?", is_optional=True, maxlength=80,
                             hint="Number of the export licence."),
    }  # fmt: skip
    return StepForm("purpose", questions, evidence=_evidence_rows(b), prohibited_uses=b.registers.prohibited_uses)


def _evidence_rows(b: _Builder) -> list[dict[str, Any]]:
    if b.posted is not None:
        kinds, urls = b.posted.getlist("evidence_kind"), b.posted.getlist("evidence_url")
        pairs = [
            (kinds[index] if index < len(kinds) else "", urls[index] if index < len(urls) else "")
            for index in range(min(max(len(kinds), len(urls)), domain.EVIDENCE_LENGTH_MAX))
        ]
        pairs = [pair for pair in pairs if any(pair)]
    else:
        found = b.content.get("evidence")
        pairs = [(item.get("kind", ""), item.get("url", "")) for item in found] if isinstance(found, list) else []
    pairs += [("", "")] * min(EVIDENCE_ROWS_SPARE, max(0, domain.EVIDENCE_LENGTH_MAX - len(pairs)))
    return [
        {
            "number": index + 1,
            "url": url,
            "choices": choices(vocabulary.EVIDENCE_NAMES.items(), [kind], empty="Choose what it shows"),
        }
        for index, (kind, url) in enumerate(pairs)
    ]


__all__ = ["STEP_FIELDS", "StepForm", "build"]
