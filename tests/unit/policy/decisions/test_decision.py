"""How fired rules become one answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from governance.policy.bundle.bundle import load_bundle
from governance.policy.bundle.bundle_model import Bundle, DatedValue, Param, Rule
from governance.policy.bundle.effects import DEFAULT_ON_ERROR, Effect, EffectKind, Obligation, OnError, RoleDemand
from governance.policy.bundle.shipped import shipped_bundles, shipped_policy_set
from governance.policy.decisions.decision import Decision, Outcome, RuleException, decide
from governance.policy.decisions.policy_set import CompiledPolicySet, compile_policy_set
from governance.policy.errors import BundleError, FactError
from governance.policy.facts.examples import plain_facts
from governance.policy.facts.facts_schema import SCHEMA, ValidFacts

DAY = date(2026, 11, 25)
ABSENT = "place.pue > 1.5"


def make_rule(rule_id: str, when: str, effect: Effect | EffectKind, on_error: OnError | None = None) -> Rule:
    effect = effect if isinstance(effect, Effect) else Effect(kind=effect)
    return Rule(rule_id, rule_id, rule_id, when, effect, f"{rule_id} fired.", on_error or DEFAULT_ON_ERROR[effect.kind])


def make_set(*rules: Rule, params: Sequence[Param] = ()) -> CompiledPolicySet:
    bundle = Bundle("b", "B", "", "policy_officer", rules=rules, params=tuple(params))
    return compile_policy_set([bundle])


def require(*roles: RoleDemand, **more: Any) -> Effect:
    return Effect(kind=EffectKind.REQUIRE, roles=roles, **more)


ALLOW = make_rule("allow", "true", EffectKind.ALLOW)
DENY = make_rule("deny", "true", EffectKind.DENY)
FINANCE = make_rule("finance", "true", require(RoleDemand("finance", 1, 2), due_working_days=3))


@pytest.mark.parametrize(
    ("rules", "outcome"),
    [
        ([ALLOW], Outcome.ALLOW),
        ([make_rule("allow", "false", EffectKind.ALLOW)], Outcome.REVIEW),
        ([make_rule("flag", "true", EffectKind.FLAG)], Outcome.REVIEW),
        ([ALLOW, make_rule("flag", "true", EffectKind.FLAG)], Outcome.ALLOW),
        ([ALLOW, make_rule("warn", "true", EffectKind.WARN)], Outcome.ALLOW),
        ([ALLOW, FINANCE], Outcome.REVIEW),
        ([ALLOW, FINANCE, DENY], Outcome.DENY),
        # Indeterminate: everything but an allow counts as fired, and the answer is at least REVIEW.
        ([ALLOW, make_rule("deny", ABSENT, EffectKind.DENY)], Outcome.DENY),
        ([ALLOW, make_rule("require", ABSENT, require(RoleDemand("legal", 1, 1)))], Outcome.REVIEW),
        ([ALLOW, make_rule("flag", ABSENT, EffectKind.FLAG)], Outcome.REVIEW),
        ([ALLOW, make_rule("warn", ABSENT, EffectKind.WARN)], Outcome.REVIEW),
        ([ALLOW, make_rule("allow2", ABSENT, EffectKind.ALLOW)], Outcome.REVIEW),
        ([make_rule("allow", ABSENT, EffectKind.ALLOW)], Outcome.REVIEW),
        # on_error only makes it stricter.
        ([ALLOW, make_rule("warn", ABSENT, EffectKind.WARN, OnError.DENY)], Outcome.DENY),
        ([ALLOW, make_rule("allow2", ABSENT, EffectKind.ALLOW, OnError.DENY)], Outcome.DENY),
        ([ALLOW, make_rule("require", ABSENT, require(RoleDemand("legal", 1, 1)), OnError.DENY)], Outcome.DENY),
        ([], Outcome.REVIEW),
    ],
)
def test_the_strictest_wins(rules: list[Rule], outcome: Outcome) -> None:
    for order in (rules, rules[::-1]):
        assert decide(make_set(*order), plain_facts(), on=DAY).outcome is outcome


def test_nothing_permits_is_said() -> None:
    assert decide(make_set(make_rule("flag", "true", EffectKind.FLAG)), plain_facts(), on=DAY).is_unpermitted
    assert not decide(make_set(ALLOW, FINANCE), plain_facts(), on=DAY).is_unpermitted


def test_requirements_are_united_with_the_largest_quorum() -> None:
    compiled = make_set(
        make_rule("a", "true", require(RoleDemand("exec", 1, 2), RoleDemand("legal", 1, 1), due_working_days=5)),
        make_rule("b", "true", require(RoleDemand("exec", 2, 3), due_working_days=2)),
        make_rule("c", "true", require(RoleDemand("exec", 1, 1))),
    )
    decision = decide(compiled, plain_facts(), on=DAY)
    assert [(each.role, each.quorum, each.stage, each.due_working_days) for each in decision.requirements] == [
        ("legal", 1, 1, 5),
        ("exec", 2, 3, 2),
    ]
    assert decision.requirements[1].rule_ids == ("a", "b", "c")


def test_a_refusal_asks_nobody() -> None:
    decision = decide(make_set(FINANCE, DENY), plain_facts(), on=DAY)
    assert decision.requirements == ()
    assert [rule.rule_id for rule in decision.denials] == ["deny"]


def test_missing_evidence_is_listed_until_it_is_linked() -> None:
    compiled = make_set(make_rule("a", "true", require(RoleDemand("legal", 1, 1), evidence=("fria", "dpia"))))
    decision = decide(compiled, {**plain_facts(), "request.evidence_kinds": ["dpia"]}, on=DAY)
    assert [(each.kind, each.rule_ids) for each in decision.evidence_missing] == [("fria", ("a",))]


def test_a_sample_belongs_to_an_allow() -> None:
    sampled = make_rule("s", "true", Effect(EffectKind.ALLOW, sample_ratio=0.05, sample_due_working_days=5))
    sample = decide(make_set(sampled, ALLOW), plain_facts(), on=DAY).sample
    assert sample is not None
    assert (sample.ratio, sample.due_working_days, sample.rule_ids) == (0.05, 5, ("s",))
    assert decide(make_set(sampled, FINANCE), plain_facts(), on=DAY).sample is None


def test_obligations_carry_the_values_of_the_day() -> None:
    effect = require(RoleDemand("legal", 1, 1), obligations=(Obligation("recertify", (("days", "params.days"),)),))
    param = Param("days", "int", (DatedValue(90, date(2026, 1, 1), "own"), DatedValue(60, DAY, "own")))
    compiled = make_set(make_rule("a", "true", effect), params=[param])
    assert decide(compiled, plain_facts(), on=date(2026, 11, 24)).obligations[0].values == {"days": 90}
    assert decide(compiled, plain_facts(), on=DAY).obligations[0].values == {"days": 60}


def test_a_parameter_rules_from_its_day_on() -> None:
    param = Param("limit", "double", (DatedValue(1000.0, date(2026, 1, 1), "own"), DatedValue(2000.0, DAY, "own")))
    compiled = make_set(make_rule("a", "request.exposure_usd > params.limit", EffectKind.DENY), ALLOW, params=[param])
    assert decide(compiled, plain_facts(), on=date(2026, 11, 24)).outcome is Outcome.DENY
    assert decide(compiled, plain_facts(), on=DAY).outcome is Outcome.ALLOW
    before_any_value = decide(compiled, plain_facts(), on=date(2025, 12, 31))
    assert before_any_value.outcome is Outcome.DENY
    assert before_any_value.indeterminate == ("a",)


def test_a_bundle_rules_between_its_days() -> None:
    bundle = Bundle("b", "B", "", "o", rules=(DENY,), effective_from=DAY, effective_to=date(2026, 12, 1))
    always = Bundle("c", "C", "", "o", rules=(ALLOW,))
    compiled = compile_policy_set([bundle, always])
    outcomes = {
        day: decide(compiled, plain_facts(), on=day).outcome for day in (date(2026, 11, 24), DAY, date(2026, 12, 1))
    }
    assert list(outcomes.values()) == [Outcome.ALLOW, Outcome.DENY, Outcome.ALLOW]


# -- exceptions


def exception(rule_id: str, **more: Any) -> RuleException:
    values: dict[str, Any] = {
        "exception_id": "X-1",
        "rule_id": rule_id,
        "reason": "pilot with the university",
        "approved_by": ("grace", "carol"),
        "starts_on": date(2026, 11, 1),
        "expires_on": date(2026, 12, 1),
    }
    return RuleException(**{**values, **more})


def test_an_exception_removes_exactly_the_named_effect() -> None:
    other = make_rule("other", "true", EffectKind.DENY)
    compiled = make_set(DENY, other, FINANCE, ALLOW)
    decision = decide(compiled, plain_facts(), on=DAY, exceptions=[exception("deny")])
    assert decision.outcome is Outcome.DENY
    assert [rule.rule_id for rule in decision.denials] == ["other"]
    decision = decide(make_set(DENY, FINANCE, ALLOW), plain_facts(), on=DAY, exceptions=[exception("deny")])
    assert decision.outcome is Outcome.REVIEW
    assert [each.rule_id for each in decision.exceptions_applied] == ["deny"]
    assert decision.exceptions_applied[0].approved_by == ("grace", "carol")


@pytest.mark.parametrize(
    "late", [{"expires_on": DAY}, {"starts_on": date(2026, 11, 26)}, {"rule_id": "denx"}, {"rule_id": "finance"}]
)
def test_an_exception_out_of_time_or_of_another_rule_does_nothing(late: dict[str, Any]) -> None:
    values = {"rule_id": "deny", **late}
    decision = decide(make_set(DENY, FINANCE), plain_facts(), on=DAY, exceptions=[exception(**values)])
    assert decision.outcome is Outcome.DENY
    assert all(each.rule_id != "deny" for each in decision.exceptions_applied)


def test_an_exception_to_a_rule_that_did_not_fire_is_not_listed() -> None:
    quiet = make_rule("deny", "false", EffectKind.DENY)
    assert decide(make_set(quiet), plain_facts(), on=DAY, exceptions=[exception("deny")]).exceptions_applied == ()


def test_an_exception_does_not_hide_that_a_rule_could_not_be_judged() -> None:
    compiled = make_set(make_rule("deny", ABSENT, EffectKind.DENY), ALLOW)
    decision = decide(compiled, plain_facts(), on=DAY, exceptions=[exception("deny")])
    assert decision.outcome is Outcome.REVIEW
    assert decision.indeterminate == ("deny",)


def test_an_exception_may_name_a_whole_table() -> None:
    row = replace(DENY, id="T.row", parent="T")
    decision = decide(make_set(row, ALLOW), plain_facts(), on=DAY, exceptions=[exception("T")])
    assert decision.outcome is Outcome.ALLOW
    assert [each.rule_id for each in decision.exceptions_applied] == ["T.row"]


# -- broken facts


def test_a_missing_required_fact_fails_closed() -> None:
    facts = plain_facts()
    del facts["history.similar_exposure_30d_usd"]
    decision = decide(shipped_policy_set(), ValidFacts.with_gaps(facts, SCHEMA), on=DAY)
    assert decision.outcome is Outcome.DENY
    assert "AL-1" in decision.indeterminate
    assert "AL-8.overdrawn" not in decision.indeterminate


@pytest.mark.parametrize("value", ["1216", None, [], float("nan")])
def test_a_fact_of_the_wrong_type_never_permits(value: Any) -> None:
    facts = {**plain_facts(), "request.exposure_usd": value}
    compiled = make_set(
        make_rule("allow", "has(request.exposure_usd) && request.exposure_usd <= 2500.0", EffectKind.ALLOW)
    )
    assert decide(compiled, ValidFacts.with_gaps(facts, SCHEMA), on=DAY).outcome is Outcome.REVIEW
    with pytest.raises(FactError):
        decide(compiled, facts, on=DAY)


# -- explanations


def test_sentences_carry_values_and_distances() -> None:
    decision = decide(shipped_policy_set(), {**plain_facts(), "request.exposure_usd": 28_500.0}, on=DAY)
    (fired,) = [rule for rule in decision.fired if rule.rule_id == "AL-3"]
    assert "28,500\N{NO-BREAK SPACE}USD" in fired.message
    leaf = next(leaf for leaf in fired.leaves if leaf.text.endswith("> params.team_lead_max_usd"))
    assert (leaf.truth, leaf.value, leaf.limit, leaf.distance) == (True, 28_500.0, 25_000.0, 3_500.0)
    assert leaf.sentence == "3,500\N{NO-BREAK SPACE}USD above 25,000\N{NO-BREAK SPACE}USD"
    devices = next(leaf for leaf in fired.leaves if leaf.text.startswith("request.accelerator_count"))
    assert (devices.truth, devices.distance) == (False, -56)
    assert fired.values["request.exposure_usd"] == 28_500.0


def test_a_rule_that_could_not_be_judged_says_what_was_absent() -> None:
    decision = decide(make_set(make_rule("deny", ABSENT, EffectKind.DENY)), plain_facts(), on=DAY)
    assert "Could not be judged without `place.pue`" in decision.fired[0].message
    assert decision.fired[0].leaves[0].truth is None


def test_a_decision_survives_json_without_its_rules() -> None:
    facts = {
        **plain_facts(),
        "request.exposure_usd": 2_190_000.0,
        "request.accelerator_count": 768,
        "request.use_tags": ["medical"],
        "request.evidence_kinds": ["board_resolution"],
        "history.similar_count_30d": 3,
        "estimate.commitment_tail_usd": 60_000.0,
    }
    exceptions = [exception("AL-6")]
    for decision in (
        decide(shipped_policy_set(), facts, on=DAY, exceptions=exceptions),
        decide(shipped_policy_set(), plain_facts(), on=DAY),
    ):
        plain = json.loads(json.dumps(decision.to_json(), allow_nan=False))
        again = Decision.from_json(plain)
        assert again.to_json() == decision.to_json()
        assert again == decision
        assert again.policy_digest == shipped_policy_set().digest


# -- policy sets


def test_a_rule_id_is_unique_across_bundles() -> None:
    first = Bundle("b", "B", "", "o", rules=(DENY,))
    with pytest.raises(BundleError, match="`deny`"):
        compile_policy_set([first, replace(first, name="c")])
    with pytest.raises(BundleError, match="the bundle `b`"):
        compile_policy_set([first, replace(first, rules=(ALLOW,))])


def test_the_digest_pins_the_logic_and_not_the_wording_or_order() -> None:
    digest = make_set(DENY, FINANCE).digest
    assert make_set(FINANCE, DENY).digest == digest
    assert make_set(replace(DENY, message="Other words.", title="Other"), FINANCE).digest == digest
    assert make_set(replace(DENY, when="( true )"), FINANCE).digest == digest
    assert make_set(replace(DENY, when="false"), FINANCE).digest != digest
    assert make_set(DENY).digest != digest
    assert make_set(replace(DENY, effect=Effect(EffectKind.WARN)), FINANCE).digest != digest
    assert compile_policy_set(shipped_bundles()).digest == shipped_policy_set().digest


def test_a_used_parameter_is_part_of_the_digest_and_an_unused_one_is_not() -> None:
    rule = make_rule("a", "request.exposure_usd > params.limit", EffectKind.DENY)
    limit = Param("limit", "double", (DatedValue(1.0, DAY, "own"),))
    other = Param("other", "double", (DatedValue(1.0, DAY, "own"),))
    digest = make_set(rule, params=[limit]).digest
    assert make_set(rule, params=[limit, other]).digest == digest
    assert make_set(rule, params=[replace(limit, values=(DatedValue(2.0, DAY, "own"),))]).digest != digest


def test_a_bundle_compiles_the_same_from_its_yaml() -> None:
    bundle = load_bundle(
        "apiVersion: comptroller.policy/v1\nkind: PolicyBundle\nschema: 1\n"
        "metadata: {name: b, title: B, owner: policy_officer}\n"
        "rules:\n- {id: deny, title: deny, when: 'true', effect: deny, message: deny fired.}\n"
    )
    assert compile_policy_set([bundle]).digest == make_set(DENY).digest
