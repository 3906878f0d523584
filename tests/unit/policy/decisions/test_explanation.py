"""Reasons that people can use: plain words, the nearest change that would do, a log entry that keeps its secrets."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from governance.policy.authoring.parameters import name_in_words
from governance.policy.bundle.effects import Outcome
from governance.policy.bundle.shipped import shipped_bundles, shipped_policy_set
from governance.policy.decisions.counterfactual import CHANGEABLE, nearest_allowed
from governance.policy.decisions.decision import decide
from governance.policy.decisions.decision_log import MASK, ChainReader, log_entry
from governance.policy.decisions.plain_words import condition_in_words, effect_in_words, rule_in_words
from governance.policy.decisions.wording import role_in_words
from governance.policy.facts.examples import plain_facts
from governance.policy.facts.facts import FactType
from governance.policy.facts.facts_schema import FACTS, FACTS_BY_NAME, SCHEMA, FactsSchema
from governance.policy.language import ir
from governance.policy.language.checker import check_condition
from governance.policy.language.scope import Scope
from tests.property.expressions import Maker

DAY = date(2026, 11, 25)
NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)


# -- plain words


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (
            "has(request.exposure_usd) && request.exposure_usd > 5000.0",
            "the assessed amount is above 5,000\N{NO-BREAK SPACE}USD",
        ),
        (
            "!(request.data_class in ['public', 'internal'])",
            "the data class is not among “public” or “internal”",
        ),
        (
            "!has(request.end_at) || request.customer_data",
            "the end date is unknown or customer data is used",
        ),
        (
            "people.aup_current && !(people.aup_current && vendor.provider_dpa)",
            (
                "the acceptable-use statement is accepted and (the acceptable-use statement is not accepted "
                "or the provider has no data-processing agreement)"
            ),
        ),
        (
            "request.use_tags.exists(t, t == 'medical')",
            "some one of the areas of use is such that it is “medical”",
        ),
        (
            "!request.use_tags.exists(t, t == 'medical')",
            "no one of the areas of use is such that it is “medical”",
        ),
        (
            "!(estimate.commitment_tail_usd >= 5.0)",
            "the amount payable after the work ends is below 5\N{NO-BREAK SPACE}USD",
        ),
        ("request.purpose.startsWith('re')", "the purpose begins with “re”"),
        ("size(request.use_tags) > 2", "the length of the areas of use is above 2"),
        (
            "max(estimate.commitment_tail_usd, history.similar_exposure_30d_usd) > 5.0",
            (
                "the larger of the amount payable after the work ends "
                "and the assessed amount of related requests of the last 30 days is above 5\N{NO-BREAK SPACE}USD"
            ),
        ),
        ("true", "always"),
    ],
)
def test_a_condition_reads_as_a_sentence(condition: str, words: str) -> None:
    assert condition_in_words(check_condition(condition, Scope()).node) == words


def test_every_shipped_rule_reads_as_a_sentence_with_its_figures() -> None:
    for rule in shipped_policy_set().at(DAY).rules:
        text = rule_in_words(rule)
        assert text.startswith("When ")
        assert "params" not in text
        assert "parameter" not in text
        if rule.legal_source:
            assert rule.legal_source in text
        for role in rule.effect.roles:
            assert f"{role.quorum} × {role_in_words(role.role)}" in text


def test_a_rule_names_roles_and_duties_in_words() -> None:
    rules = {rule.rule_id: effect_in_words(rule.effect) for rule in shipped_policy_set().at(DAY).rules}
    assert rules["ES-2.change"] == (
        "1 × team lead must approve within 2 working days, "
        "and the requester must have the original approvers decide again"
    )
    assert "1 × data protection officer" in rules["AU-3.dpo"]
    assert "flagged for policy officer (split), and the requester must have related requests" in rules["ES-1"]


@pytest.mark.parametrize("seed", range(40))
def test_any_condition_has_words(seed: int) -> None:
    _, node = Maker(seed).condition()
    text = condition_in_words(node)
    for name in ir.fact_names(node):
        fact = FACTS_BY_NAME[name]
        assert any(words in text for words in (fact.label, *(fact.says or ())))


def test_every_fact_and_every_shipped_limit_has_a_label() -> None:
    assert {fact.name for fact in FACTS if fact.says} == {fact.name for fact in FACTS if fact.type is FactType.BOOL}
    limits = [param for bundle in shipped_bundles() for param in bundle.params]
    for label in (*(fact.label for fact in FACTS), *(param.label for param in limits)):
        assert label
        assert "_" not in label
    assert len({(param.name, param.label) for param in limits}) == len({param.name for param in limits})


def test_a_label_is_no_part_of_what_decides() -> None:
    assert "label" not in FACTS[0].to_json()
    without = tuple(replace(fact, label="", says=None) for fact in FACTS)
    assert FactsSchema(SCHEMA.version, without).digest == SCHEMA.digest
    limit = shipped_bundles()[0].params[0]
    assert name_in_words(limit) == limit.label == "Automatic approval limit (USD)"
    # Stored before limits had labels.
    assert name_in_words(replace(limit, label="")) == limit.label
    assert name_in_words(replace(limit, name="own_max_usd", label="")) == "Own max"


def test_each_effect_has_words() -> None:
    said = {rule.kind.value: effect_in_words(rule.effect) for rule in shipped_policy_set().at(DAY).rules}
    assert set(said) == {"deny", "require", "flag", "warn", "allow"}
    assert "must approve" in said["require"]
    assert "denied" in said["deny"]
    assert "approved automatically" in said["allow"]


# -- the nearest change


def _nearest(changes: dict[str, Any]) -> Any:
    return nearest_allowed(shipped_policy_set(), {**plain_facts(), **changes}, on=DAY)


def test_the_nearest_smaller_sum_is_named() -> None:
    found = _nearest({"request.exposure_usd": 28_500.0})
    assert found.outcome is Outcome.ALLOW
    [change] = found.changes
    assert (change.fact, change.after) == ("request.exposure_usd", 2500.0)
    assert "2,500" in change.sentence


def test_the_fewest_facts_are_changed_together() -> None:
    found = _nearest(
        {"request.exposure_usd": 2_600.0, "request.accelerator_count": 9, "history.similar_exposure_30d_usd": 1.0}
    )
    assert {change.fact: change.after for change in found.changes} == {
        "request.exposure_usd": 2500.0,
        "request.accelerator_count": 8,
    }


def test_a_refusal_that_cannot_become_an_allow_becomes_a_review() -> None:
    found = _nearest({"request.exposure_usd": 4_470_000.0, "history.similar_exposure_30d_usd": 3_000.0})
    assert found.outcome is Outcome.REVIEW
    assert found.changes[0].fact in ("request.exposure_usd", "request.evidence_kinds")


def test_what_the_requester_has_not_in_hand_is_not_changed() -> None:
    assert _nearest({"people.aup_current": False}) is None
    assert "people.aup_current" not in CHANGEABLE
    assert _nearest({}) is None


@pytest.mark.parametrize("seed", range(25))
def test_what_is_proposed_is_milder_and_true(seed: int) -> None:
    facts = Maker(seed).row()
    before = decide(shipped_policy_set(), facts, on=DAY).outcome
    found = nearest_allowed(shipped_policy_set(), facts, on=DAY)
    if found is None:
        return
    changed = {**facts, **{change.fact: change.after for change in found.changes}}
    assert decide(shipped_policy_set(), changed, on=DAY).outcome is found.outcome
    assert found.outcome.strictness < before.strictness
    assert all(facts.get(change.fact) == change.before for change in found.changes)


def test_facts_that_follow_are_completed() -> None:
    facts = {**plain_facts(), "request.exposure_usd": 3_000.0, "history.similar_exposure_30d_usd": 3_000.0}

    def follow(changed: dict[str, Any]) -> dict[str, Any]:
        return {**changed, "history.similar_exposure_30d_usd": changed["request.exposure_usd"]}

    assert nearest_allowed(shipped_policy_set(), facts, on=DAY) is None
    found = nearest_allowed(shipped_policy_set(), facts, on=DAY, complete=follow)
    assert found is not None
    assert found.outcome is Outcome.ALLOW


# -- the log


def _entry(facts: dict[str, Any], prev_hash: str = "", may_see_sensitive: bool = False) -> dict[str, Any]:
    policy_set = shipped_policy_set()
    decision = decide(policy_set, facts, on=DAY)
    return log_entry(
        decision,
        facts,
        policy_set,
        decision_id="d-1",
        timestamp=NOW,
        requested_by="person:7",
        prev_hash=prev_hash,
        may_see_sensitive=may_see_sensitive,
    )


def test_an_entry_has_opas_names_and_pins_every_bundle() -> None:
    entry = _entry(plain_facts())
    assert set(entry) >= {
        "decision_id", "labels", "bundles", "path", "input", "result", "erased", "masked", "requested_by", "timestamp",
        "metrics", "trace_id", "input_hash",
    }  # fmt: skip
    assert entry["timestamp"] == "2026-11-25T09:00:00Z"
    assert {bundle.name for bundle in shipped_policy_set().bundles} == set(entry["bundles"])
    assert entry["result"]["decision"] == "allow"


def test_sensitive_values_are_nowhere_in_an_entry_for_those_who_may_not_see_them() -> None:
    facts = {**plain_facts(), "budget.headroom_after_usd": -123_456.0, "people.beneficiary_hq_country": "KP"}
    entry = _entry(facts)
    text = str(entry)
    assert "123456" not in text
    assert "123,456" not in text
    assert "KP" not in str(entry["input"]) + str([rule["values"] for rule in entry["result"]["fired"]])
    assert entry["input"]["budget.headroom_after_usd"] == MASK
    assert "/input/budget.headroom_after_usd" in entry["masked"]
    assert {path.removeprefix("/input/") for path in entry["masked"]} == {
        fact.name for fact in FACTS if fact.sensitive and fact.name in facts
    }
    open_entry = _entry(facts, may_see_sensitive=True)
    assert open_entry["masked"] == []
    assert open_entry["input"]["budget.headroom_after_usd"] == -123_456.0
    assert open_entry["input_hash"] == entry["input_hash"]


def problems(entries: list[dict[str, Any]]) -> list[str]:
    chain = ChainReader()
    return [chain.problem_of(entry) for entry in entries]


def test_the_chain_shows_where_an_entry_was_changed_or_taken_out() -> None:
    entries: list[dict[str, Any]] = []
    for exposure in (100.0, 3_000.0, 30_000.0, 300_000.0):
        previous = entries[-1]["entry_hash"] if entries else ""
        entries.append(_entry({**plain_facts(), "request.exposure_usd": exposure}, previous))
    assert problems(entries) == ["", "", "", ""]
    assert problems([entries[0], *entries[2:]]) == [
        "",
        "it does not follow the one before it: an entry was changed, moved, or taken out",
        "",
    ]
    changed = copy.deepcopy(entries)
    changed[2]["result"]["decision"] = "allow"
    assert problems(changed) == ["", "", "it was changed after it was written", ""]
