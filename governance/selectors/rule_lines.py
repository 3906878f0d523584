"""A stored decision as the rows that an approver reads: this ask, the line, what the rule needs, how far that is.

Pure: it reads no rows of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from governance.models import ApprovalStage
from governance.policy.decision import Decision, Requirement
from governance.policy.explain import Leaf
from governance.policy.fired import FiredRule
from governance.policy.wording import NBSP, format_value

# Refusals first, then who is asked, then what is only told. A rule that permits says nothing to an approver.
_ORDER = {"deny": 0, "require": 1, "flag": 2, "warn": 3}
# The furthest from done speaks for a rule with several stages.
_STATE_ORDER = ("rejected", "changes_requested", "open", "waiting", "cancelled", "approved")


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule that fired.

    Args:
        basis: what the comparison reads, such as p90, beside the rule's id.
        this_ask, line: the two sides of the comparison; empty when the rule is none, then `sentence` speaks.
        needs: who has to say yes, and which evidence is missing.
        mark, state: the shape and the word of how far that is.
    """

    title: str
    rule_id: str
    basis: str
    this_ask: str
    line: str
    sentence: str
    needs: str
    mark: str
    state: str
    legal_source: str


def rule_lines(decision: Decision, stages: Sequence[ApprovalStage]) -> list[RuleLine]:
    """Rows for the rules that count.

    Args:
        stages: of the revision, with `role` and `decisions` loaded.
    """
    fired = sorted(
        (rule for rule in decision.fired if rule.effect in _ORDER), key=lambda rule: (_ORDER[rule.effect], rule.rule_id)
    )
    return [_row(rule, decision, stages) for rule in fired]


def line_of(rule: FiredRule) -> Leaf | None:
    """The comparison that stands for the rule: the one upper line that it saw crossed."""
    if rule.indeterminate:
        return None
    crossed = [
        leaf
        for leaf in rule.leaves
        if leaf.truth and leaf.distance is not None and leaf.limit and leaf.operator in (">", ">=")
    ]
    return crossed[-1] if crossed and len({leaf.facts for leaf in crossed}) == 1 else None


def _row(rule: FiredRule, decision: Decision, stages: Sequence[ApprovalStage]) -> RuleLine:
    leaf = line_of(rule)
    mine = [stage for stage in stages if rule.rule_id in stage.rule_ids]
    mark, state = _state(rule, mine)
    return RuleLine(
        title=rule.title,
        rule_id=rule.parent,
        basis=_basis(leaf) if leaf else rule.bundle.replace("-", " "),
        this_ask=_short(leaf.value, leaf.unit) if leaf else "",
        line=_short(leaf.limit, leaf.unit) if leaf else "",
        sentence="" if leaf else rule.message,
        needs=_needs(rule, decision, mine),
        mark=mark,
        state=state,
        legal_source=rule.legal_source or "",
    )


def _short(value: float | None, unit: str) -> str:
    """Large figures in three digits: 2.19 M USD, 500 k USD, 1,150 MWh."""
    if value is None or abs(value) < 1e5 or unit not in ("USD", "kWh", "h", "kg CO2e"):
        return format_value(value, unit)
    if unit == "kWh":
        return f"{value / 1e3:,.0f}{NBSP}MWh"
    scale, suffix = (1e6, "M") if abs(value) >= 1e6 else (1e3, "k")
    return f"{value / scale:,.3g}{NBSP}{suffix}{NBSP}{unit}"


def _basis(leaf: Leaf) -> str:
    fact = leaf.facts[-1] if leaf.facts else ""
    for ending in ("p90", "p50"):
        if f"_{ending}" in fact:
            return ending
    return "exposure" if "exposure" in fact else fact.rpartition(".")[2].replace("_", " ")


def _needs(rule: FiredRule, decision: Decision, stages: Sequence[ApprovalStage]) -> str:
    parts = [f"{stage.role.name} {stage.quorum}" if stage.quorum > 1 else stage.role.name for stage in stages]
    if not parts:
        parts = [_wanted(need) for need in decision.requirements if rule.rule_id in need.rule_ids]
    missing = [each.kind.replace("_", " ") for each in decision.evidence_missing if rule.rule_id in each.rule_ids]
    text = ", ".join(parts)
    if missing:
        text += f"{'; ' if text else ''}missing: {', '.join(missing)}"
    return text


def _wanted(need: Requirement) -> str:
    name = need.role.replace("_", " ").capitalize()
    return f"{name} {need.quorum}" if need.quorum > 1 else name


def _state(rule: FiredRule, stages: Sequence[ApprovalStage]) -> tuple[str, str]:
    if rule.effect == "deny":
        return "deny", "Not allowed"
    if rule.effect in ("flag", "warn"):
        return "flag", "Flagged" if rule.effect == "flag" else "Take note"
    if not stages:
        return "review", "A person looks"
    stage = min(stages, key=lambda each: (_STATE_ORDER.index(each.state), each.order))
    yes = sum(decision.verdict == "approve" for decision in stage.decisions.all())
    match stage.state:
        case "approved":
            return "ok", "Yes"
        case "open":
            return "wait", f"{yes} of {stage.quorum}" if stage.quorum > 1 else f"{stage.role.name}: waiting"
        case "waiting":
            return "draft", f"{stage.role.name}: later"
        case "rejected":
            return "deny", f"{stage.role.name}: no"
        case "changes_requested":
            return "review", f"{stage.role.name}: changes"
        case _:
            return "draft", "Ended"
