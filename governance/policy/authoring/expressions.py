"""One rule as an author types it: read with its errors, said in words, tried on an example."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from governance.display.numbers import count
from governance.policy.backends.interpreter import INDETERMINATE, evaluate
from governance.policy.bundle.bundle_model import Bundle, Rule, RuleTest
from governance.policy.bundle.bundle_words import UnknownWord, check_named, effect_words
from governance.policy.bundle.effect_fields import dump_effect, read_effect
from governance.policy.bundle.effects import ALLOWED_ON_ERROR, DEFAULT_ON_ERROR, Effect, OnError
from governance.policy.bundle.fields import RULE_ID, Fields
from governance.policy.bundle.template import parse_template
from governance.policy.bundle.testing import ask_of
from governance.policy.bundle.yaml_source import dump_yaml, load_yaml
from governance.policy.decisions.explain import explain_leaf, leaves_of
from governance.policy.decisions.plain_words import rule_in_words
from governance.policy.decisions.policy_set import compile_policy_set
from governance.policy.errors import BundleError, LimitExceeded, PolicyError, Position, excerpt_with_caret
from governance.policy.language.checker import check_condition
from governance.policy.limits import TEXT_CHARS_MAX

EFFECT_CHARS_MAX = 4_000


@dataclass(frozen=True, slots=True)
class Wrong:
    """An error in one part of a rule: "when", "effect", "message"…"""

    part: str
    error: PolicyError


@dataclass(frozen=True, slots=True)
class Tried:
    """A rule on an example.

    Attributes:
        truth: True, False, or None when it cannot be judged.
        leaves: each comparison, in words, with its truth.
    """

    truth: bool | None
    leaves: tuple[tuple[str, bool | None], ...]
    message: str


def read_rule(
    bundle: Bundle, base: Rule, *, title: str, when: str, effect: str, message: str, on_error: str, legal_source: str
) -> tuple[Rule | None, list[Wrong], list[str]]:
    """What was typed as a rule.

    Returns:
        the rule, or None with what is wrong in each part; and warnings.
    """
    wrong: list[Wrong] = []
    warnings: list[str] = []
    scope, units = bundle.scope(), bundle.units()
    texts = {"title": title, "when": when, "message": message, "legal_source": legal_source}
    for part, text in texts.items():
        if len(text) > TEXT_CHARS_MAX:
            wrong.append(
                Wrong(
                    part, LimitExceeded(f"has at most {count(TEXT_CHARS_MAX)} characters, this one {count(len(text))}")
                )
            )
        elif any(ord(char) == 0 or 0xD800 <= ord(char) <= 0xDFFF for char in text):
            wrong.append(Wrong(part, BundleError("holds NUL or half of a surrogate pair")))
    if not title.strip():
        wrong.append(Wrong("title", BundleError("is missing")))
    if wrong:
        return None, wrong, warnings
    try:
        checked = check_condition(when.strip(), scope)
        warnings += checked.warnings
        warnings += [
            f"`{each.fact}` may be absent; without `has({each.fact})` the rule can be indeterminate"
            for each in checked.unguarded
        ]
    except PolicyError as error:
        wrong.append(Wrong("when", error))
    try:
        parse_template(message.strip(), scope, units)
    except PolicyError as error:
        wrong.append(Wrong("message", error))
    read: Effect | None = None
    kind_of_error = OnError.FIRE
    try:
        read = read_effect_text(effect)
        if scope.vocabulary is not None:
            check_named(effect_words(read), scope.vocabulary)
        kind_of_error = OnError(on_error) if on_error else DEFAULT_ON_ERROR[read.kind]
        if kind_of_error not in ALLOWED_ON_ERROR[read.kind]:
            kind_of_error = DEFAULT_ON_ERROR[read.kind]
    except (PolicyError, ValueError) as error:
        if isinstance(error, UnknownWord) and error.word in effect:
            error.position = Position.at(effect, effect.find(error.word))
            error.excerpt = excerpt_with_caret(effect, error.position)
        wrong.append(
            Wrong("effect", error if isinstance(error, PolicyError) else BundleError("is not one of the choices"))
        )
    if read is None or wrong:
        return None, wrong, warnings
    rule = Rule(
        id=base.id, parent=base.parent, title=title.strip(), when=when.strip(), effect=read, message=message.strip(),
        on_error=kind_of_error, parent_title=base.parent_title, legal_source=legal_source.strip() or None,
    )  # fmt: skip
    return rule, wrong, warnings


def read_effect_text(text: str) -> Effect:
    """`deny`, or a mapping as it stands behind `effect:` in a bundle.

    Raises:
        PolicyError: not an effect; position in the text.
    """
    if len(text) > EFFECT_CHARS_MAX:
        raise LimitExceeded(f"an effect has at most {count(EFFECT_CHARS_MAX)} characters, this one {count(len(text))}")
    head = "effect: " if "\n" not in text.strip() else "effect:\n  "
    body = text.strip().replace("\n", "\n  ")
    fields = Fields(load_yaml(f"{head}{body}\n"), "", "")
    effect = read_effect(fields)
    fields.finish()
    return effect


def effect_text(effect: Effect) -> str:
    """An effect as an author types it, on one line; `read_effect_text` reads it back."""
    plain = dump_effect(effect)
    return plain if isinstance(plain, str) else dump_yaml(plain, is_flow=True).strip()


def blank_rule(bundle: Bundle, rule_id: str) -> Rule:
    """A rule to begin with: it refuses nothing until its author says what.

    Raises:
        BundleError: the id is taken, or no id.
    """
    if not RULE_ID.fullmatch(rule_id):
        raise BundleError("the id of a rule is a letter, then up to 39 letters, digits, `-` and `_`", field="id")
    if any(rule_id in (rule.id, rule.parent) for rule in bundle.rules):
        raise BundleError(f"`{rule_id}` is there already", field="id")
    effect = read_effect_text("warn")
    return Rule(rule_id, rule_id, "", "false", effect, "", DEFAULT_ON_ERROR[effect.kind])


def try_rule(bundle: Bundle, rule: Rule, facts: Mapping[str, Any], *, on: date) -> tuple[str, Tried]:
    """The rule in words on a day, and what it says to a request.

    Args:
        bundle: with the rule in it.
    """
    policy_set = compile_policy_set([bundle])
    bound = next((each for each in policy_set.at(on).rules if each.rule_id == rule.id), None)
    if bound is None:
        return "Not in force on this day.", Tried(None, (), "")
    answer = evaluate(bound.condition, facts)
    values = {name: facts.get(name) for name in bound.facts}
    leaves = tuple((explain_leaf(leaf), leaf.truth) for leaf in leaves_of(bound.shapes, values))
    truth = None if answer is INDETERMINATE else bool(answer)
    return rule_in_words(bound), Tried(truth, leaves, bound.template.render(facts))


def facts_of_case(bundle: Bundle, case: RuleTest | None) -> dict[str, Any]:
    """The plain request of a bundle, or the request of one of its cases."""
    return ask_of(bundle, case.facts, case.absent) if case else ask_of(bundle, {})


def usual_day(bundle: Bundle, today: date) -> date:
    """Today, or the first day on which the bundle rules."""
    return max(today, bundle.effective_from) if bundle.effective_from else today
