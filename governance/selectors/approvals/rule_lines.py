"""A stored decision as the rows that an approver reads: this request, the line, what the rule needs, how far that is.

Pure: it reads no rows of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from governance.display import numbers
from governance.domain.prose import capital, decapital
from governance.domain.states.approvals import StageState
from governance.models import ApprovalStage
from governance.policy.decisions.decision import Decision
from governance.policy.decisions.explain import Leaf
from governance.policy.decisions.fired import FiredRule
from governance.policy.decisions.wording import role_in_words

# Refusals first, then who is asked, then what is only told. A rule that permits says nothing to an approver.
_ORDER = {"deny": 0, "require": 1, "flag": 2, "warn": 3}
_STATES = {"deny": ("deny", "Denied"), "flag": ("flag", "Flagged"), "warn": ("flag", "Warning")}
# Ratios that people read as a percentage; a share of the base model's compute is one that they do not.
_PERCENT = {
    "budget.used_ratio", "budget.forecast_ratio", "history.grant_increase_ratio", "history.grant_used_ratio",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class RoleLine:
    """One role that a rule asks, and the shape and the word of how far it is."""

    name: str
    mark: str
    state: str


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule that fired.

    Args:
        basis: what the comparison reads, such as p90, beside the rule's id.
        this_request, line: the two sides of the comparison; empty when the rule is none, then `sentence` speaks.
        values: every fact that the rule saw, by its name.
        roles: who has to approve, or whom it is flagged for, each with a state; empty when it only says something.
        missing: kinds of evidence that the rule waits for.
        mark, state: the shape and the word of the rule itself where it asks nobody.
    """

    title: str
    rule_id: str
    basis: str
    this_request: str
    line: str
    sentence: str
    values: Mapping[str, Any]
    roles: tuple[RoleLine, ...]
    missing: tuple[str, ...]
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


def unit_of(leaf: Leaf) -> str:
    """The unit in which people read the comparison."""
    return "share" if leaf.unit == "ratio" and _PERCENT.intersection(leaf.facts) else leaf.unit


def _row(rule: FiredRule, decision: Decision, stages: Sequence[ApprovalStage]) -> RuleLine:
    leaf = line_of(rule)
    mine = [stage for stage in stages if rule.rule_id in stage.rule_ids]
    mark, state = _STATES.get(rule.effect, ("review", "Needs review"))
    return RuleLine(
        title=rule.title,
        rule_id=rule.parent,
        basis=_basis(leaf) if leaf else rule.bundle.replace("-", " "),
        this_request=numbers.rounded_quantity(leaf.value, unit_of(leaf)) if leaf else "",
        line=numbers.rounded_quantity(leaf.limit, unit_of(leaf)) if leaf else "",
        sentence="" if leaf else rule.message,
        values=rule.values,
        roles=tuple(_roles(rule, decision, mine, {stage.role.slug: stage.role.name for stage in stages})),
        missing=tuple(each.kind for each in decision.evidence_missing if rule.rule_id in each.rule_ids),
        mark=mark,
        state=state,
        legal_source=rule.legal_source or "",
    )


def _basis(leaf: Leaf) -> str:
    fact = leaf.facts[-1] if leaf.facts else ""
    for ending in ("p90", "p50"):
        if f"_{ending}" in fact:
            return ending
    return "exposure" if "exposure" in fact else fact.rpartition(".")[2].replace("_", " ")


def _roles(
    rule: FiredRule, decision: Decision, stages: Sequence[ApprovalStage], names: Mapping[str, str]
) -> list[RoleLine]:
    """Each role that the rule asks in its own state; without stages, what the decision wants or whom it tells."""
    if stages:
        return [_role(stage) for stage in stages]
    wanted = [
        RoleLine(_counted(_name(need.role, names), need.quorum), "draft", "not requested yet")
        for need in decision.requirements
        if rule.rule_id in need.rule_ids
    ]
    told = [
        RoleLine(f"Flagged for {decapital(_name(role, names))}", "flag", "no decision needed")
        for notice in (*decision.flags, *decision.warnings)
        if notice.rule_id == rule.rule_id
        for role in notice.notify
    ]
    return wanted + told


def _role(stage: ApprovalStage) -> RoleLine:
    yes = sum(decision.approves and decision.counts for decision in stage.decisions.all())
    return RoleLine(_counted(stage.role.name, stage.quorum), *stage_mark(stage, yes))


def stage_mark(stage: ApprovalStage, approval_count: int) -> tuple[str, str]:
    """The shape and the words that say where a stage stands."""
    match state := StageState(stage.state):
        case StageState.WAITING:
            return "draft", "Later"
        case StageState.OPEN:
            return "wait", f"{approval_count} of {stage.quorum}" if stage.quorum > 1 else "Waiting"
        case StageState.APPROVED:
            return "ok", state.label
        case StageState.REJECTED:
            return "deny", state.label
        case StageState.CHANGES_REQUESTED:
            return "review", state.label
        case StageState.CANCELLED:
            return "draft", "Ended"


def _counted(name: str, quorum: int) -> str:
    return f"{name}, {quorum}" if quorum > 1 else name


def _name(role: str, names: Mapping[str, str]) -> str:
    return names.get(role) or capital(role_in_words(role))
