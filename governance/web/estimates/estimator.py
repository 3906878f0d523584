"""The estimator page: size any workload, see what drives the figure, and what else would do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from estimator.catalogue import NoCatalogue, current_snapshot
from estimator.core.catalogue import CatalogueSnapshot
from estimator.core.pricing.place import PriceTerm
from estimator.core.results.exploration import Exploration
from estimator.core.workload.fields import FIELDS_BY_KIND, FieldSpec, FieldType, WorkloadKind
from estimator.core.workload.needs import Delivery, Software
from governance.display import numbers
from governance.display.accelerators import grouped
from governance.display.countries import COUNTRIES
from governance.display.vocabulary import TERM_NAMES, words
from governance.domain.errors import InvalidInput
from governance.domain.prose import sentence
from governance.domain.typed import read_number
from governance.models import Provider
from governance.selectors.register.accelerators import by_class
from governance.selectors.requests import estimates
from governance.web.base import page
from governance.web.estimates.estimator_plots import driver_bars, line_bars, offer_scatter
from governance.web.requests import measures
from governance.web.requests.answers import fields_of, read_work_field
from governance.web.requests.questions import Question, choices, field_id, grouped_choices, input_name

LINES_MAX = 15
TEXT_MAX = 200
USUAL_FIELDS = frozenset(
    {
        "parameters_billion",
        "architecture",
        "active_parameters_billion",
        "tokens_billion",
        "latency_target_ms",
        "hours_per_accelerator",
    }
)
"""Shown at once although optional; the other optional fields are one click away."""
_OF_THE_PLACE = ("accelerator", "accelerator_count", "provider", "price_term", "country")
_ARCHITECTURE = input_name("work.architecture")
SKIPPED_KINDS = frozenset({WorkloadKind.PURCHASE})
TERMS_OF_OWNED = (
    ("depreciation", "Capital, written off"),
    ("financing", "Capital, tied up"),
    ("power", "Power"),
    ("cooling", "Cooling"),
    ("support", "Support"),
)


@require_safe
@page
def show(request: HttpRequest) -> HttpResponse:
    """The form, and the answer where the address asks for one. Nothing is stored: the address is the estimate."""
    try:
        snapshot = current_snapshot()
    except NoCatalogue:
        return render(request, "estimator/empty.html", status=503)
    asked = request.GET
    kind = asked.get("workload", "")
    kind = kind if kind in tuple(WorkloadKind) else str(WorkloadKind.PRETRAINING)
    errors: dict[str, list[str]] = {}
    found = None
    if "size" in asked:
        try:
            found = _explore(asked, kind)
        except InvalidInput as error:
            errors = {name: list(sentences) for name, sentences in error.errors.items()}
    work = [
        (question, not question.is_optional or spec.name in USUAL_FIELDS or bool(question.value or question.error))
        for spec in fields_of(kind, asked.get(_ARCHITECTURE))
        if (question := _work_question(spec, asked, errors))
    ]
    context = {
        "kind": kind,
        "workload": _workload_question(kind),
        "work": [question for question, is_main in work if is_main],
        "work_more": [question for question, is_main in work if not is_main],
        "place": _place_questions(kind, asked, errors, snapshot),
        "errors": [(_link(name, kind), sentence(text)) for name, texts in errors.items() for text in texts],
        **(_answer(found, _accelerators(asked)) if found is not None else {}),
        # What was asked for goes into a draft as it stands; an offer replaces the place.
        "given_pairs": [(name, value) for name, value in asked.items() if name not in _OF_THE_PLACE],
        "given_place": [(name, value) for name, value in asked.items() if name in _OF_THE_PLACE],
    }
    return render(request, "estimator/estimator.html", context, status=400 if errors else 200)


def _explore(asked: QueryDict, kind: str) -> Exploration:
    errors: dict[str, list[str]] = {}
    work = {
        spec.name: value
        for spec in fields_of(kind, asked.get(_ARCHITECTURE))
        if (value := read_work_field(spec, asked.get(input_name(f"work.{spec.name}")))) is not None
    }
    count = _number(asked, "accelerator_count", errors) or 1.0
    window, deadline = _number(asked, "window_days", errors), _number(asked, "deadline_hours", errors)
    renewable = _number(asked, "renewable_percent", errors)
    if count != int(count) or not 1 <= count <= 1_000_000:
        errors["accelerator_count"] = ["use a whole number from 1 to 1,000,000"]
    if deadline is not None and not 0.01 <= deadline <= 1e6:
        errors["deadline_hours"] = ["use hours from 0.01 to 1,000,000"]
    if errors:
        raise InvalidInput(errors)
    inputs = estimates.Inputs(
        workload=kind,
        work=work,
        sizing="work",
        price_term=asked.get("price_term") or _usual_term(kind),
        provider=asked.get("provider") or None,
        country=asked.get("country") or None,
        accelerator=asked.get("accelerator") or None,
        accelerator_count=int(count),
        window_days=window,
        renewable_share=None if renewable is None else renewable / 100.0,
        needs={
            "deadline_hours": deadline,
            "software": _among(asked.get("software"), tuple(Software)),
            "delivery": _among(asked.get("delivery"), tuple(Delivery)),
            "is_export_controlled": asked.get("is_export_controlled") == "yes",
        },
        hosted_model=asked.get("hosted_model") or None,
    )
    return estimates.explore_workload(inputs, today=timezone.now().date())


def _accelerators(asked: QueryDict) -> int:
    """How many were asked for, once that was read without fault; 1 where it was left empty."""
    return int(_number(asked, "accelerator_count", {}) or 1)


def _answer(found: Exploration, accelerator_count: int) -> dict[str, Any]:
    estimate, comparison = found.estimate, found.comparison
    quantity = estimate.cost_usd or estimate.gpu_hours
    owned = found.ownership
    write = numbers.money if estimate.cost_usd else numbers.hours
    return {
        "found": found,
        "m": measures.of_estimate(estimate, accelerator_count=accelerator_count),
        "drivers": driver_bars(found.drivers, quantity.p50, write) if quantity else None,
        "drivers_unit": "USD" if estimate.cost_usd else "GPU-hours",
        "scatter": offer_scatter(comparison) if comparison else None,
        "lines": comparison.lines(LINES_MAX)[: 2 * LINES_MAX] if comparison else [],
        "ruled_out": sorted(comparison.why_not().items(), key=lambda pair: -pair[1]) if comparison else [],
        "parts": line_bars([(name.capitalize(), line.p50) for name, line in estimate.cost_lines], numbers.money),
        "owned": line_bars([(label, getattr(owned, name)) for name, label in TERMS_OF_OWNED], numbers.money)
        if owned
        else None,
        "owned_hour": owned.usd_per_hour(1.0) if owned else None,
    }


def _workload_question(kind: str) -> Question:
    pairs = [(str(each), words(each)) for each in WorkloadKind if each not in SKIPPED_KINDS]
    return Question("workload", "What will it run?", "select", choices=choices(pairs, [kind]), is_narrow=True)


def _work_question(spec: FieldSpec, asked: QueryDict, errors: Mapping[str, list[str]]) -> Question:
    name = input_name(f"work.{spec.name}")
    value, error = asked.get(name, "")[:TEXT_MAX], _error(errors, spec.name)
    if spec.type is FieldType.CHOICE:
        found = choices(spec.choices, [value or str(spec.default or "")])
        is_default = not value or value == spec.default
        return Question(name, spec.label, "select", spec.hint, choices=found, error=error, is_optional=is_default)
    hint = spec.hint + (
        f" {numbers.figure(spec.default, 6)} if left empty." if isinstance(spec.default, int | float) else ""
    )
    kind = "text" if spec.type is FieldType.TEXT else "number"
    unit = "" if kind == "text" else spec.unit or " "
    # Training may be sized by samples instead, so neither is required; nearly everybody states them.
    is_optional = not spec.required and spec.name not in (
        "parameters_billion",
        "tokens_billion",
        "active_parameters_billion",
    )
    return Question(name, spec.label, kind, hint, value, unit, error=error, is_optional=is_optional)


def _place_questions(
    kind: str, asked: QueryDict, errors: Mapping[str, list[str]], snapshot: CatalogueSnapshot
) -> list[Question]:
    def select(
        name: str, label: str, pairs: list[tuple[str, str]], empty: str | None, hint: str = "", default: str = ""
    ) -> Question:
        found = choices(pairs, [asked.get(name, "")[:TEXT_MAX] or default], empty=empty)
        return Question(name, label, "select", hint, choices=found, error=_error(errors, name))

    def number(name: str, label: str, unit: str, hint: str = "") -> Question:
        value = asked.get(name, "")[:TEXT_MAX]
        return Question(name, label, "number", hint, value, unit, error=_error(errors, name), is_optional=True)

    parts = grouped(by_class(snapshot, Provider.objects.all(), on=timezone.now().date()))
    part = grouped_choices(parts, asked.get("accelerator", "")[:TEXT_MAX], empty="Not chosen yet")
    sellers = sorted(snapshot.providers.values(), key=lambda seller: seller.name)
    terms = [(str(term), TERM_NAMES.get(term, str(term))) for term in PriceTerm if term != PriceTerm.PURCHASE]
    return [
        Question("accelerator", "Accelerator", "select", choices=part, error=_error(errors, "accelerator")),
        number("accelerator_count", "How many", "accelerators", "1 if left empty."),
        select("provider", "Provider", [(seller.slug, seller.name) for seller in sellers], "Any seller"),
        select("price_term", "Price term", terms, None, default=_usual_term(kind)),
        select("country", "Country of the machines", sorted(COUNTRIES.items(), key=lambda pair: pair[1]), "Not known"),
        number("window_days", "Window", "days", "For a service: how long it runs. 90 if left empty."),
        number("deadline_hours", "Deadline", "hours", "Of other offers: more devices until it is met."),
        number("renewable_percent", "Renewable contract", "%", "Share of the electricity; makes market-based carbon."),
        select(
            "software",
            "Software",
            [(each, each.replace("_", "/").upper()) for each in Software if each != "any"],
            "Any",
        ),
        select("delivery", "Delivered as", [(each, each.capitalize()) for each in Delivery if each != "any"], "Any"),
    ]


def _usual_term(kind: str) -> str:
    """What most people pay: an owned pool has an internal rate, which few can state before there is one."""
    return str(PriceTerm.PER_TOKEN if kind == WorkloadKind.HOSTED_API else PriceTerm.ON_DEMAND)


def _number(asked: QueryDict, name: str, errors: dict[str, list[str]]) -> float | None:
    value = read_number(asked.get(name))
    if isinstance(value, str):
        errors[name] = [f"`{value[:TEXT_MAX]}` is not a number: write it like 200,000 or 1.5"]
        return None
    return None if value is None else float(value)


def _among(value: str | None, allowed: tuple[str, ...]) -> str:
    return value if value in allowed else "any"


def _error(errors: Mapping[str, list[str]], name: str) -> str:
    return " ".join(sentence(text) for text in errors.get(name, ()))


def _link(name: str, kind: str) -> str:
    """The id of the control that a field belongs to."""
    is_work = any(spec.name == name for spec in FIELDS_BY_KIND[WorkloadKind(kind)])
    return field_id(f"work.{name}" if is_work else name)
