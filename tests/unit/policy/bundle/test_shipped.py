"""The shipped bundles: the 25 rules of the organisation, duties by jurisdiction, their cases, their numbers."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from governance.policy.bundle.bundle import check_bundle
from governance.policy.bundle.bundle_model import Bundle
from governance.policy.bundle.shipped import BUNDLE_NAMES, shipped_bundles, shipped_policy_set
from governance.policy.bundle.testing import failures_of, missing_cases, run_bundle_tests
from governance.policy.decisions.decision import Outcome, decide
from governance.policy.decisions.policy_set import compile_policy_set
from governance.policy.facts.examples import plain_facts
from governance.policy.facts.facts_schema import FACTS_BY_NAME, validate_facts
from governance.policy.language import ir
from tests.plugins.servers import ROOT
from tests.unit.policy.mutation import mutants, surviving_mutants

DAY = date(2026, 11, 25)
THRESHOLDS = ROOT / "estimator" / "data" / "thresholds.csv"

RULES = {
    "approval-limits": [f"AL-{n}" for n in range(1, 9)],
    "acceptable-use": [f"AU-{n}" for n in range(1, 5)],
    "compute-thresholds": [f"CT-{n}" for n in range(1, 6)],
    "export-control": ["EX-1", "EX-2"],
    "vendor-and-residency": [f"VR-{n}" for n in range(1, 4)],
    "sustainability": ["SU-1"],
    "evidence-and-splitting": ["ES-1", "ES-2"],
    "jurisdictions": ["JU-EU", "JU-CLOCK", "JU-US", "JU-KR"],
}

bundles = pytest.mark.parametrize("bundle", shipped_bundles(), ids=BUNDLE_NAMES)


def test_all_rules_are_there() -> None:
    found = {bundle.name: list(dict.fromkeys(rule.parent for rule in bundle.rules)) for bundle in shipped_bundles()}
    assert found == RULES
    assert sum(len(rules) for name, rules in RULES.items() if name != "jurisdictions") == 25


def test_no_duty_of_a_jurisdiction_changes_an_outcome() -> None:
    duties = next(bundle for bundle in shipped_bundles() if bundle.name == "jurisdictions")
    assert {rule.effect.kind.value for rule in duties.rules} == {"flag", "warn"}


@bundles
def test_its_own_cases_pass(bundle: Bundle) -> None:
    assert failures_of(run_bundle_tests(bundle)) == []


@bundles
def test_each_rule_has_its_four_kinds_of_case(bundle: Bundle) -> None:
    assert missing_cases(bundle) == {}


@bundles
def test_nothing_in_it_is_unguarded_unused_or_odd(bundle: Bundle) -> None:
    assert check_bundle(bundle) == ()


@bundles
def test_every_flipped_comparison_turns_a_case_red(bundle: Bundle) -> None:
    assert surviving_mutants(bundle) == ()


@bundles
def test_cases_are_complete_sets_of_facts(bundle: Bundle) -> None:
    for test in bundle.tests:
        validate_facts({**plain_facts(), **bundle.fixture, **test.facts})


def test_the_mutation_check_does_make_mutants() -> None:
    counts = [
        sum(1 for rule in compile_policy_set([bundle]).rules for _ in mutants(rule.node))
        for bundle in shipped_bundles()
    ]
    assert sum(counts) > 200
    assert min(counts) > 5


def test_a_case_removed_lets_a_mutant_live() -> None:
    bundle = next(each for each in shipped_bundles() if each.name == "export-control")
    fewer = replace(bundle, tests=tuple(test for test in bundle.tests if test.rule != "EX-2.vendor"))
    assert {each.rule_id for each in surviving_mutants(fewer)} == {"EX-2.vendor"}


def test_every_threshold_that_a_rule_reads_is_in_the_catalogue() -> None:
    with THRESHOLDS.open(encoding="utf-8", newline="") as lines:
        known = {row["slug"] for row in csv.DictReader(lines)}
    read = set()
    for rule in shipped_policy_set().rules:
        if not any(name.startswith("thresholds.") for name in ir.fact_names(rule.node)):
            continue
        for part in ir.walk(rule.node):
            if isinstance(part, ir.In):
                constants = [each.value for each in (part.item, part.list) if isinstance(each, ir.Const)]
                lists = [value if isinstance(value, tuple) else (value,) for value in constants]
                read |= {text for value in lists for text in value if re.match(r"(eu|us|kr)-", text)}
    assert {"eu-systemic-risk", "eu-gpai-indicative", "us-3a090-a1"} <= read
    assert read <= known


def test_the_two_bundles_that_share_limits_agree() -> None:
    values = {bundle.name: bundle.param_values(DAY) for bundle in shipped_bundles()}
    limits, splitting = values["approval-limits"], values["evidence-and-splitting"]
    ladder = [
        limits[name] for name in ("auto_allow_max_usd", "team_lead_max_usd", "budget_owner_max_usd", "finance_max_usd")
    ]
    assert list(splitting["band_limits_usd"]) == ladder
    assert [splitting[f"band_{n}_usd"] for n in (1, 2, 3)] == ladder[:3]
    for name in ("renewal_utilisation_min", "renewal_used_min", "renewal_rise_max"):
        assert splitting[name] == limits[name]
    assert splitting["renewal_max_usd"] == limits["team_lead_max_usd"]


# The archetypes of the demonstration, as far as the policy alone answers them.
ARCHETYPES: list[tuple[str, dict[str, Any], str, dict[str, int], set[str]]] = [
    ("notebooks on eight L40S", {}, "allow", {}, {"AL-1"}),
    (
        "a LoRA on 48 H100-hours",
        {
            "request.workload": "fine_tuning",
            "request.exposure_usd": 142.0,
            "history.similar_exposure_30d_usd": 142.0,
            "request.gpu_hours_cap": 48.0,
            "lineage.modalities": ["text"],
        },
        "allow",
        {},
        {"AL-1"},
    ),
    (
        "full fine-tune of 70B",
        {"request.exposure_usd": 4278.0, "request.gpu_hours_cap": 2950.0},
        "review",
        {"team_lead": 1},
        {"AL-2"},
    ),
    (
        "continued pre-training",
        {"request.exposure_usd": 28_500.0},
        "review",
        {"budget_owner": 1, "infra_lead": 1},
        {"AL-3"},
    ),
    (
        "Tern, 7B on 4 T tokens",
        {
            "request.workload": "pretraining",
            "request.exposure_usd": 307_000.0,
            "request.evidence_kinds": ["pilot_run"],
            "thresholds.exceeded": ["eu-gpai-indicative"],
            "thresholds.may_exceed": ["eu-gpai-indicative"],
            "lineage.modalities": ["text"],
            "lineage.eu_market": True,
        },
        "review",
        {"budget_owner": 1, "infra_lead": 1, "finance": 1, "ai_governance": 1},
        {"AL-4", "CT-1", "JU-EU.direct"},
    ),
    (
        "a 9B base with more than a third added",
        {
            "request.workload": "continued_pretraining",
            "request.exposure_usd": 1000.0,
            "thresholds.may_exceed": ["eu-modifier-third"],
            "lineage.modification_ratio_p90": 0.42,
        },
        "review",
        {"ai_governance": 1, "legal": 1},
        {"AL-1", "CT-4"},
    ),
    (
        "a small modification",
        {"lineage.modification_ratio_p90": 0.004, "lineage.modalities": ["text"]},
        "allow",
        {},
        {"AL-1"},
    ),
    (
        "users in a restricted country",
        {"request.exposure_usd": 12_000.0, "people.access_countries": ["IR"]},
        "deny",
        {},
        {"AL-2", "EX-1.unlicensed"},
    ),
    (
        "customer transcripts in a US region",
        {
            "request.data_class": "personal",
            "request.customer_data": True,
            "place.country": "US",
            "request.exposure_usd": 18_000.0,
            "request.evidence_kinds": ["dpia"],
        },
        "deny",
        {},
        {"AL-2", "AU-3.dpo", "VR-3.residency"},
    ),
    (
        "customer transcripts in Stockholm",
        {
            "request.data_class": "personal",
            "request.customer_data": True,
            "place.country": "SE",
            "request.exposure_usd": 18_000.0,
            "request.evidence_kinds": ["dpia"],
        },
        "review",
        {"team_lead": 1, "dpo": 1},
        {"AL-2", "AU-3.dpo"},
    ),
    (
        "confidential data on a marketplace",
        {"request.data_class": "confidential", "place.provider_type": "marketplace", "request.exposure_usd": 900.0},
        "deny",
        {},
        {"VR-1.marketplace"},
    ),
    (
        "emotion recognition",
        {"request.purpose": "emotion_recognition_at_work"},
        "deny",
        {},
        {"AL-1", "AU-1.emotion_recognition"},
    ),
    (
        "four asks of 2 300",
        {"request.exposure_usd": 2300.0, "history.similar_count_30d": 4, "history.similar_exposure_30d_usd": 9200.0},
        "review",
        {"team_lead": 1},
        {"AL-2", "ES-1"},
    ),
    (
        "a renewal at 78 percent",
        {
            "request.kind": "renewal",
            "request.exposure_usd": 9600.0,
            "history.similar_exposure_30d_usd": 9600.0,
            "history.utilisation_28d": 0.78,
            "history.grant_used_ratio": 0.9,
            "history.grant_increase_ratio": 0.2,
        },
        "allow",
        {},
        {"ES-2.renewal"},
    ),
    (
        "a renewal at 19 percent",
        {"request.kind": "renewal", "request.exposure_usd": 31_000.0, "history.utilisation_28d": 0.19},
        "deny",
        {},
        {"AL-3", "ES-2.idle"},
    ),
    (
        "half as many hours again",
        {"request.kind": "change", "request.exposure_usd": 42_800.0, "history.grant_increase_ratio": 0.5},
        "review",
        {"budget_owner": 1, "infra_lead": 1, "team_lead": 1},
        {"AL-3", "ES-2.change"},
    ),
    (
        "a contractor's 12 000",
        {"people.requester_type": "contractor", "request.exposure_usd": 12_000.0},
        "deny",
        {},
        {"AL-2", "AU-4.cap"},
    ),
    (
        "a year's reservation",
        {
            "request.workload": "lease",
            "request.exposure_usd": 1_180_000.0,
            "estimate.commitment_tail_usd": 1_180_000.0,
            "place.price_term": "reserved_1y",
            "vendor.provider_share_after": 0.454,
            "request.window_days": 365.0,
        },
        "review",
        {"budget_owner": 1, "infra_lead": 1, "finance": 1, "exec": 2, "vendor_manager": 1},
        {"AL-5.exec", "AL-6", "VR-2"},
    ),
]


@pytest.mark.parametrize(
    ("name", "changes", "outcome", "requires", "fired"), ARCHETYPES, ids=[each[0] for each in ARCHETYPES]
)
def test_the_whole_set_answers_an_archetype(
    name: str, changes: dict[str, Any], outcome: str, requires: dict[str, int], fired: set[str]
) -> None:
    facts = {**plain_facts(), **changes}
    validate_facts(facts)
    decision = decide(shipped_policy_set(), facts, on=DAY)
    assert decision.outcome.value == outcome
    assert {each.role: each.quorum for each in decision.requirements} == requires
    assert {rule.rule_id for rule in decision.fired} == fired
    assert all(rule.message for rule in decision.fired)


def test_an_ask_without_a_price_is_review_and_never_allowed() -> None:
    facts = plain_facts()
    for name in ("estimate.cost_p50_usd", "estimate.cost_p90_usd", "request.exposure_usd"):
        del facts[name]
    validate_facts(facts)
    decision = decide(shipped_policy_set(), facts, on=DAY)
    assert decision.outcome is Outcome.REVIEW
    assert decision.is_unpermitted


def test_a_plain_ask_with_only_its_required_facts_meets_no_rule_by_accident() -> None:
    facts = {name: value for name, value in plain_facts().items() if not _is_optional(name)}
    decision = decide(shipped_policy_set(), facts, on=DAY)
    assert decision.outcome is Outcome.REVIEW
    assert decision.fired == ()
    assert decision.indeterminate == ()


def _is_optional(name: str) -> bool:
    return FACTS_BY_NAME[name].optional
