"""Facts that nothing fills yet are marked, and the rules that read them never claim to check anything."""

from __future__ import annotations

import ast
from datetime import date

import pytest

from governance.domain.requests.fields import FIELDS
from governance.policy.bundle.bundle import load_bundle
from governance.policy.bundle.shipped import shipped_policy_set
from governance.policy.decisions.plain_words import rule_in_words, waiting_in_words
from governance.policy.decisions.policy_set import BoundRule, compile_policy_set
from governance.policy.facts.facts_schema import FACTS, FACTS_BY_NAME
from governance.policy.facts.waiting import waiting_of
from governance.policy.language.ir import fact_names
from tests.plugins.servers import ROOT

DAY = date(2026, 11, 25)
GOVERNANCE = ROOT / "governance"
AWAITED = {fact.name for fact in FACTS if fact.awaits}


def produced() -> set[str]:
    """Facts that the product fills: answers of the form, and keys of a dictionary whose value is no mere constant."""
    names = {row.fact for row in FIELDS if row.fact}
    for path in (GOVERNANCE / "selectors").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Dict):
                pairs = zip(node.keys, node.values, strict=True)
                names |= {
                    key.value
                    for key, value in pairs
                    if isinstance(key, ast.Constant)
                    and key.value in FACTS_BY_NAME
                    and not isinstance(value, ast.Constant)
                }
    return names


def rule(when: str, effect: str = "{deny: {code: no_way}}") -> BoundRule:
    bundle = load_bundle(
        "apiVersion: comptroller.policy/v1\nkind: PolicyBundle\nschema: 1\n"
        "metadata: {name: own, title: Own, owner: policy_officer}\n"
        f"rules:\n- id: R-1\n  title: One\n  when: |\n    {when}\n  effect: {effect}\n  message: One.\n"
    )
    return compile_policy_set([bundle]).at(DAY).rules[0]


def test_every_fact_has_a_producer_or_is_marked_as_waiting_for_data() -> None:
    assert produced() | AWAITED == set(FACTS_BY_NAME)
    assert not produced() & AWAITED
    assert all(FACTS_BY_NAME[name].optional for name in AWAITED), "what nothing fills is absent, never zero"


def test_every_shipped_rule_reads_facts_that_are_filled_or_says_that_it_waits() -> None:
    filled = produced()
    for each in shipped_policy_set().at(DAY).rules:
        lacking = [name for name in fact_names(each.condition) if name not in filled]
        waiting = waiting_of(each)
        assert ([fact.name for fact in waiting.facts] if waiting else []) == lacking
        assert ("Waiting for data" in rule_in_words(each)) == bool(lacking)


def test_the_shipped_rules_that_wait() -> None:
    found = {each.rule_id: waiting for each in shipped_policy_set().at(DAY).rules if (waiting := waiting_of(each))}
    assert {rule_id for rule_id, waiting in found.items() if waiting.is_whole} == {
        *(f"ES-2.bias_{number}" for number in range(1, 5)),
        "ES-2.closeout",
        "ES-2.pool",
    }
    assert {rule_id for rule_id, waiting in found.items() if not waiting.is_whole} == {"SU-1.footprint"}
    assert waiting_in_words(found["ES-2.pool"]) == (
        "Waiting for data: this rule has no effect until the product has capacity pools "
        "(it uses the number of free accelerators in the pool)."
    )


@pytest.mark.parametrize(
    ("when", "is_whole"),
    [
        ("has(place.pool_free_count) && place.pool_free_count > 8", True),
        ("!(!has(place.pool_free_count) || place.pool_free_count <= 8)", True),
        ("has(place.pool_free_count) ? place.pool_free_count > 8 : false", True),
        ("has(place.pool_free_count) ? place.pool_free_count > 8 : request.customer_data", False),
        ("!has(place.pool_free_count)", False),
        ("request.customer_data || has(place.pool_free_count) && place.pool_free_count > 8", False),
        # Without a guard it cannot be judged, and what cannot be judged counts as fired.
        ("place.pool_free_count > 8", False),
        ("request.use_tags.exists(tag, has(place.pool_wait_days) && tag == 'medical')", True),
        ("request.use_tags.all(tag, has(place.pool_wait_days) && tag == 'medical')", False),
    ],
)
def test_a_rule_waits_as_a_whole_only_if_it_cannot_fire(when: str, is_whole: bool) -> None:
    waiting = waiting_of(rule(when))
    assert waiting is not None
    assert waiting.is_whole is is_whole


def test_an_unguarded_permission_never_permits_while_it_waits() -> None:
    waiting = waiting_of(rule("place.pool_free_count > 8", "allow"))
    assert waiting is not None
    assert waiting.is_whole


def test_a_rule_of_filled_facts_does_not_wait() -> None:
    assert waiting_of(rule("request.customer_data")) is None
    assert "Waiting" not in rule_in_words(rule("request.customer_data"))
