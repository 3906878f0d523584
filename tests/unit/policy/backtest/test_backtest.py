"""A draft against stored decisions: the same outcomes as single decisions, and only what changed is judged anew."""

from __future__ import annotations

from datetime import date
from random import Random

import numpy as np
import pytest

from benchmarks.policy_bench import by_hand_numpy, drawn_facts, rules
from benchmarks.policy_bench.parts import backtest_parts
from governance.policy.backends.bitmaps import RuleBits, count_bits
from governance.policy.backends.columns import Column, Columns, encode
from governance.policy.backtest.backtest import (
    OUTCOME_COLUMN,
    Backtest,
    Matrix,
    MemoryCache,
    outcomes_of,
)
from governance.policy.bundle.bundle_model import Bundle, Rule
from governance.policy.bundle.effects import Effect, EffectKind, OnError, Outcome, RoleDemand
from governance.policy.bundle.shipped import shipped_policy_set
from governance.policy.decisions.decision import RuleException, decide
from governance.policy.decisions.policy_set import CompiledPolicySet, compile_policy_set
from governance.policy.facts.facts_schema import SCHEMA
from tests.policy_columns import rows_of
from tests.property.expressions import Maker

DAY = date(2026, 11, 25)
EFFECTS = (
    (Effect(EffectKind.DENY), OnError.FIRE),
    (Effect(EffectKind.REQUIRE, roles=(RoleDemand("finance", 1, 1),)), OnError.FIRE),
    (Effect(EffectKind.REQUIRE, roles=(RoleDemand("legal", 1, 1),)), OnError.DENY),
    (Effect(EffectKind.FLAG), OnError.FIRE),
    (Effect(EffectKind.WARN), OnError.DENY),
    (Effect(EffectKind.ALLOW), OnError.REVIEW),
    (Effect(EffectKind.ALLOW), OnError.DENY),
)


def _outcomes(backtest: Backtest, columns: Columns, **more: object) -> list[Outcome]:
    bits = backtest.outcomes("part", columns, **more)  # type: ignore[arg-type]
    found: dict[int, Outcome] = {}
    for outcome, rows in bits.by_outcome.items():
        for row in rows_of(rows, columns.count):
            assert row not in found
            found[row] = outcome
    return [found[row] for row in range(columns.count)]


def _random_set(seed: int) -> CompiledPolicySet:
    maker, random = Maker(seed), Random(seed)
    drawn = []
    for index in range(8):
        effect, on_error = random.choice(EFFECTS)
        drawn.append(Rule(f"r{index}", f"r{index}", "R", maker.condition()[0], effect, "Fired.", on_error))
    return compile_policy_set([Bundle("b", "B", "", "o", rules=tuple(drawn))])


@pytest.mark.parametrize("seed", range(12))
def test_columns_come_to_the_outcomes_of_single_decisions(seed: int) -> None:
    policy_set = _random_set(seed)
    rows = [Maker(seed).row() for _ in range(40)]
    wanted = [decide(policy_set, row, on=DAY).outcome for row in rows]
    assert _outcomes(Backtest(policy_set, on=DAY), encode(rows, SCHEMA)) == wanted


def test_the_shipped_rules_come_to_the_same_in_columns() -> None:
    maker = Maker(5)
    rows = [maker.row() for _ in range(300)]
    wanted = [decide(shipped_policy_set(), row, on=DAY).outcome for row in rows]
    assert _outcomes(Backtest(shipped_policy_set(), on=DAY), encode(rows, SCHEMA)) == wanted
    assert len(set(wanted)) > 1


@pytest.mark.parametrize("seed", range(6))
def test_an_exception_takes_away_the_same_in_columns(seed: int) -> None:
    policy_set = _random_set(seed)
    maker = Maker(seed)
    rows = [maker.row() for _ in range(40)]
    covered = np.array([index % 3 == 0 for index in range(40)])
    exception = RuleException("X-1", "r3", "agreed", ("grace",), DAY, date(2027, 1, 1))
    wanted = [
        decide(policy_set, row, on=DAY, exceptions=[exception] if covers else []).outcome
        for row, covers in zip(rows, covered, strict=True)
    ]
    found = _outcomes(Backtest(policy_set, on=DAY), encode(rows, SCHEMA), excepted={"r3": np.packbits(covered)})
    assert found == wanted


def _bench_part(count: int) -> Columns:
    facts = by_hand_numpy.as_columns(drawn_facts.columns(count))
    kinds = [rule[1] for rule in rules.RULES]
    old = Column(by_hand_numpy.outcomes(facts, kinds), None, ("allow", "review", "deny"))
    return Columns(count, {**facts.columns, OUTCOME_COLUMN: old})


def test_the_matrix_shows_what_a_changed_limit_flips() -> None:
    columns = _bench_part(5_000)
    same = backtest_parts(Backtest(rules.policy_set(), on=DAY), [("a", columns)])
    assert same.flipped == 0
    assert same.total == 5_000
    draft = rules.policy_set({"R09": "request.cost_usd > 4000.0"})
    parts = [("a", columns.slice(0, 2_000)), ("b", columns.slice(2_000, 5_000))]
    changed = backtest_parts(Backtest(draft, on=DAY), parts)
    cost = columns.columns["request.cost_usd"].values
    old = columns.columns[OUTCOME_COLUMN].values
    wanted = int(((cost > 4000.0) & (cost <= 5000.0) & (old == 0)).sum())
    assert wanted > 0
    assert changed.counts[Outcome.ALLOW, Outcome.REVIEW] == changed.flipped == wanted
    assert changed.rows()[0][:2] == (Outcome.DENY, Outcome.ALLOW)
    assert changed.rows()[-1][0] is changed.rows()[-1][1]


def test_only_the_changed_rule_is_judged_anew() -> None:
    columns = _bench_part(500)
    cache = MemoryCache()
    first = Backtest(rules.policy_set(), on=DAY, cache=cache)
    assert len(first.missing("a")) == 21
    first.outcomes("a", columns)
    assert first.missing("a") == []
    assert first.facts_missing("a") == ()
    draft = Backtest(rules.policy_set({"R09": "request.cost_usd > 4000.0"}), on=DAY, cache=cache)
    assert [draft.rules[index].rule_id for index in draft.missing("a")] == ["R09"]
    assert draft.facts_missing("a") == ("request.cost_usd",)
    cost = Columns(500, {"request.cost_usd": columns.columns["request.cost_usd"]})
    fresh = Backtest(rules.policy_set({"R09": "request.cost_usd > 4000.0"}), on=DAY).outcomes("a", columns)
    again = draft.outcomes("a", cost)
    assert all((again.by_outcome[each] == fresh.by_outcome[each]).all() for each in Outcome)


def test_a_full_cache_forgets_the_longest_unused_and_the_answer_stays() -> None:
    columns = _bench_part(800)
    cache = MemoryCache(bytes_max=500)
    backtest = Backtest(rules.policy_set(), on=DAY, cache=cache)
    wanted = Backtest(rules.policy_set(), on=DAY).outcomes("a", columns)
    for _ in range(2):
        found = backtest.outcomes("a", columns)
        assert all((found.by_outcome[each] == wanted.by_outcome[each]).all() for each in Outcome)
    assert len(backtest.missing("a")) > 0
    bits = RuleBits(np.zeros(400, np.uint8))
    cache.put("x", "1", bits)
    assert cache.get("x", "1") is bits
    cache.put("x", "2", RuleBits(np.zeros(400, np.uint8)))
    assert cache.get("x", "1") is None


def test_a_matrix_counts_every_row_once() -> None:
    columns = _bench_part(1_000)
    outcomes = outcomes_of(columns.columns[OUTCOME_COLUMN], 1_000)
    assert sum(count_bits(bits) for bits in outcomes.by_outcome.values()) == 1_000
    matrix = Matrix()
    matrix.add(outcomes, outcomes)
    assert matrix.flipped == 0
