"""A stored decision as rows: what crossed which line, and how far it lies from there."""

from __future__ import annotations

from datetime import date
from typing import Any

from governance.policy.bundle.bundle import load_bundle
from governance.policy.bundle.shipped import shipped_bundles
from governance.policy.decisions.decision import Decision, decide
from governance.policy.decisions.policy_set import compile_policy_set
from governance.policy.facts.examples import plain_facts
from governance.selectors.requests import reasons

DAY = date(2026, 11, 25)
ROLES = {"team_lead": "Team lead", "budget_owner": "Budget owner", "infra_lead": "Infrastructure lead"}
LIMITS = """
apiVersion: comptroller.policy/v1
kind: PolicyBundle
schema: 1
metadata: {name: lines, title: Lines, summary: Two lines., owner: policy_officer}
params:
  ladder_usd: {type: double, unit: USD, values: [{value: 2500.0, from: 2024-01-01, source: own}]}
  wall_devices: {type: int, unit: devices, values: [{value: 64, from: 2024-01-01, source: own}]}
  rise_max: {type: double, unit: ratio, values: [{value: 0.2, from: 2024-01-01, source: own}]}
rules:
- id: L-3
  title: A change that grows
  when: has(history.grant_increase_ratio) && history.grant_increase_ratio > params.rise_max
  effect: {require: {roles: [{role: team_lead, quorum: 1, stage: 1}], due_working_days: 1}}
  message: It grows by {history.grant_increase_ratio}.
- id: L-1
  title: Above the ladder
  when: request.exposure_usd > params.ladder_usd
  effect: {require: {roles: [{role: team_lead, quorum: 1, stage: 1}], due_working_days: 1}}
  message: It counts as {request.exposure_usd}.
- id: L-2
  title: Above the wall
  when: request.accelerator_count > params.wall_devices
  effect: {deny: {code: wall}}
  message: "{request.accelerator_count} devices are too many."
"""


def judged(**facts: Any) -> Decision:
    """Under the two lines above, through JSON as it is stored."""
    known = plain_facts() | {name.replace("__", "."): value for name, value in facts.items()}
    decision = decide(compile_policy_set([load_bundle(LIMITS)]), known, on=DAY)
    return Decision.from_json(decision.to_json())


def test_a_row_shows_the_value_the_line_and_the_distance() -> None:
    rows = reasons.reasons(judged(request__exposure_usd=5240.0), [], ROLES)
    assert [(row.rule_id, row.shape) for row in rows] == [("L-1", "review")]
    assert rows[0].yours.replace("\u00a0", " ") == "5,240 USD; 2,740 USD above 2,500 USD"
    assert rows[0].change.replace("\u00a0", " ") == "at most 2,500 USD"
    assert rows[0].effect == "Needs team lead"


def test_a_ratio_is_told_in_per_cent_and_its_distance_in_points() -> None:
    rows = reasons.reasons(judged(history__grant_increase_ratio=0.5), [], ROLES)
    assert [row.rule_id for row in rows] == ["L-3"]
    assert rows[0].yours.replace("\u00a0", " ") == "50 %; 30 points above 20 %"
    assert rows[0].change.replace("\u00a0", " ") == "at most 20 %"


def test_refusals_come_first() -> None:
    rows = reasons.reasons(judged(request__exposure_usd=9000.0, request__accelerator_count=65), [], ROLES)
    assert [row.rule_id for row in rows] == ["L-2", "L-1"]
    assert rows[0].effect == "Denied"


def test_the_lines_around_an_amount_come_from_the_rules() -> None:
    decision = decide(compile_policy_set(shipped_bundles()), plain_facts() | {
        "request.exposure_usd": 5240.0, "history.similar_exposure_30d_usd": 5240.0,
    }, on=DAY)  # fmt: skip
    assert reasons.crossing_lines(decision, "request.exposure_usd") == [2500.0, 25000.0]


def test_a_role_without_a_stage_is_named_in_words() -> None:
    decision = judged(request__exposure_usd=5240.0)
    assert reasons.reasons(decision, [], {})[0].effect == "Needs team lead"
