"""Judge stored facts again and compare with what was decided: same facts, same rules, same answer, for ever."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from governance.policy.decisions.answer import decision_from_json
from governance.policy.decisions.decision import RuleException, decide
from governance.policy.decisions.policy_set import CompiledPolicySet
from governance.policy.facts.facts_schema import facts_from_json
from governance.policy.facts.valid_facts import ValidFacts


def replayed_differences(
    policy_set: CompiledPolicySet, facts: Mapping[str, Any], stored: Mapping[str, Any], *, on: date
) -> dict[str, tuple[Any, Any]]:
    """What comes out differently, by name; empty when the decision stands.

    Args:
        facts, stored: facts and decision as they were stored, plain values.
        on: the day of the decision. Exceptions are those that the decision lists: they are part of what was decided.

    Raises:
        PolicyError: the facts cannot be read.
    """
    read = ValidFacts.with_gaps(facts_from_json(facts), policy_set.schema)
    again = decide(policy_set, read, on=on, exceptions=exceptions_of(stored, on=on)).to_json()
    return {
        name: (stored.get(name), again.get(name))
        for name in again
        if _as_numbers(stored.get(name)) != _as_numbers(again.get(name))
    }


def _as_numbers(value: Any) -> Any:
    """A plain value in which every number is a double, as JSON means it.

    A database that keeps JSON by value gives 1e24 back as a whole number, which Python holds exactly and a double not.
    """
    if isinstance(value, Mapping):
        return {name: _as_numbers(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_as_numbers(each) for each in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def exceptions_of(stored: Mapping[str, Any], *, on: date) -> list[RuleException]:
    """The exceptions that a stored decision lists, as they held on its day."""
    return [
        RuleException(each.exception_id, each.rule_id, each.reason, each.approved_by, on, each.expires_on)
        for each in decision_from_json(stored).exceptions_applied
    ]
