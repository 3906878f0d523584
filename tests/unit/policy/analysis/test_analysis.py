"""Static checks: each finds its slip, proves it or shows a request, and stays silent where nothing is wrong."""

from __future__ import annotations

import sys
from datetime import date

import pytest

from governance.policy.analysis import solver as solver_module
from governance.policy.analysis.checks import check_policy_set, unfillable_stages
from governance.policy.analysis.contradiction import is_never_true
from governance.policy.analysis.differences import RuleDifference, differences
from governance.policy.analysis.findings import Finding, Severity
from governance.policy.analysis.reasoner import Reasoner
from governance.policy.analysis.solver import Answer, Solver
from governance.policy.backends.interpreter import evaluate
from governance.policy.bundle.bundle import load_bundle
from governance.policy.bundle.bundle_model import Bundle, DatedValue, Param, Rule
from governance.policy.bundle.effects import DEFAULT_ON_ERROR, Effect, EffectKind, Outcome, RoleDemand
from governance.policy.bundle.shipped import shipped_policy_set
from governance.policy.decisions.decision import RuleException, decide
from governance.policy.decisions.policy_set import CompiledPolicySet, compile_policy_set
from governance.policy.facts.examples import plain_facts
from governance.policy.facts.facts_schema import SCHEMA, validate_facts
from governance.policy.language.checker import check_condition
from governance.policy.language.scope import Scope
from tests.property.expressions import Maker

DAY = date(2026, 11, 25)
REQUIRE = Effect(EffectKind.REQUIRE, roles=(RoleDemand("finance", 1, 1),))
MORE = Effect(EffectKind.REQUIRE, roles=(RoleDemand("finance", 2, 1),))
DENY, ALLOW = Effect(EffectKind.DENY), Effect(EffectKind.ALLOW)
MARKET = "has(request.exposure_usd) && request.exposure_usd"


def _set(*rules: tuple[str, str, Effect]) -> CompiledPolicySet:
    made = tuple(
        Rule(rule_id, rule_id.partition(".")[0], rule_id, when, effect, "Fired.", DEFAULT_ON_ERROR[effect.kind])
        for rule_id, when, effect in rules
    )
    return compile_policy_set([Bundle("b", "B", "", "o", rules=made)])


def _found(policy_set: CompiledPolicySet, code: str, **more: object) -> list[Finding]:
    return [each for each in check_policy_set(policy_set, on=DAY, **more) if each.code == code]  # type: ignore[arg-type]


@pytest.mark.parametrize("use_solver", [False, True])
@pytest.mark.parametrize(
    "when",
    [
        "estimate.commitment_tail_usd > 10.0 && estimate.commitment_tail_usd < 5.0",
        "estimate.commitment_tail_usd < 0.0",
        "request.data_class == 'public' && request.data_class == 'internal'",
        "request.data_class in ['public'] && request.data_class != 'public'",
        "has(request.end_at) && !has(request.end_at)",
        "!has(request.purpose)",
        "request.customer_data && !request.customer_data",
        "request.accelerator_count > 3 && request.accelerator_count < 4",
        "request.start_at < clock.decided_at && request.start_at >= clock.decided_at",
        "!(request.purpose in ['a'] || request.purpose != 'a')",
        "request.customer_data ? false : request.customer_data",
        "'medical' in request.use_tags && !('medical' in request.use_tags)",
    ],
)
def test_a_rule_that_can_never_fire_is_an_error(when: str, use_solver: bool) -> None:
    [finding] = _found(_set(("a", when, DENY)), "rule_never_fires", use_solver=use_solver)
    assert finding.severity is Severity.ERROR
    assert finding.is_proven


LATER = """
apiVersion: comptroller.policy/v1
kind: PolicyBundle
schema: 1
metadata: {{name: later, title: T, summary: S., owner: policy_officer}}
params:
  cap: {{type: double, unit: USD, help: h., values: [{{value: 5.0, from: 2030-01-01, source: s}}]}}
rules:
- id: R-1
  title: T
  when: |
    has(request.exposure_usd) && request.exposure_usd > params.cap
  effect: {effect}
  message: "no"
"""


@pytest.mark.parametrize("use_solver", [False, True])
@pytest.mark.parametrize(
    ("effect", "does", "outcome"),
    [
        ("{deny: {code: x_code}}", "denies", Outcome.DENY),
        ("{require: {roles: [{role: finance}]}}", "sends requests to its approvers", Outcome.REVIEW),
        ("{require: {roles: [{role: finance}]}}\n  on_error: deny", "denies", Outcome.DENY),
        ("{flag: {code: x_code}}", "flags", Outcome.REVIEW),
        ("{warn: {code: x_code}}", "warns", Outcome.REVIEW),
        ("allow", "allows nothing and leaves requests to a person", Outcome.REVIEW),
    ],
)
def test_a_rule_whose_parameter_begins_later_is_said_to_do_what_the_decision_does(
    effect: str, does: str, outcome: Outcome, use_solver: bool
) -> None:
    """Not that it never fires: what cannot be judged counts, and the decision acts on it until the first day comes."""
    policy_set = compile_policy_set([load_bundle(LATER.format(effect=effect))])
    findings = check_policy_set(policy_set, on=DAY, use_solver=use_solver)
    assert [each.sentence for each in findings if each.code == "parameter_without_value"] == [
        f"R-1 {does} while its parameter has no value: `params.cap` begins on 2030-01-01."
    ]
    assert not {each.code for each in findings} & {"rule_never_fires", "rule_seems_never_to_fire"}
    assert decide(policy_set, validate_facts(plain_facts()), on=DAY).outcome is outcome
    begun = check_policy_set(policy_set, on=date(2030, 1, 1), use_solver=use_solver)
    assert "parameter_without_value" not in {each.code for each in begun}


@pytest.mark.parametrize("use_solver", [False, True])
def test_a_rule_that_counts_only_where_a_fact_is_absent_is_not_said_to_be_silent(use_solver: bool) -> None:
    """A compute below nothing is never true; without the guard the rule denies wherever the compute is not known."""
    policy_set = _set(("a", "lineage.base_model_flop < 0.0", DENY))
    findings = check_policy_set(policy_set, on=DAY, use_solver=use_solver)
    [finding] = [each for each in findings if each.code == "rule_only_unjudged"]
    assert finding.sentence.endswith("it denies where `lineage.base_model_flop` is absent.")
    assert not {each.code for each in findings} & {"rule_never_fires", "rule_seems_never_to_fire"}
    assert _found(
        _set(("a", "has(lineage.base_model_flop) && lineage.base_model_flop < 0.0", DENY)),
        "rule_never_fires",
        use_solver=use_solver,
    )


def test_what_only_arithmetic_shows_needs_the_solver() -> None:
    policy_set = _set(("a", "budget.used_ratio + vendor.hhi_after > 5.0 && budget.used_ratio < 1.0", DENY))
    assert _found(policy_set, "rule_never_fires", use_solver=True)
    assert _found(policy_set, "rule_never_fires", use_solver=False) == []
    [finding] = _found(policy_set, "rule_seems_never_to_fire", use_solver=False)
    assert not finding.is_proven


@pytest.mark.parametrize("use_solver", [False, True])
def test_a_rule_that_always_fires_is_a_warning(use_solver: bool) -> None:
    policy_set = _set(("a", "estimate.commitment_tail_usd >= 0.0 || request.customer_data", REQUIRE))
    assert len(_found(policy_set, "rule_always_fires", use_solver=use_solver)) == 1
    assert _found(_set(("a", "request.customer_data", REQUIRE)), "rule_always_fires") == []


@pytest.mark.parametrize("use_solver", [False, True])
def test_a_rule_that_adds_nothing_to_another_is_found(use_solver: bool) -> None:
    low, high = ("low", f"{MARKET} > 100.0", REQUIRE), ("high", f"{MARKET} > 200.0", REQUIRE)
    [finding] = _found(_set(low, high), "rule_implied", use_solver=use_solver)
    assert finding.rules == ("high", "low")
    assert _found(_set(low, ("high", f"{MARKET} > 200.0", MORE)), "rule_implied", use_solver=use_solver) == []
    assert _found(_set(low, ("other", "request.customer_data", REQUIRE)), "rule_implied", use_solver=use_solver) == []


def test_an_allow_that_is_always_refused_permits_nothing() -> None:
    policy_set = _set(("deny", f"{MARKET} > 100.0", DENY), ("allow", f"{MARKET} > 200.0", ALLOW))
    [finding] = _found(policy_set, "allow_always_denied")
    assert finding.rules == ("allow", "deny")


def test_an_allow_and_a_deny_that_meet_are_shown_with_an_ask() -> None:
    policy_set = _set(("deny", "request.customer_data", DENY), ("allow", f"{MARKET} <= 200.0", ALLOW))
    [finding] = _found(policy_set, "allow_meets_deny")
    assert finding.example is not None
    validate_facts(finding.example)
    assert {rule.rule_id for rule in decide(policy_set, finding.example, on=DAY).fired} == {"deny", "allow"}


def test_gaps_and_overlaps_of_a_table_are_shown_with_an_ask() -> None:
    rows = [("t.low", f"{MARKET} <= 100.0", REQUIRE), ("t.high", f"{MARKET} >= 100.0", DENY)]
    [overlap], [gap] = (_found(_set(*rows), code) for code in ("table_overlap", "table_gap"))
    assert overlap.example is not None
    assert overlap.example["request.exposure_usd"] == 100.0
    assert gap.example is not None
    assert "request.exposure_usd" not in gap.example
    whole = [
        ("t.low", "estimate.commitment_tail_usd <= 1.0", REQUIRE),
        ("t.high", "estimate.commitment_tail_usd > 1.0", DENY),
    ]
    assert _found(_set(*whole), "table_overlap") == _found(_set(*whole), "table_gap") == []


def test_a_parameter_that_nothing_uses_is_found() -> None:
    param = Param("limit", "double", (DatedValue(1.0, date(2024, 1, 1), "own"),))
    rule = Rule("a", "a", "A", "request.customer_data", DENY, "Fired.", DEFAULT_ON_ERROR[EffectKind.DENY])
    policy_set = compile_policy_set([Bundle("b", "B", "", "o", rules=(rule,), params=(param,))])
    assert "`limit`" in _found(policy_set, "parameter_unused")[0].sentence


def test_an_exception_that_changes_nothing_is_found() -> None:
    policy_set = _set(
        ("broad", f"{MARKET} > 100.0", DENY), ("narrow", f"{MARKET} > 200.0", DENY), ("allow", "true", ALLOW)
    )

    def codes(rule_id: str) -> set[str]:
        exception = RuleException("X-1", rule_id, "agreed", ("grace",), DAY, date(2027, 1, 1))
        found = check_policy_set(policy_set, on=DAY, exceptions=[exception])
        return {each.code for each in found if each.code.startswith("exception")}

    assert codes("narrow") == {"exception_still_denied"}
    assert codes("broad") == set()
    assert codes("nobody") == {"exception_of_nothing"}
    assert codes("allow") == {"exception_of_allow"}
    ended = RuleException("X-1", "nobody", "agreed", ("grace",), date(2025, 1, 1), date(2025, 2, 1))
    assert all(
        not each.code.startswith("exception") for each in check_policy_set(policy_set, on=DAY, exceptions=[ended])
    )


def test_a_stage_that_nobody_could_fill_is_found() -> None:
    rules = _set(("a", "request.customer_data", MORE)).at(DAY).rules
    assert [each.rules for each in unfillable_stages(rules, {"finance": 1}.get)] == [("a",)]  # type: ignore[arg-type]
    assert list(unfillable_stages(rules, {"finance": 2}.get)) == []  # type: ignore[arg-type]


def test_a_stage_that_nobody_could_fill_names_its_role_in_words() -> None:
    leads = Effect(EffectKind.REQUIRE, roles=(RoleDemand("infra_lead", 2, 1),))
    (found,) = unfillable_stages(_set(("a", "request.customer_data", leads)).at(DAY).rules, lambda role: 0)
    assert found.sentence == "a needs 2 × infrastructure lead, and 0 could fill it."


@pytest.mark.parametrize("use_solver", [False, True])
def test_the_shipped_rules_have_no_error_and_no_warning(use_solver: bool) -> None:
    findings = check_policy_set(shipped_policy_set(), on=DAY, use_solver=use_solver)
    assert [each for each in findings if each.severity is not Severity.NOTE] == []
    for finding in findings:
        if finding.example is not None:
            validate_facts(finding.example)


@pytest.mark.parametrize("seed", range(150))
def test_neither_proof_nor_solver_contradicts_what_was_seen(seed: int) -> None:
    maker = Maker(seed)
    _, node = maker.condition()
    values = [evaluate(node, maker.row()) for _ in range(40)]
    answer, facts = Solver(SCHEMA).find([(node, True)])
    opposite, _ = Solver(SCHEMA).find([(node, False)])
    if True in values:
        assert not is_never_true(node, SCHEMA)
        assert answer is not Answer.IMPOSSIBLE
    if False in values:
        assert opposite is not Answer.IMPOSSIBLE
    if is_never_true(node, SCHEMA):
        assert answer is not Answer.POSSIBLE or evaluate(node, {**plain_facts(), **facts}) is not True


def test_an_example_of_the_solver_is_judged_again() -> None:
    node = check_condition("has(lineage.flop_cumulative_p50) && lineage.flop_cumulative_p50 > 5e24", Scope()).node
    reasoner = Reasoner([node], SCHEMA, tries=1)
    found = reasoner.find(true=[0])
    assert found.answer is Answer.POSSIBLE
    assert found.example is not None
    assert evaluate(node, found.example) is True


def test_without_the_solver_the_cheap_checks_still_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "z3", None)
    monkeypatch.setattr(solver_module.importlib.util, "find_spec", lambda name: None)
    assert not solver_module.is_installed()
    policy_set = _set(("a", "estimate.commitment_tail_usd < 0.0", DENY))
    assert [each.code for each in check_policy_set(policy_set, on=DAY)] == ["rule_never_fires"]


# -- differences


def _difference(old: str, new: str, **more: object) -> RuleDifference:
    [found] = differences(_set(("a", old, DENY)), _set(("a", new, DENY)), on=DAY, **more)  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize("use_solver", [False, True])
def test_a_changed_limit_is_shown_with_an_ask_between_the_two(use_solver: bool) -> None:
    found = _difference(f"{MARKET} > 5000.0", f"{MARKET} > 8000.0", use_solver=use_solver)
    assert found.change == "condition"
    assert found.example is not None
    assert 5000.0 < found.example["request.exposure_usd"] <= 8000.0
    assert found.outcomes == ("deny", "review")


def test_a_condition_that_means_the_same_is_proven_so() -> None:
    found = _difference(
        "!(request.customer_data || people.aup_current)", "!request.customer_data && !people.aup_current"
    )
    assert found.is_same_everywhere
    assert found.example is None


def test_added_removed_and_changed_effects_are_told_apart() -> None:
    old = _set(("a", "request.customer_data", DENY), ("b", "request.customer_data", REQUIRE))
    new = _set(("b", "request.customer_data", MORE), ("c", "people.aup_current", ALLOW))
    found = {each.rule_id: each for each in differences(old, new, on=DAY)}
    assert {rule_id: each.change for rule_id, each in found.items()} == {"a": "removed", "b": "effect", "c": "added"}
    assert found["a"].outcomes == ("deny", "review")
    assert differences(old, old, on=DAY) == ()
    assert set(found["a"].to_json()) >= {"rule_id", "example", "outcomes"}
