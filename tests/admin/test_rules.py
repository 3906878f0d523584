"""The rules of the decision page in words: each role in its own state, names for slugs, digits that show a crossing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from governance.admin.approvals.rules import rule_rows
from governance.admin.approvals.thresholds import flop
from governance.domain.prose import within
from governance.models import ApprovalDecision
from governance.policy.decisions.decision import Decision, Outcome
from governance.policy.decisions.fired import FiredRule
from governance.selectors.approvals.rule_lines import RuleLine, rule_lines


def line(sentence: str, **values: Any) -> RuleLine:
    return RuleLine("Title", "VR-2", "vendor", "", "", sentence, values, (), (), "review", "A person looks", "")


def test_each_role_of_a_rule_has_its_own_state() -> None:
    fired = FiredRule.from_json(
        {
            "rule_id": "CT-3.board", "parent": "CT-3", "bundle": "compute-thresholds", "title": "The board decides",
            "effect": "require", "code": None, "clause": None, "legal_source": None, "message": "It decides.",
            "values": {}, "indeterminate": False, "leaves": [],
        }
    )  # fmt: skip

    def of(name: str, quorum: int, state: str, yes: int) -> Any:
        said = [ApprovalDecision(verdict="approve") for _ in range(yes)]
        return SimpleNamespace(
            role=SimpleNamespace(name=name, slug=name), quorum=quorum, state=state, order=1, rule_ids=["CT-3.board"],
            decisions=SimpleNamespace(all=lambda: said),
        )  # fmt: skip

    decision = Decision(
        outcome=Outcome.REVIEW, fired=(fired,), requirements=(), flags=(), warnings=(), obligations=(),
        evidence_missing=(), exceptions_applied=(), indeterminate=(), permitted_by=(), sample=None, policy_digest="",
    )  # fmt: skip
    stages = [of("Executive", 2, "open", 0), of("Legal", 1, "approved", 1), of("Safety board", 3, "open", 2)]
    (row,) = rule_lines(decision, stages)
    assert [(role.name, role.mark, role.state) for role in row.roles] == [
        ("Executive, 2", "wait", "0 of 2"), ("Legal", "ok", "Approved"), ("Safety board, 3", "wait", "2 of 3"),
    ]  # fmt: skip


def test_a_provider_is_called_by_its_name() -> None:
    told = line("coreweave would carry 46 % of the year's spend", **{"place.provider": "coreweave"})
    (row,) = rule_rows([told], providers={"coreweave": "CoreWeave"}, limits=())
    assert row.sentence.startswith("CoreWeave would carry")


def test_a_rule_beside_a_line_keeps_the_digit_that_tells_them_apart() -> None:
    told = line("1e25\N{NO-BREAK SPACE}FLOP at p90", **{"lineage.flop_cumulative_p90": 1.04e25})
    (near,) = rule_rows([told], providers={}, limits=[1e25])
    (far,) = rule_rows([told], providers={}, limits=[1e27])
    assert near.sentence.startswith("1.04e25")
    assert far.sentence.startswith("1e25")


@pytest.mark.parametrize(
    ("value", "limits", "expected"),
    [
        (1.04e25, [1e25], "1.04e25"), (9.96e24, [1e25], "9.96e24"), (1e25, [1e25], "1e25"),
        (8.13e24, [1e25], "8.1e24"), (1.04e25, [], "1e25"), (1.002e25, [1e25], "1e25"),
    ],
)  # fmt: skip
def test_two_digits_and_three_beside_a_line(value: float, limits: list[float], expected: str) -> None:
    assert flop(value, limits) == expected


@pytest.mark.parametrize(
    ("name", "expected"), [("AI governance", "AI governance"), ("Team lead", "team lead"), ("Legal", "legal")]
)
def test_a_role_within_a_sentence(name: str, expected: str) -> None:
    assert within(name) == expected
