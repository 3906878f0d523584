"""The nearest change of a request that would have been allowed: what to ask for instead.

Tries values around the limits of the rules that stood against it, first one fact alone, then the fewest together. Only
facts that the requester has in hand are changed; nobody can ask for another history or a larger budget.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from governance.policy.analysis.samples import ABSENT, candidates
from governance.policy.bundle.effects import EffectKind
from governance.policy.decisions.answer import Decision, Outcome
from governance.policy.decisions.decision import RuleException, decide, outcome_of
from governance.policy.decisions.policy_set import CompiledPolicySet
from governance.policy.decisions.wording import format_value
from governance.policy.errors import FactError
from governance.policy.facts.facts import facts_to_json
from governance.policy.facts.facts_schema import FACTS_BY_NAME
from governance.policy.facts.valid_facts import ValidFacts

# What a requester can ask for otherwise: size, place, term, time, and evidence that can be brought.
CHANGEABLE = (
    "request.exposure_usd",
    "request.accelerator_count",
    "request.gpu_hours_cap",
    "request.window_days",
    "request.data_class",
    "request.customer_data",
    "request.evidence_kinds",
    "place.provider_type",
    "place.country",
    "place.price_term",
    "estimate.commitment_tail_usd",
    "estimate.run_flop_p90",
    "estimate.energy_p90_kwh",
    "estimate.carbon_p50_kg",
)
# What would be left of a request below these is no request.
LEAST = {
    "request.exposure_usd": 0.01,
    "request.accelerator_count": 1,
    "request.gpu_hours_cap": 1.0,
    "request.window_days": 1.0,
    "estimate.run_flop_p90": 1.0,
    "estimate.energy_p90_kwh": 0.001,
    "estimate.carbon_p50_kg": 0.001,
}
TOGETHER_MAX = 3
DECISIONS_MAX = 20_000
LOOSER_MAX = 12


@dataclass(frozen=True, slots=True)
class Change:
    """One fact as it is and as it would have to be; None means absent."""

    fact: str
    before: Any
    after: Any

    @property
    def sentence(self) -> str:
        unit = FACTS_BY_NAME[self.fact].unit if self.fact in FACTS_BY_NAME else ""
        return f"{self.fact}: {format_value(self.after, unit)} instead of {format_value(self.before, unit)}"

    def to_json(self) -> dict[str, Any]:
        plain = facts_to_json({"before": self.before, "after": self.after})
        return {"fact": self.fact, **plain, "sentence": self.sentence}


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """Changes that together lead to a milder outcome."""

    changes: tuple[Change, ...]
    outcome: Outcome

    def to_json(self) -> dict[str, Any]:
        return {"outcome": self.outcome.value, "changes": [change.to_json() for change in self.changes]}


def nearest_allowed(
    policy_set: CompiledPolicySet,
    facts: Mapping[str, Any],
    *,
    on: date,
    exceptions: Sequence[RuleException] = (),
    changeable: Sequence[str] = CHANGEABLE,
    complete: Callable[[dict[str, Any]], dict[str, Any]] = lambda facts: facts,
    decisions_max: int = DECISIONS_MAX,
) -> Counterfactual | None:
    """The smallest change under which the request would have been allowed, or at least not refused.

    Args:
        facts: what the decision saw.
        changeable: facts that may be changed.
        complete: makes facts follow that depend on changed ones (headroom on exposure); nothing does by default.
        decisions_max: after so many tries the best one found so far is the answer.

    Returns:
        the change with the fewest facts, among those the nearest; one to REVIEW where a refusal cannot become ALLOW;
        None when nothing that was tried is milder, or the request is allowed.
    """
    facts = ValidFacts.with_gaps(facts, policy_set.schema)
    before = decide(policy_set, facts, on=on, exceptions=exceptions)
    if before.outcome is Outcome.ALLOW:
        return None
    choices = _choices(policy_set, facts, before, on, changeable)
    tried = 0
    best: tuple[int, int, float, Counterfactual] | None = None
    for count in range(1, TOGETHER_MAX + 1):
        for names in itertools.combinations(choices, count):
            for values in itertools.product(*(choices[name] for name in names)):
                tried += 1
                if tried > decisions_max:
                    return best[3] if best else None
                changed = complete(_changed(facts, dict(zip(names, values, strict=True))))
                try:
                    tried_facts = facts.changed(changed)
                except FactError:
                    # No request has such facts, so nobody can ask for it.
                    continue
                outcome = outcome_of(policy_set, tried_facts, on=on, exceptions=exceptions)
                if outcome.strictness >= before.outcome.strictness:
                    continue
                rank = (outcome.strictness, count, _distance(facts, changed, names))
                if best is None or rank < best[:3]:
                    changes = tuple(Change(name, facts.get(name), changed.get(name)) for name in names)
                    best = (*rank, Counterfactual(changes, outcome))
        if best is not None and best[0] == Outcome.ALLOW.strictness:
            break
    return best[3] if best else None


def _choices(
    policy_set: CompiledPolicySet, facts: Mapping[str, Any], before: Decision, on: date, changeable: Sequence[str]
) -> dict[str, list[Any]]:
    """Values worth trying for the facts that the rules in the way look at, and those that permit."""
    rules = policy_set.at(on).rules
    fired = {rule.rule_id for rule in before.fired}
    in_the_way = [rule.condition for rule in rules if rule.rule_id in fired and rule.kind is not EffectKind.ALLOW]
    permitting = [rule.condition for rule in rules if rule.kind is EffectKind.ALLOW]
    found = candidates([*in_the_way, *permitting], policy_set.schema)
    choices: dict[str, list[Any]] = {}
    for name in changeable:
        values = [value for value in found.get(name, []) if value is not ABSENT and value != facts.get(name)]
        current = facts.get(name)
        if isinstance(current, (int, float)) and not isinstance(current, bool):
            # A larger ask is never the way out, and the nearest smaller ones suffice.
            least = LEAST.get(name, 0)
            values = sorted((value for value in values if least <= value < current), reverse=True)[:LOOSER_MAX]
        if isinstance(current, tuple):
            # Evidence is added to what is there.
            values = [sorted({*current, *value}) for value in values if value]
        if values:
            choices[name] = values
    return choices


def _changed(facts: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {**facts, **changes}


def _distance(facts: Mapping[str, Any], changed: Mapping[str, Any], names: Sequence[str]) -> float:
    """How far a change goes: numbers by their share, everything else as one step."""
    total = 0.0
    for name in names:
        before, after = facts.get(name), changed.get(name)
        if isinstance(before, (int, float)) and isinstance(after, (int, float)) and not isinstance(before, bool):
            total += abs(after - before) / (abs(before) or 1.0)
        else:
            total += 1.0
    return total
