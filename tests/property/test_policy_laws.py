"""Laws of the policy library, over generated expressions, rules and facts."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from governance.policy.backends.interpreter import INDETERMINATE, evaluate
from governance.policy.backends.python_backend import compile_rules
from governance.policy.bundle.bundle import dump_bundle, load_bundle
from governance.policy.bundle.bundle_model import Bundle, DatedValue, Param, Rule
from governance.policy.bundle.effects import DEFAULT_ON_ERROR, Effect, EffectKind, OnError, RoleDemand
from governance.policy.bundle.shipped import shipped_policy_set
from governance.policy.decisions.decision import Decision, Outcome, RuleException, decide
from governance.policy.decisions.policy_set import REQUIRED_FACTS, CompiledPolicySet, compile_policy_set
from governance.policy.errors import PolicyError
from governance.policy.facts.examples import plain_facts
from governance.policy.facts.facts import Fact, FactType
from governance.policy.facts.facts_schema import (
    FACTS,
    FACTS_BY_NAME,
    SCHEMA,
    ValidFacts,
    facts_from_json,
    facts_to_json,
    validate_facts,
)
from governance.policy.language import ir
from governance.policy.language.checker import check_condition, check_expression
from governance.policy.language.ir_text import text_of
from governance.policy.language.parser import parse
from governance.policy.language.printer import print_expression
from governance.policy.language.scope import Scope
from governance.policy.language.types import Type, type_of_fact

DAY = date(2026, 11, 25)

# -- facts

NUMBERS = [0.0, 0.5, 1.0, 2500.0, 25_000.0, 1e22, 1e25]
WORDS = ["a", "b", "medical", "research", "DE"]


def _values(fact: Fact) -> st.SearchStrategy[Any]:
    low, high = fact.minimum or 0.0, fact.maximum or 1.0
    if fact.type is FactType.DOUBLE:
        near = [number for number in NUMBERS if low <= number <= high] or [low]
        return st.sampled_from(near) | st.floats(min_value=low, max_value=high)
    if fact.type is FactType.INT:
        return st.integers(min_value=int(low), max_value=min(int(high), 100))
    if fact.type is FactType.BOOL:
        return st.booleans()
    if fact.type is FactType.TIMESTAMP:
        return st.integers(0, 1000).map(lambda hours: datetime(2026, 11, 1, tzinfo=UTC) + timedelta(hours=hours))
    words = st.sampled_from(list(fact.choices) + (WORDS if fact.is_open or not fact.choices else []))
    return st.lists(words, max_size=3) if fact.type is FactType.STRING_LIST else words


# A few facts of each type, so that generated rules and facts meet.
POOL = [
    "request.exposure_usd",
    "request.window_days",
    "estimate.run_flop_p90",
    "budget.headroom_after_usd",
    "request.accelerator_count",
    "place.pool_free_count",
    "request.customer_data",
    "estimate.memory_fits",
    "request.purpose",
    "place.country",
    "request.use_tags",
    "request.start_at",
    "request.end_at",
]
BY_TYPE: dict[Type, list[str]] = {}
for _name in POOL:
    BY_TYPE.setdefault(type_of_fact(FACTS_BY_NAME[_name]), []).append(_name)

OPTIONAL = [fact.name for fact in FACTS if fact.optional]

# Strategies are built once: to build one costs more than to draw from it.
VALUES = {name: _values(fact) for name, fact in FACTS_BY_NAME.items()}
CHANGED = st.lists(st.sampled_from([*POOL, *FACTS_BY_NAME]), max_size=10, unique=True)
LEFT_OUT = st.sets(st.sampled_from(OPTIONAL), max_size=5)


@st.composite
def facts_mappings(draw: st.DrawFn) -> dict[str, Any]:
    """The plain request with some facts changed and some optional ones there or not; always valid."""
    facts = plain_facts()
    for name in draw(CHANGED):
        facts[name] = draw(VALUES[name])
    for name in draw(LEFT_OUT):
        facts.pop(name, None)
    return facts


# -- expressions, as text of the profile


def _constants(type: Type) -> st.SearchStrategy[str]:
    if type is Type.DOUBLE:
        return st.sampled_from(["0.0", "0.5", "2500.0", "25000.0", "1e22", "-1.0"])
    if type is Type.INT:
        return st.sampled_from(["0", "1", "8", "64", "-3"])
    if type is Type.TIMESTAMP:
        return st.just("timestamp('2026-11-10T00:00:00Z')")
    return st.sampled_from([f"'{word}'" for word in WORDS])


def _terms(type: Type) -> st.SearchStrategy[str]:
    facts = st.sampled_from(BY_TYPE[type])
    base = facts | facts | _constants(type)
    if type is Type.DOUBLE:
        pairs = st.tuples(base, st.sampled_from(["+", "-", "*"]), base).map(lambda each: f"({' '.join(each)})")
        extremes = st.tuples(st.sampled_from(["max", "min"]), base, base).map(lambda e: f"{e[0]}({e[1]}, {e[2]})")
        whole = st.sampled_from(BY_TYPE[Type.INT]).map(lambda name: f"double({name})")
        return base | pairs | extremes | whole | base.map(lambda term: f"-({term})")
    if type is Type.INT:
        return base | st.just("size(request.use_tags)") | st.just("request.purpose.size()")
    return base


COMPARISONS = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
TERMS = {type: _terms(type) for type in (Type.DOUBLE, Type.INT, Type.STRING, Type.TIMESTAMP)}
ORDERED_TERMS = st.sampled_from(list(TERMS.values()))


@st.composite
def comparisons(draw: st.DrawFn) -> str:
    terms = draw(ORDERED_TERMS)
    return f"{draw(terms)} {draw(COMPARISONS)} {draw(terms)}"


LEAVES = (
    comparisons()
    | comparisons()
    | st.sampled_from(BY_TYPE[Type.BOOL])
    | st.sampled_from([f"has({name})" for name in POOL])
    | st.tuples(TERMS[Type.STRING], st.sampled_from(["['a', 'medical']", "['DE']", "request.use_tags"])).map(
        lambda each: f"{each[0]} in {each[1]}"
    )
    | st.tuples(TERMS[Type.STRING], st.sampled_from(["startsWith", "endsWith", "contains"])).map(
        lambda each: f"({each[0]}).{each[1]}('a')"
    )
    | st.tuples(
        st.sampled_from(["exists", "all"]), st.sampled_from(["t == 'a'", "t in ['a', 'b']", "t == place.country"])
    ).map(lambda each: f"request.use_tags.{each[0]}(t, {each[1]})")
    | st.sampled_from(["[1.0, 2500.0].exists(b, request.exposure_usd <= b)", "true", "false"])
)

CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, min_size=2, max_size=3).map(lambda each: f"({' && '.join(each)})")
        | st.lists(inner, min_size=2, max_size=3).map(lambda each: f"({' || '.join(each)})")
        | inner.map(lambda each: f"!({each})")
        | st.tuples(inner, inner, inner).map(lambda each: f"({each[0]} ? {each[1]} : {each[2]})")
    ),
    max_leaves=8,
)


def _check(text: str) -> ir.Node:
    """Check a generated condition; the few that the ranges refuse are passed over."""
    try:
        return check_condition(text, Scope()).node
    except PolicyError as error:
        assume("overflow" in error.message or "never" in error.message)
        raise


# -- the language


@given(CONDITIONS)
def test_parse_after_print_is_the_identity(text: str) -> None:
    tree = parse(text)
    printed = print_expression(tree)
    assert parse(printed) == tree
    assert print_expression(parse(printed)) == printed


@given(CONDITIONS)
def test_checked_text_checks_to_the_same_rule(text: str) -> None:
    node = _check(text)
    again = check_expression(text_of(node), Scope()).node
    assert ir.canonical(again) == ir.canonical(node)


@given(CONDITIONS, facts_mappings())
def test_generated_code_and_interpreter_agree(text: str, facts: dict[str, Any]) -> None:
    node = _check(text)
    mask = compile_rules([node], REQUIRED_FACTS)(facts)
    value = evaluate(node, facts)
    expected = 2 if value is INDETERMINATE else int(value)
    assert mask == expected


@given(CONDITIONS, facts_mappings())
def test_a_guarded_rule_is_never_indeterminate(text: str, facts: dict[str, Any]) -> None:
    checked = check_condition(text, Scope()) if _check(text) else None
    assert checked is not None
    if not checked.may_be_indeterminate:
        assert evaluate(checked.node, facts) is not INDETERMINATE


SNIPPETS = st.sampled_from(
    ["request.", "exposure_usd", "&&", "||", "!", "(", ")", "[", "]", "{", "}", "'", '"', "\\", "has(", "1e25", "0x",
     "//", "\n", "params.", "variables.", " in ", "?", ":", ",", ".", "-", "**", "__class__", "lambda", "\u0435", "\0",
     "\ud800", "exists(t,", "timestamp('", "r'", "9" * 30, "true", "null", "size("]
)  # fmt: skip


@given(st.lists(SNIPPETS | st.text(max_size=4), max_size=30).map("".join))
def test_any_text_is_a_rule_or_a_refusal_with_a_position(text: str) -> None:
    error = _refusal(text)
    if error is not None:
        assert error.position.line >= 1
        assert 0 <= error.position.offset <= len(text)
        assert str(error)


def _refusal(text: str) -> PolicyError | None:
    """What the checker says against a text; anything but a PolicyError comes through."""
    try:
        check_condition(text, Scope())
    except PolicyError as error:
        return error
    return None


@given(
    st.text(max_size=200)
    | st.lists(
        st.sampled_from(["a: ", "- ", "\n", " ", "[", "{", "&a", "*a", "!!x", "'", '"', "|\n", "1e9", "?"]), max_size=40
    ).map("".join)
)
def test_any_text_is_a_bundle_or_a_refusal_with_a_position(text: str) -> None:
    with pytest.raises(PolicyError) as caught:
        load_bundle(text)
    assert caught.value.position.line >= 1


# -- rules and decisions

ROLES = ["finance", "legal", "exec"]
DEMANDS = st.builds(RoleDemand, st.sampled_from(ROLES), st.integers(1, 4), st.integers(1, 3))
EFFECTS = st.sampled_from([EffectKind.DENY, EffectKind.FLAG, EffectKind.WARN, EffectKind.ALLOW]).map(
    lambda kind: Effect(kind=kind)
) | st.lists(DEMANDS, min_size=1, max_size=3, unique_by=lambda demand: demand.role).map(
    lambda demands: Effect(kind=EffectKind.REQUIRE, roles=tuple(demands), due_working_days=2)
)


ONE_IN_SIX, UP_TO_FIVE = st.integers(0, 5), st.integers(1, 5)


def _rule(draw: st.DrawFn, rule_id: str) -> Rule:
    effect, when = draw(EFFECTS), draw(CONDITIONS)
    on_error = OnError.DENY if draw(ONE_IN_SIX) == 0 else DEFAULT_ON_ERROR[effect.kind]
    _check(when)
    return Rule(rule_id, rule_id, rule_id, when, effect, "Fired.", on_error)


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    return _rule(draw, "r")


@st.composite
def rule_lists(draw: st.DrawFn) -> list[Rule]:
    return [_rule(draw, f"r{index}") for index in range(draw(UP_TO_FIVE))]


def _compile(rule_list: list[Rule]) -> CompiledPolicySet:
    return compile_policy_set([Bundle("b", "B", "", "o", rules=tuple(rule_list))])


def _decide(rule_list: list[Rule], facts: dict[str, Any], *exceptions: RuleException) -> Decision:
    return decide(_compile(rule_list), facts, on=DAY, exceptions=exceptions)


@given(rule_lists(), facts_mappings(), st.randoms(use_true_random=False))
def test_the_order_of_rules_is_irrelevant(rule_list: list[Rule], facts: dict[str, Any], random: Any) -> None:
    shuffled = list(rule_list)
    random.shuffle(shuffled)
    one, two = _decide(rule_list, facts), _decide(shuffled, facts)
    assert one.to_json() == two.to_json()


@given(rule_lists(), facts_mappings(), CONDITIONS)
def test_adding_a_deny_never_loosens(rule_list: list[Rule], facts: dict[str, Any], when: str) -> None:
    _check(when)
    before = _decide(rule_list, facts)
    forbid = Rule("zz", "zz", "zz", when, Effect(EffectKind.DENY), "No.", OnError.FIRE)
    after = _decide([*rule_list, forbid], facts)
    assert after.outcome.strictness >= before.outcome.strictness


@given(rule_lists(), facts_mappings(), EFFECTS, CONDITIONS)
def test_adding_anything_but_an_allow_never_loosens(
    rule_list: list[Rule], facts: dict[str, Any], effect: Effect, when: str
) -> None:
    assume(effect.kind is not EffectKind.ALLOW)
    _check(when)
    before = _decide(rule_list, facts)
    after = _decide([*rule_list, Rule("zz", "zz", "zz", when, effect, "More.", OnError.FIRE)], facts)
    assert after.outcome.strictness >= before.outcome.strictness
    if after.outcome is not Outcome.DENY:
        quorums = {each.role: each.quorum for each in after.requirements}
        assert all(quorums.get(each.role, 0) >= each.quorum for each in before.requirements)


@given(rule_lists(), facts_mappings(), st.integers(0, 4))
def test_an_exception_removes_only_the_named_rule(rule_list: list[Rule], facts: dict[str, Any], index: int) -> None:
    named = rule_list[index % len(rule_list)]
    exception = RuleException("X-1", named.id, "agreed", ("grace", "carol"), DAY, DAY + timedelta(days=1))
    excepted = _decide(rule_list, facts, exception)
    plain = _decide(rule_list, facts)
    without = _decide([rule for rule in rule_list if rule is not named] or [rule_list[0]], facts)
    # Every other rule still counts exactly as it did.
    assert {rule.rule_id for rule in excepted.fired} == {rule.rule_id for rule in plain.fired} - {named.id}
    assert {each.rule_id for each in excepted.exceptions_applied} <= {named.id}
    if len(rule_list) > 1:
        assert excepted.requirements == without.requirements or excepted.outcome is not without.outcome
        # As if the rule were not there; a rule that could not be judged still keeps a person in the loop.
        expected = without.outcome
        if named.id in plain.indeterminate and expected is Outcome.ALLOW:
            expected = Outcome.REVIEW
        assert excepted.outcome is expected


@given(rule_lists(), facts_mappings())
def test_an_indeterminate_rule_never_allows(rule_list: list[Rule], facts: dict[str, Any]) -> None:
    decision = _decide(rule_list, facts)
    assert not (decision.indeterminate and decision.outcome is Outcome.ALLOW)
    assert set(decision.permitted_by).isdisjoint(decision.indeterminate)


@given(facts_mappings(), st.sets(st.sampled_from(sorted(REQUIRED_FACTS)), min_size=1, max_size=6))
def test_absent_required_facts_never_allow_what_some_value_would_not(facts: dict[str, Any], removed: set[str]) -> None:
    """An absent fact is any value at once, and a gap is looked at by a person whatever the rules say."""
    rest = {name: value for name, value in plain_facts().items() if name not in removed}
    dated = shipped_policy_set().at(DAY)
    gaps = ValidFacts.with_gaps(rest, SCHEMA)
    assert decide(shipped_policy_set(), gaps, on=DAY).outcome is not Outcome.ALLOW
    # What is sure without them stays as it is with any of their values.
    mask, completed = dated.fired_mask(rest), rest | {name: facts[name] for name in removed}
    unsure = mask >> len(dated.rules)
    sure = ((1 << len(dated.rules)) - 1) & ~unsure
    assert dated.fired_mask(completed) & sure == mask & sure


@given(facts_mappings())
def test_the_shipped_set_is_never_indeterminate_on_valid_facts(facts: dict[str, Any]) -> None:
    validate_facts(facts)
    decision = decide(shipped_policy_set(), facts, on=DAY)
    assert decision.indeterminate == ()
    dated = shipped_policy_set().at(DAY)
    assert dated.fired_mask(facts) == dated.careful_mask(facts)


@given(facts_mappings())
def test_a_decision_and_its_facts_survive_json(facts: dict[str, Any]) -> None:
    decision = decide(shipped_policy_set(), facts, on=DAY)
    assert Decision.from_json(decision.to_json()) == decision
    again = facts_from_json(facts_to_json(facts))
    assert again == facts
    assert decide(shipped_policy_set(), again, on=DAY).to_json() == decision.to_json()


@given(rule_lists())
def test_a_bundle_survives_yaml(rule_list: list[Rule]) -> None:
    param = Param("limit", "double", (DatedValue(1e25, DAY, 'own: "limit" # 1'),), "FLOP", "a: b")
    bundle = Bundle("b", "B: #1", "no\n  lead\nend", "policy_officer", rules=tuple(rule_list), params=(param,))
    # Drawn words and sums mean nothing: what is stored is read as it stands.
    again = load_bundle(dump_bundle(bundle), vocabulary=None)
    assert again == bundle
    assert again.content_hash == bundle.content_hash


@given(rule_lists(), st.sampled_from([" ", "\n", "  \n\t", " // a remark\n"]))
def test_formatting_changes_no_hash(rule_list: list[Rule], space: str) -> None:
    spread = [dataclasses.replace(rule, when=_respaced(rule.when, space)) for rule in rule_list]
    assert _compile(spread).digest == _compile(rule_list).digest
    bundles = [Bundle("b", "B", "", "o", rules=tuple(each)) for each in (rule_list, spread)]
    assert bundles[0].content_hash == bundles[1].content_hash


def _respaced(text: str, space: str) -> str:
    """The same expression with other white space wherever there is some outside of texts, and brackets around it."""
    parts = text.split("'")
    parts[::2] = [part.replace(" ", space) for part in parts[::2]]
    return "(" + space + "'".join(parts) + space + ")"


@given(rule_lists(), CONDITIONS)
def test_another_condition_is_another_hash(rule_list: list[Rule], when: str) -> None:
    other = [dataclasses.replace(rule_list[0], when=when), *rule_list[1:]]
    same = ir.canonical(_check(when)) == ir.canonical(_check(rule_list[0].when))
    assert (_compile(other).digest == _compile(rule_list).digest) is same


@given(rule_lists(), facts_mappings(), CONDITIONS)
def test_taking_an_allow_away_never_loosens(rule_list: list[Rule], facts: dict[str, Any], when: str) -> None:
    _check(when)
    allow = Rule("zz", "zz", "zz", when, Effect(EffectKind.ALLOW), "Yes.", OnError.REVIEW)
    before, after = _decide([*rule_list, allow], facts), _decide(rule_list, facts)
    # One that could not be judged keeps a person in the loop; without it nobody asks.
    if "zz" not in before.indeterminate:
        assert after.outcome.strictness >= before.outcome.strictness
