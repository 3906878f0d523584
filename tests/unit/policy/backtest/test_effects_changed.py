"""What else changes where the outcome stays: counted in columns as single decisions have it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from governance.policy.analysis.samples import candidates, draw
from governance.policy.backends.columns import encode
from governance.policy.backtest.backtest import Backtest, combine
from governance.policy.backtest.effects_changed import KINDS, Side, changed_in_words, effect_changes, unfillable_rows
from governance.policy.backtest.tally import demands
from governance.policy.bundle.bundle_model import Rule
from governance.policy.bundle.effects import Effect, EffectKind, Obligation, RoleDemand
from governance.policy.bundle.shipped import shipped_bundles, shipped_policy_set
from governance.policy.bundle.testing import DEFAULT_DAY as DAY
from governance.policy.decisions.answer import Decision, Outcome
from governance.policy.decisions.decision import decide
from governance.policy.decisions.policy_set import CompiledPolicySet, compile_policy_set
from governance.policy.facts.examples import plain_facts
from governance.policy.facts.facts_schema import SCHEMA

RULES = {rule.rule_id: rule for rule in shipped_policy_set().at(DAY).rules}
ROWS = draw(candidates([rule.condition for rule in RULES.values()], SCHEMA), plain_facts(), 1_500)
COLUMNS = encode(ROWS, SCHEMA)
SIZE = (COLUMNS.count + 7) // 8


def with_effect(rule_id: str, change: Callable[[Effect], Effect]) -> CompiledPolicySet:
    """The shipped policy with one rule's effect changed."""

    def changed(rule: Rule) -> Rule:
        return replace(rule, effect=change(rule.effect)) if rule.id == rule_id else rule

    return compile_policy_set(
        [replace(each, rules=tuple(changed(rule) for rule in each.rules)) for each in shipped_bundles()]
    )


def without(rule_id: str) -> CompiledPolicySet:
    return compile_policy_set(
        [replace(each, rules=tuple(rule for rule in each.rules if rule.id != rule_id)) for each in shipped_bundles()]
    )


def roles(*demands: RoleDemand) -> Callable[[Effect], Effect]:
    return lambda effect: replace(effect, roles=(*effect.roles, *demands))


def first_role(**more: Any) -> Callable[[Effect], Effect]:
    return lambda effect: replace(effect, roles=(replace(effect.roles[0], **more), *effect.roles[1:]))


DRAFTS: dict[str, tuple[CompiledPolicySet, set[str]]] = {
    "an approver more": (with_effect("AL-2", roles(RoleDemand("safety_board", 3, 2))), {"approvers"}),
    "another approver": (with_effect("AL-2", first_role(role="dpo")), {"approvers"}),
    "a larger quorum": (with_effect("AL-2", first_role(quorum=2)), {"quorum"}),
    "a smaller quorum": (with_effect("AL-5.exec", lambda each: replace(each, roles=tuple(
        replace(demand, quorum=1) for demand in each.roles))), {"quorum"}),
    "a later stage": (with_effect("AL-3", first_role(stage=4)), {"stages"}),
    "a nearer day": (with_effect("AL-3", lambda each: replace(each, due_working_days=1)), {"deadlines"}),
    "no day": (with_effect("AL-2", lambda each: replace(each, due_working_days=None)), {"deadlines"}),
    "evidence": (with_effect("AL-3", lambda each: replace(each, evidence=("exit_plan",))), {"evidence"}),
    "a duty": (with_effect("AL-3", lambda each: replace(each, obligations=(Obligation("recertify", (("n", 1),)),))),
               {"obligations"}),
    "a value of a duty": (with_effect("CT-3.clock", lambda each: replace(each, obligations=(
        Obligation("start_notification_clock", (("days", 7),)),))), {"obligations"}),
    "who hears of it": (with_effect("ES-1", lambda each: replace(each, notify=("finance",))), {"flags"}),
    "the code of a flag": (with_effect("ES-1", lambda each: replace(each, code="splitting")), {"flags"}),
    "the code of a refusal": (with_effect("VR-3.residency", lambda each: replace(each, code="place")), {"refusals"}),
    "the share of a sample": (with_effect("AL-1", lambda each: replace(each, sample_ratio=0.5)), {"sample"}),
    "a smaller share": (with_effect("AL-1", lambda each: replace(each, sample_ratio=0.01)), {"sample"}),
    "a flag less": (without("ES-1"), {"flags"}),
    "a requirement that another repeats": (without("ES-2.bias_1"), set()),
    "nothing": (shipped_policy_set(), set()),
}  # fmt: skip


def sides(policy: CompiledPolicySet) -> Side:
    judge = Backtest(policy, on=DAY)
    bits = judge.rule_bits("all", COLUMNS)
    return Side(judge.rules, bits, combine(judge.rules, bits, COLUMNS.count, {}))


@cache
def shipped_side() -> Side:
    return sides(shipped_policy_set())


@cache
def shipped_decisions() -> list[Decision]:
    """One by one, as no column ever judged them."""
    return [decide(shipped_policy_set(), facts, on=DAY) for facts in ROWS]


def differs(now: Decision, after: Decision) -> set[str]:
    """The same from two decisions."""
    if now.outcome is not after.outcome:
        return set()
    one, other = ({each.role: each for each in decision.requirements} for decision in (now, after))
    both = one.keys() & other.keys()

    def of(get: Callable[[Decision], Any]) -> bool:
        return bool(get(now) != get(after))

    def evidence(decision: Decision) -> set[str]:
        effects = [fired.says for fired in decision.fired if decision.outcome is Outcome.REVIEW]
        return {kind for each in effects if isinstance(each, Effect) for kind in each.evidence}

    found = {
        "approvers": one.keys() != other.keys(),
        "quorum": any(one[role].quorum != other[role].quorum for role in both),
        "stages": any(one[role].stage != other[role].stage for role in both),
        "deadlines": any(one[role].due_working_days != other[role].due_working_days for role in both),
        "evidence": of(evidence),
        "obligations": of(lambda each: {(duty.code, repr(duty.values)) for duty in each.obligations}),
        "flags": of(
            lambda each: {(n.code, n.notify) for n in each.flags} | {(n.code, n.notify, 1) for n in each.warnings}
        ),
        "refusals": of(lambda each: {(fired.code, fired.clause) for fired in each.denials}),
        "sample": of(lambda each: each.sample and (each.sample.ratio, each.sample.due_working_days)),
    }
    return {kind for kind, is_other in found.items() if is_other}


@pytest.mark.parametrize("name", DRAFTS)
def test_each_kind_is_counted_where_single_decisions_differ_in_it(name: str) -> None:
    policy, expected = DRAFTS[name]
    changes = effect_changes(shipped_side(), sides(policy), {}, SIZE)
    by_kind = {kind: np.unpackbits(rows, count=COLUMNS.count).astype(bool) for kind, rows in changes.by_kind.items()}
    wanted: dict[str, set[int]] = {}
    for index, (facts, now) in enumerate(zip(ROWS, shipped_decisions(), strict=True)):
        after = decide(policy, facts, on=DAY)
        for kind in differs(now, after):
            wanted.setdefault(kind, set()).add(index)
            if kind != "evidence":
                assert changed_in_words(now, after)
    found = {kind: set(np.flatnonzero(rows).tolist()) for kind, rows in by_kind.items()}
    assert found == wanted
    assert expected <= found.keys() <= set(KINDS)
    assert bool(changes.any.any()) is bool(found)


def test_stages_that_nobody_could_fill_are_found_by_the_people_that_there_are() -> None:
    policy = with_effect("AL-2", roles(RoleDemand("safety_board", 3, 2)))
    side = sides(policy)
    demanded = demands(side.rules, side.bits, {}, SIZE)
    waits = side.outcomes.by_outcome[Outcome.REVIEW]
    for seats, is_found in ((0, True), (2, True), (5, False)):
        found = unfillable_rows(demanded, waits, lambda role, seats=seats: seats if role == "safety_board" else 20)
        assert ("safety_board" in found) is is_found
    rows = np.unpackbits(
        unfillable_rows(demanded, waits, lambda role: 2 if role == "safety_board" else 20)["safety_board"],
        count=COLUMNS.count,
    )
    for index, facts in enumerate(ROWS):
        needs = {each.role: each.quorum for each in decide(policy, facts, on=DAY).requirements}
        assert bool(rows[index]) is (needs.get("safety_board", 0) > 2)


def test_a_new_deny_rule_that_changes_no_outcome_is_another_reason() -> None:
    effect = Effect(EffectKind.DENY, code="also_this")
    model = RULES["VR-3.residency"].compiled.rule
    more = replace(model, id="NEW-1", parent="NEW-1", effect=effect)
    policy = compile_policy_set(
        [
            replace(each, rules=(*each.rules, more)) if each.name == "vendor-and-residency" else each
            for each in shipped_bundles()
        ]
    )
    changes = effect_changes(shipped_side(), sides(policy), {}, SIZE)
    assert set(changes.by_kind) == {"refusals"}
