"""Judge stored facts again and compare with what was decided: same facts, same rules, same answer, for ever."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from governance.policy.answer import decision_from_json
from governance.policy.decision import RuleException, decide
from governance.policy.facts_schema import facts_from_json
from governance.policy.policy_set import CompiledPolicySet


def replayed_differences(
    policy_set: CompiledPolicySet, facts: Mapping[str, Any], stored: Mapping[str, Any], *, on: date
) -> dict[str, tuple[Any, Any]]:
    """What comes out differently, by name; empty when the decision stands.

    Args:
        facts, stored: facts and decision as they were stored, plain values.
        on: the day of the decision. Exceptions are those that the decision lists: they are part of what was decided.
    """
    again = decide(policy_set, facts_from_json(facts), on=on, exceptions=exceptions_of(stored, on=on)).to_json()
    return {name: (stored.get(name), again.get(name)) for name in again if stored.get(name) != again.get(name)}


def exceptions_of(stored: Mapping[str, Any], *, on: date) -> list[RuleException]:
    """The exceptions that a stored decision lists, as they held on its day."""
    return [
        RuleException(each.exception_id, each.rule_id, each.reason, each.approved_by, on, each.expires_on)
        for each in decision_from_json(stored).exceptions_applied
    ]
