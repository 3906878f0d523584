"""The expression editor: one rule, or the whole bundle, checked while it is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from governance.admin import access
from governance.admin.rules.policy_pages import Draft, Problem, read_draft, show_draft, writer_ground
from governance.admin.site import DeskSite
from governance.domain.prose import sentence
from governance.policy.authoring.edits import Edited, add_rule, edit_source, find_rule, remove_rule, replace_rule
from governance.policy.authoring.expressions import (
    Tried,
    blank_rule,
    effect_text,
    facts_of_case,
    read_rule,
    try_rule,
    usual_day,
)
from governance.policy.authoring.parameters import in_words
from governance.policy.authoring.review import review_change
from governance.policy.authoring.where import relocated
from governance.policy.bundle.bundle import Bundle, Rule, load_bundle
from governance.policy.bundle.effects import OnError
from governance.policy.errors import BundleError, PolicyError
from governance.selectors.rules.policy_drafts import Ground

WHOLE, NEW = "*", "+"
PART_WORDS = {
    "title": "Title", "when": "When", "effect": "Then", "message": "Message", "legal_source": "Legal source",
}  # fmt: skip
PARTS = ("title", "when", "effect", "message", "on_error", "legal_source")
FACTS_SHOWN_MAX = 120
ON_ERROR_WORDS = {
    "": "Default for its effect",
    OnError.FIRE.value: "It counts as fired",
    OnError.REVIEW.value: "Needs review",
    OnError.DENY.value: "The request is denied",
}


@dataclass(slots=True)
class Writing:
    """One rule as typed, and what it says."""

    rule_id: str
    typed: dict[str, str]
    is_new: bool = False
    is_removed: bool = False
    words: str = ""
    tried: Tried | None = None
    warnings: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return max(5, min(24, self.typed["when"].count("\n") + 2))


def text_view(desk: DeskSite, request: HttpRequest, version_id: int) -> HttpResponse:
    """GET shows a rule or the whole text; POST checks it, and with `action=save` stores it."""
    ground = writer_ground(request, version_id)
    if request.POST.get("action") == "facts":
        return TemplateResponse(request, "admin/desk/policy_facts.html", _facts(request, ground.bundle))
    draft = read_draft(request, ground)
    chosen = request.POST.get("rule") or request.GET.get("rule") or ground.bundle.rules[0].id
    context: dict[str, Any] = {
        "chosen": chosen,
        "choices": [(rule.id, f"{rule.id} {rule.title}") for rule in ground.bundle.rules],
        "on_error_words": ON_ERROR_WORDS.items(),
        **_facts(request, ground.bundle),
    }
    if chosen == WHOLE:
        context["text"] = _whole(request, ground, draft)
    else:
        writing = _one(request, ground, draft, chosen)
        cases = [case.name for case in ground.bundle.tests if case.rule == writing.rule_id]
        context |= {
            "writing": writing,
            "cases": cases,
            "example": request.POST.get("example", ""),
            "extra_template": "admin/desk/policy_reading.html",
        }
    return show_draft(desk, request, ground, "text", draft, context)


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


# -- the whole text


def _whole(request: HttpRequest, ground: Ground, draft: Draft) -> str:
    source = ground.version.source
    if request.method != "POST":
        return source
    text = _lines(request.POST.get("text", ""))
    if text == source:
        return text
    try:
        bundle = load_bundle(text, vocabulary=ground.bundle.vocabulary)
        if bundle.name != ground.bundle.name:
            message = f"the name `{bundle.name}` makes it another set; this one is `{ground.bundle.name}`"
            raise BundleError(message, field="metadata.name")
    except PolicyError as error:
        draft.problems.append(Problem.of(relocated(text, error), field="text"))
        return text
    draft.edited = Edited(text, bundle, True)
    draft.review = review_change(ground.bundle, bundle, on=usual_day(bundle, access.of(request).now.date()))
    return text


# -- one rule


def _one(request: HttpRequest, ground: Ground, draft: Draft, chosen: str) -> Writing:
    bundle, is_new = ground.bundle, chosen == NEW
    try:
        if is_new:
            base = blank_rule(bundle, request.POST.get("id", "").strip()) if request.method == "POST" else None
        else:
            base = find_rule(bundle, chosen)
    except PolicyError as error:
        draft.problems.append(Problem.of(error, field="id" if is_new else "rule"))
        base = None
    stored = _stored(base)
    if request.method != "POST":
        writing = Writing(base.id if base else "", stored, is_new)
    else:
        # The draft has a title too, so the rule's has another name.
        names = {part: "title_rule" if part == "title" else part for part in PARTS}
        typed = {part: _lines(request.POST.get(name, stored[part])) for part, name in names.items()}
        writing = Writing(base.id if base else request.POST.get("id", "")[:60], typed, is_new, "remove" in request.POST)
    if base is None or (is_new and request.method != "POST"):
        return writing
    rule, wrong, warnings = read_rule(bundle, base, **writing.typed)
    writing.warnings = [sentence(text) for text in warnings]
    for each in wrong:
        field_name = "title_rule" if each.part == "title" else each.part
        draft.problems.append(Problem.of(each.error, field=field_name, where=PART_WORDS[each.part]))
    try:
        if rule is not None:
            _examine(request, ground, draft, writing, rule)
    except PolicyError as error:
        draft.problems.append(Problem.of(error))
    return writing


def _stored(rule: Rule | None) -> dict[str, str]:
    if rule is None:
        return {"title": "", "when": "", "effect": "", "message": "", "on_error": "", "legal_source": ""}
    return {
        "title": rule.title,
        "when": rule.when,
        "effect": effect_text(rule.effect),
        "message": rule.message,
        "on_error": "" if rule.has_default_on_error else rule.on_error.value,
        "legal_source": rule.legal_source or "",
    }


def _examine(request: HttpRequest, ground: Ground, draft: Draft, writing: Writing, rule: Rule) -> None:
    """Say the rule in words, try it on the chosen ask, and weigh it against the version."""
    bundle = ground.bundle
    day = usual_day(bundle, access.of(request).now.date())
    if writing.is_removed and not writing.is_new:
        change = remove_rule(rule.id)
    else:
        change = add_rule(rule) if writing.is_new else replace_rule(rule.id, rule)
    edited = edit_source(ground.version.source, change, vocabulary=ground.bundle.vocabulary)
    if not writing.is_removed:
        name = request.POST.get("example", "")
        case = next((each for each in bundle.tests if each.rule == rule.id and each.name == name), None)
        on = case.on if case is not None and case.on is not None else day
        writing.words, writing.tried = try_rule(edited.bundle, rule, facts_of_case(bundle, case), on=on)
    if edited.bundle.content_hash != bundle.content_hash:
        draft.edited = edited
        draft.review = review_change(bundle, edited.bundle, on=day)


# -- what a rule may look at


def _facts(request: HttpRequest, bundle: Bundle) -> dict[str, Any]:
    """Facts, limits and named expressions whose name or help holds what was searched for."""
    sought = " ".join(request.POST.get("facts", "").lower().split())[:60]

    def matches(*texts: str) -> bool:
        return all(word in " ".join(texts).lower() for word in sought.split())

    found = [
        (fact.name, _kind(fact.type.value, fact.unit, fact.optional), fact.help, ", ".join(fact.choices))
        for fact in bundle.schema.facts
        if matches(fact.name, fact.help, fact.unit, *fact.choices)
    ]
    limits = [
        (f"params.{param.name}", in_words(param, param.values[-1].value), param.help)
        for param in bundle.params
        if matches(f"params.{param.name}", param.help)
    ]
    named = [(f"variables.{name}", text) for name, text in bundle.variables.items() if matches(f"variables.{name}")]
    return {
        "sought": sought,
        "facts": found[:FACTS_SHOWN_MAX],
        "fact_count": len(found),
        "limits_named": limits,
        "expressions_named": named,
    }


def _kind(type_name: str, unit: str, is_optional: bool) -> str:
    return ", ".join(
        part for part in (type_name.replace("_", " "), unit, "may be absent" if is_optional else "") if part
    )
