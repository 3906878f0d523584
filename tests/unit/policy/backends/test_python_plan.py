"""One function for many rules: what they share is tested once, and each answers as it would alone."""

from __future__ import annotations

from datetime import date

import pytest

from benchmarks.policy_bench import by_hand, drawn_facts, rules
from benchmarks.policy_bench.facts import SCHEMA
from governance.policy.backends.interpreter import evaluate
from governance.policy.backends.python_backend import Layout, compile_rules, generate_source
from governance.policy.backends.python_plan import BRANCH_DEPTH_MAX, plan, shared_terms
from governance.policy.decisions.decision import decide
from governance.policy.language import ir
from governance.policy.language.checker import check_condition
from governance.policy.language.scope import Scope

SCOPE = Scope(facts=SCHEMA.by_name)
DAY = date(2026, 11, 21)


def _nodes(*texts: str) -> list[ir.Node]:
    return [check_condition(text, SCOPE).node for text in texts]


def test_a_shared_beginning_is_tested_once() -> None:
    nodes = _nodes(
        "has(request.training_flop) && request.training_flop >= 1e25",
        "has(request.training_flop) && request.training_flop < 1e20",
    )
    [root] = plan(enumerate(nodes))
    assert isinstance(root.test, ir.Has)
    assert [branch.fires for branch in root.branches] == [[0], [1]]


@pytest.mark.parametrize(
    ("operators", "order"),
    [([">", ">", ">"], [0, 1, 2]), (["<", "<", "<"], [2, 1, 0]), ([">=", ">", ">="], [0, 1, 2])],
)
def test_a_stricter_limit_hangs_under_the_weaker_one(operators: list[str], order: list[int]) -> None:
    limits = ["10.0", "10.0", "20.0"] if ">=" in operators else ["10.0", "20.0", "30.0"]
    texts = [f"request.cost_usd {operator} {limit}" for operator, limit in zip(operators, limits, strict=True)]
    [root] = plan(enumerate(_nodes(*texts)))
    found = []
    branch = root
    while True:
        found += branch.fires
        if not branch.branches:
            break
        [branch] = branch.branches
    assert found == order


def test_a_sum_that_two_rules_need_is_made_once() -> None:
    nodes = _nodes("budget.spent + request.cost_usd > 1.0", "budget.spent + request.cost_usd > budget.total")
    assert len(shared_terms(nodes, SCHEMA.required)) == 1
    source, _ = generate_source(nodes, SCHEMA.required)
    assert source.count("+") == 1


def test_a_sum_that_may_fail_stays_where_its_guard_is() -> None:
    nodes = _nodes(
        "has(request.training_flop) && request.training_flop + 1.0 > 2.0",
        "has(request.training_flop) && request.training_flop + 1.0 > 3.0",
    )
    assert shared_terms(nodes, SCHEMA.required) == []
    assert compile_rules(nodes, SCHEMA.required)({}) == 0


def test_many_limits_and_long_chains_stay_within_what_python_reads() -> None:
    ladder = [f"request.cost_usd > {limit}.0" for limit in range(150)]
    chain = " && ".join(f"request.hours != {limit}.0" for limit in range(120))
    nodes = _nodes(*ladder, chain)
    evaluate_all = compile_rules(nodes, SCHEMA.required)
    facts = {"request.cost_usd": 99.5, "request.hours": 0.5}
    assert evaluate_all(facts) == (1 << 100) - 1 | 1 << 150
    source, _ = generate_source(nodes, SCHEMA.required)
    assert max(len(line) - len(line.lstrip()) for line in source.splitlines()) <= 4 * (2 * BRANCH_DEPTH_MAX + 3)


def test_the_benchmarks_rules_answer_as_the_hand_written_function() -> None:
    nested = drawn_facts.nested_rows(drawn_facts.columns(3_000))
    dated = rules.policy_set().at(DAY)
    count = len(rules.RULES)
    function = compile_rules([rule.condition for rule in dated.rules[:count]], SCHEMA.required, layout=Layout.NESTED)
    seen = 0
    for row in nested:
        wanted = by_hand.fired_mask(row)
        flat = drawn_facts.flat_row(row)
        assert function(row) == wanted
        assert dated.fired_mask(flat) & (1 << count) - 1 == wanted
        assert dated.careful_mask(flat) & (1 << count) - 1 == wanted
        seen |= wanted
    assert seen == (1 << count) - 1


def test_the_truth_of_each_comparison_is_that_of_the_reference() -> None:
    policy_set = rules.policy_set()
    for row in drawn_facts.nested_rows(drawn_facts.columns(400)):
        for fired in decide(policy_set, drawn_facts.flat_row(row), on=DAY).fired:
            assert fired.truths == tuple(leaf.truth for leaf in fired.leaves)


def test_a_missing_fact_makes_the_comparison_unknown_and_a_broken_one_too() -> None:
    policy_set = rules.policy_set()
    row = drawn_facts.flat_row(drawn_facts.nested_rows(drawn_facts.columns(1))[0])
    rule = next(rule for rule in policy_set.at(DAY).rules if rule.rule_id == "R18")
    values = {name: row[name] for name in rule.facts}
    assert rule.truths(values | {"request.hours": None}) == (None, None)
    assert rule.truths(values | {"request.hours": "many"}) == (None, None)
    assert rule.truths(values | {"request.hours": 1000.0})[0] is True


def test_a_condition_alone_and_among_others_is_the_same() -> None:
    texts = [rule[4] for rule in rules.RULES]
    for row in drawn_facts.nested_rows(drawn_facts.columns(200)):
        flat = drawn_facts.flat_row(row)
        for node in _nodes(*texts):
            assert compile_rules([node], SCHEMA.required)(flat) == int(bool(evaluate(node, flat)))
