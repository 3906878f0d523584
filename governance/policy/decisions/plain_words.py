"""A rule in plain words: its condition as a sentence, what it then does, and where it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from governance.display import numbers
from governance.display.lists import joined
from governance.display.numbers import NBSP
from governance.policy.bundle.effects import Effect, EffectKind, OnError
from governance.policy.bundle.template import unit_of
from governance.policy.decisions.policy_set import BoundRule
from governance.policy.decisions.wording import duty_in_words, evidence_in_words, format_value, role_in_words
from governance.policy.facts.facts import Fact
from governance.policy.facts.facts_schema import FACTS_BY_NAME
from governance.policy.facts.waiting import Waiting, waiting_of
from governance.policy.language import ir

_COMPARISONS = {
    "==": "is",
    "!=": "is not",
    "<": "is below",
    "<=": "is at most",
    ">": "is above",
    ">=": "is at least",
}
_NOT = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_TEXT_TESTS = {"startsWith": "begins with", "endsWith": "ends with", "contains": "contains"}
_UNIT_ENDINGS = ("_usd_month", "_usd", "_kwh", "_kg", "_days")
FACTS_SAID_MAX = 8
VALUE_CHARS_MAX = 80
_OWN_AMOUNT, _RELATED_AMOUNT = "request.exposure_usd", "history.similar_exposure_30d_usd"
_ARITHMETIC = {"+": "plus", "-": "minus", "*": "times", "/": "divided by"}


def rule_in_words(rule: BoundRule) -> str:
    """One paragraph: when, what, on error, source."""
    condition = condition_in_words(rule.condition, rule.units, rule.schema.by_name)
    parts = [f"When {condition}, {effect_in_words(rule.effect)}."]
    if rule.on_error is OnError.DENY:
        parts.append("If this cannot be evaluated, the request is denied.")
    elif rule.compiled.may_be_indeterminate:
        is_allow = rule.kind is EffectKind.ALLOW
        parts.append(f"If this cannot be evaluated, the rule {'does not apply' if is_allow else 'counts as fired'}.")
    if rule.legal_source:
        parts.append(f"Source: {rule.legal_source}.")
    waiting = waiting_of(rule)
    if waiting is not None:
        parts.append(waiting_in_words(waiting))
    return " ".join(parts)


def waiting_in_words(waiting: Waiting) -> str:
    """Which data a rule waits for, and what it does not check until then."""
    names = joined([fact_in_words(fact) for fact in waiting.facts])
    needed = joined(list(dict.fromkeys(fact.awaits for fact in waiting.facts)))
    if waiting.is_whole:
        return f"Waiting for data: this rule has no effect until the product has {needed} (it uses {names})."
    return f"Waiting for data: its part about {names} has no effect until the product has {needed}."


def condition_in_words(
    node: ir.Node, units: Mapping[str, str] | None = None, facts: Mapping[str, Fact] = FACTS_BY_NAME
) -> str:
    """The condition of a rule, parameters with their values, as half a sentence."""
    return _Speaker(units or {}, facts).say(node, True)


def effect_in_words(effect: Effect) -> str:
    """What happens then."""
    match effect.kind:
        case EffectKind.DENY:
            clause = f" under clause {effect.clause}" if effect.clause else ""
            said = f"the request is denied{clause}"
        case EffectKind.REQUIRE:
            people = joined([f"{each.quorum} × {role_in_words(each.role)}" for each in effect.roles])
            due = f" within {effect.due_working_days} working days" if effect.due_working_days else ""
            linked = joined([evidence_in_words(kind) for kind in effect.evidence])
            evidence = f", with {linked}" if linked else ""
            said = f"{people} must approve{due}{evidence}"
        case EffectKind.FLAG | EffectKind.WARN:
            verb = "is flagged" if effect.kind is EffectKind.FLAG else "carries a warning"
            roles = joined([role_in_words(role) for role in effect.notify])
            reader = roles or ("the requester" if effect.kind is EffectKind.WARN else "")
            said = (
                f"the request {verb}{f' for {reader}' if reader else ''} ({_spoken(effect.code or effect.kind.value)})"
            )
        case _:
            share = effect.sample_ratio
            sampled = (
                f", and {numbers.exact_percent(share)} of such requests are selected for a spot check"
                if isinstance(share, float) and share
                else ""
            )
            said = f"the request is approved automatically{sampled}"
    duties = joined([duty_in_words(duty.code) for duty in effect.obligations])
    return f"{said}, and the requester must {duties}" if duties else said


def fact_in_words(fact: Fact) -> str:
    """A fact as a sentence names it: `the assessed amount`; the number that follows brings its unit."""
    if fact.label:
        return fact.label
    field = fact.field
    for ending in _UNIT_ENDINGS:
        field = field.removesuffix(ending)
    return f"the {fact.namespace}'{'' if fact.namespace.endswith('s') else 's'} {_spoken(field)}"


def facts_in_words(facts: Mapping[str, Any], absent: Sequence[str], schema: Mapping[str, Fact]) -> str:
    """A request by what differs from the plain one: `the assessed amount is 2,500.01 USD`.

    Args:
        facts: those that differ; `absent`: those that are not known.
        schema: facts by name.
    """
    said = [
        f"{fact_in_words(schema[name])} is {_shortened(format_value(value, schema[name].unit))}"
        for name, value in facts.items()
        if name in schema and name not in absent
    ]
    said += [f"{fact_in_words(schema[name])} is unknown" for name in absent if name in schema]
    if len(said) > FACTS_SAID_MAX:
        said = [*said[:FACTS_SAID_MAX], f"{len(said) - FACTS_SAID_MAX} facts more differ"]
    return joined(said) or "the request is the plain one"


def people_in_words(roles: Mapping[str, int]) -> str:
    """Who has to agree: `2 × finance and 1 × team lead`, or nobody."""
    return joined([f"{quorum} × {role_in_words(role)}" for role, quorum in sorted(roles.items())]) or "nobody"


def _shortened(text: str) -> str:
    return text if len(text) <= VALUE_CHARS_MAX else f"{text[: VALUE_CHARS_MAX - 1].rstrip()}…"


def _spoken(code: str) -> str:
    return code.replace("_", " ")


def _is_amount_with_related(node: ir.Extreme) -> bool:
    names = {operand.name for operand in node.operands if isinstance(operand, ir.FactRef)}
    return node.kind == "max" and len(node.operands) == 2 and names == {_OWN_AMOUNT, _RELATED_AMOUNT}


def _bare(node: ir.Node) -> ir.Node:
    """A condition without the "not" before it."""
    return _bare(node.operand) if isinstance(node, ir.Not) else node


class _Speaker:
    def __init__(self, units: Mapping[str, str], facts: Mapping[str, Fact]) -> None:
        self.units = units
        self.facts = facts

    # -- conditions; `wanted` is False under a "not"

    def say(self, node: ir.Node, wanted: bool) -> str:
        match node:
            case ir.Not(operand):
                return self.say(operand, not wanted)
            case ir.And(operands) | ir.Or(operands):
                return self.chain(operands, "and" if isinstance(node, ir.And) == wanted else "or", wanted)
            case ir.Has(name):
                return f"{self.fact(name)} is {'known' if wanted else 'unknown'}"
            case ir.Compare(operator, left, right):
                sign = _COMPARISONS[operator if wanted else _NOT[operator]]
                return f"{self.value(left)} {sign} {self.value(right, unit_of(node, self.units, self.facts))}"
            case ir.In(item, items):
                return f"{self.value(item)} {'is' if wanted else 'is not'} among {self.value(items)}"
            case ir.TextTest(function, operand, argument):
                negation = "" if wanted else "does not say that it "
                return f"{self.value(operand)} {negation}{_TEXT_TESTS[function]} {self.value(argument)}"
            case ir.Quantifier(kind, items, _, body):
                which = {("exists", True): "some", ("exists", False): "no", ("all", True): "every"}.get((kind, wanted))
                of = self.value(items)
                if which is None:
                    return f"not every one of {of} is such that {self.say(body, True)}"
                return f"{which} one of {of} is such that {self.say(body, True)}"
            case ir.If(condition, then, otherwise):
                yes, no = self.say(then, wanted), self.say(otherwise, wanted)
                return f"({yes} if {self.say(condition, True)}, else {no})"
            case ir.FactRef(name):
                if says := self.facts[name].says:
                    return says[0 if wanted else 1]
                return f"{self.fact(name)} is {'true' if wanted else 'false'}"
            case ir.Const(value):
                return "always" if bool(value) is wanted else "never"
        return f"a parameter without a value {'holds' if wanted else 'does not hold'}"

    def chain(self, operands: tuple[ir.Node, ...], word: str, wanted: bool) -> str:
        stated = {part.name for each in operands if isinstance(part := _bare(each), ir.FactRef)}
        said: list[str] = []
        for operand in operands:
            if wanted and word == "and" and isinstance(operand, ir.Has) and operand.name in stated:
                # "x is known and x is true" says no more than "x is true".
                continue
            text = self.say(operand, wanted)
            is_mixed = isinstance(operand, (ir.And, ir.Or, ir.Not)) and f" {'or' if word == 'and' else 'and'} " in text
            said.append(f"({text})" if is_mixed else text)
        # "x is known and x is above 5" says no more than "x is above 5".
        kept = [text for text in said if not (word == "and" and self.is_implied(text, said))]
        return f" {word} ".join(kept or said)

    @staticmethod
    def is_implied(text: str, said: list[str]) -> bool:
        subject = text.removesuffix(" is known")
        return subject != text and any(other != text and other.startswith(f"{subject} is ") for other in said)

    # -- values

    def fact(self, name: str) -> str:
        return fact_in_words(self.facts[name])

    def value(self, node: ir.Node, unit: str = "") -> str:
        match node:
            case ir.Const(value):
                return self.constant(value, unit)
            case ir.FactRef(name):
                return self.fact(name)
            case ir.ItemRef():
                return "it"
            case ir.ParamRef(name):
                return f"the parameter {_spoken(name)}"
            case ir.Arithmetic(operator, left, right):
                return f"{self.value(left, unit)} {_ARITHMETIC[operator]} {self.value(right, unit)}"
            case ir.Negate(operand):
                return f"minus {self.value(operand, unit)}"
            case ir.If(ir.Has(name), ir.Extreme() as larger, ir.FactRef(other)) if (
                name == _OWN_AMOUNT and other == _RELATED_AMOUNT and _is_amount_with_related(larger)
            ):
                return self.value(larger)
            case ir.Extreme() if _is_amount_with_related(node):
                return f"{self.fact(_OWN_AMOUNT)} (including related requests of the last 30{NBSP}days)"
            case ir.Extreme(kind, operands):
                which = "the larger" if kind == "max" else "the smaller"
                return f"{which} of {joined([self.value(operand, unit) for operand in operands])}"
            case ir.ToDouble(operand):
                return self.value(operand, unit)
            case ir.Size(operand):
                return f"the length of {self.value(operand)}"
            case ir.If(condition, then, otherwise) if node.type.value != "bool":
                return f"({self.value(then, unit)} if {self.say(condition, True)}, else {self.value(otherwise, unit)})"
        return self.say(node, True)

    def constant(self, value: Any, unit: str) -> str:
        if isinstance(value, str):
            return f"“{value}”"
        if isinstance(value, tuple):
            return joined([self.constant(item, unit) for item in value], "or") or "nothing"
        return format_value(value, unit)
