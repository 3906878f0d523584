"""What changes from one version of the rules to another: rule by rule, each with a concrete ask that shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from governance.policy.analysis.reasoner import Reasoner
from governance.policy.analysis.solver import MILLISECONDS_MAX, Answer
from governance.policy.decisions.decision import decide
from governance.policy.decisions.policy_set import BoundRule, CompiledPolicySet
from governance.policy.facts.facts import facts_to_json
from governance.policy.facts.valid_facts import ValidFacts
from governance.policy.language.ir_text import text_of


@dataclass(frozen=True, slots=True)
class RuleDifference:
    """How one rule differs.

    Attributes:
        change: "added", "removed", "condition", "effect" or "wording".
        before, after: the condition (or the effect) then and now, "" where there is none.
        example: a request on which only one of the two fires; None when none was found.
        outcomes: what the whole sets answer to that request, before and after.
        is_same_everywhere: proven: written differently, the condition means the same.
    """

    rule_id: str
    change: str
    before: str
    after: str
    example: Mapping[str, Any] | None = field(default=None, compare=False)
    outcomes: tuple[str, str] | None = None
    is_same_everywhere: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "rule_id": self.rule_id,
            "change": self.change,
            "before": self.before,
            "after": self.after,
            "example": None if self.example is None else facts_to_json(self.example),
            "outcomes": list(self.outcomes) if self.outcomes else None,
            "is_same_everywhere": self.is_same_everywhere,
        }


def differences(
    old: CompiledPolicySet,
    new: CompiledPolicySet,
    *,
    on: date,
    base: Mapping[str, Any] | None = None,
    use_solver: bool = True,
    milliseconds: int = MILLISECONDS_MAX,
) -> tuple[RuleDifference, ...]:
    """Compare two policy sets as in force on one day, in the order of rule ids."""
    before = {rule.rule_id: rule for rule in old.at(on).rules}
    after = {rule.rule_id: rule for rule in new.at(on).rules}
    both = [*before.values(), *after.values()]
    if not both:
        return ()
    reasoner = Reasoner.of_rules(both, new.schema, base=base, use_solver=use_solver, milliseconds=milliseconds)
    places = {("old", rule_id): index for index, rule_id in enumerate(before)}
    places |= {("new", rule_id): len(before) + index for index, rule_id in enumerate(after)}

    def answers(example: Mapping[str, Any]) -> tuple[str, str]:
        facts = ValidFacts.with_gaps(example, new.schema)
        return decide(old, facts, on=on).outcome.value, decide(new, facts, on=on).outcome.value

    found: list[RuleDifference] = []
    for rule_id in sorted({*before, *after}):
        one, other = before.get(rule_id), after.get(rule_id)
        if one is None or other is None:
            found.append(_one_sided(rule_id, one, other, reasoner, places, answers))
        else:
            found += _both(one, other, reasoner, places, answers)
    return tuple(found)


def _one_sided(
    rule_id: str, one: BoundRule | None, other: BoundRule | None, reasoner: Reasoner, places: Any, answers: Any
) -> RuleDifference:
    side, rule = ("new", other) if one is None else ("old", one)
    assert rule is not None
    example = reasoner.find(true=[places[side, rule_id]]).example
    text = text_of(rule.condition)
    return RuleDifference(
        rule_id=rule_id,
        change="added" if one is None else "removed",
        before="" if one is None else text,
        after=text if one is None else "",
        example=example,
        outcomes=None if example is None else answers(example),
    )


def _both(one: BoundRule, other: BoundRule, reasoner: Reasoner, places: Any, answers: Any) -> Iterator[RuleDifference]:
    rule_id = one.rule_id
    if one.condition != other.condition:
        old, new = places["old", rule_id], places["new", rule_id]
        fires_now, fired_then = reasoner.find(true=[new], false=[old]), reasoner.find(true=[old], false=[new])
        # What is no longer caught comes first: that is where rules are loosened.
        example = fired_then.example or fires_now.example
        is_same = fires_now.answer is fired_then.answer is Answer.IMPOSSIBLE
        yield RuleDifference(
            rule_id=rule_id,
            change="condition",
            before=text_of(one.condition),
            after=text_of(other.condition),
            example=example,
            outcomes=None if example is None else answers(example),
            is_same_everywhere=is_same,
        )
    if one.effect != other.effect or one.on_error is not other.on_error:
        example = reasoner.find(true=[places["new", rule_id]]).example
        yield RuleDifference(
            rule_id=rule_id,
            change="effect",
            before=f"{one.effect.to_json()}, on error {one.on_error.value}",
            after=f"{other.effect.to_json()}, on error {other.on_error.value}",
            example=example,
            outcomes=None if example is None else answers(example),
        )
    rules = one.compiled.rule, other.compiled.rule
    if rules[0].message != rules[1].message or rules[0].title != rules[1].title:
        yield RuleDifference(rule_id, "wording", rules[0].message, rules[1].message)
