"""Why a request needs people, or is refused: a stored decision as rows for people. Pure: it reads no rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from governance.display.lists import joined
from governance.domain.prose import within
from governance.domain.requests.registers import gaps_in_words, register_of
from governance.domain.states.approvals import StageState
from governance.models import ApprovalStage
from governance.policy.decisions.decision import Decision
from governance.policy.decisions.explain import Leaf
from governance.policy.decisions.fired import FiredRule
from governance.policy.decisions.wording import format_value, role_in_words
from governance.selectors.approvals.rule_lines import unit_of

# Above the limit the rule fires, so staying at or below it keeps it silent.
_UPWARD = (">", ">=")
_OWN_FACT, _SUM_FACT = "request.exposure_usd", "history.similar_exposure_30d_usd"
ACCEPTANCE_FACT = "people.aup_current"


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule that fired, as a row: what it is about, where the request lies, what it brings.

    Args:
        yours: the request's value against the line, or the rule's own sentence.
        change: what would silence the rule, where that is one number.
        shape: ok, review, deny, wait, draft or flag.
        effect: short words beside the shape.
    """

    title: str
    rule_id: str
    bundle: str
    yours: str
    change: str
    shape: str
    effect: str
    clause: str = ""
    legal_source: str = ""


def lacks_acceptance(decision: Decision) -> bool:
    """Whether a refusal looks at the acceptance of acceptable use: accepting it may be all that is missing."""
    return any(ACCEPTANCE_FACT in rule.values for rule in decision.denials)


def reasons(decision: Decision, stages: Sequence[ApprovalStage], roles: Mapping[str, str]) -> list[Reason]:
    """Rows for every rule that fired, refusals first, then those that ask for people.

    Args:
        stages: of the revision that was judged, with `role`; they tell how far each rule's people are.
        roles: role names by slug.
    """
    order = {"deny": 0, "require": 1, "flag": 2, "warn": 3, "allow": 4}
    fired = sorted(decision.fired, key=lambda rule: (order.get(rule.effect, 9), rule.rule_id))
    return [_reason(rule, decision, stages, roles) for rule in fired]


def unread(gaps: Mapping[str, str]) -> list[Reason]:
    """Rows for what could not be read: the first reason why a person looks."""
    return [
        Reason(
            title="A record could not be read",
            rule_id=register_of(fact).words,
            bundle="registers",
            yours=gaps_in_words({fact: problem})[0],
            change="it is corrected",
            shape="review",
            effect="Needs review",
        )
        for fact, problem in sorted(gaps.items())
    ]


def crossing_lines(decision: Decision, fact: str) -> list[float]:
    """Limits on one fact in rules that ask for people, ascending: the bands between which the request lies."""
    lines = {
        float(leaf.limit)
        for rule in decision.fired
        if rule.effect in ("require", "allow", "deny")
        for leaf in rule.leaves
        if leaf.limit is not None and fact in leaf.facts and leaf.operator in ("<", "<=", ">", ">=")
    }
    return sorted(line for line in lines if line > 0)


def _reason(rule: FiredRule, decision: Decision, stages: Sequence[ApprovalStage], roles: Mapping[str, str]) -> Reason:
    leaf = _crossing(rule)
    shape, effect = _effect(rule, decision, stages, roles)
    if leaf is not None and leaf.value is not None:
        own = rule.values.get(_OWN_FACT)
        with_others = (
            " including related requests of the last 30 days" if _SUM_FACT in leaf.facts and leaf.value != own else ""
        )
        yours = f"{format_value(leaf.value, unit_of(leaf))}{with_others}; {_distance(leaf)}"
        change = f"{'at most' if leaf.operator == '>' else 'below'} {format_value(leaf.limit, unit_of(leaf))}"
    else:
        yours, change = rule.message[:1].upper() + rule.message[1:], ""
    return Reason(
        title=rule.title,
        rule_id=rule.parent,
        bundle=rule.bundle.replace("-", " "),
        yours=yours,
        change=change,
        shape=shape,
        effect=effect,
        clause=rule.clause or "",
        legal_source=rule.legal_source or "",
    )


def _effect(
    rule: FiredRule, decision: Decision, stages: Sequence[ApprovalStage], roles: Mapping[str, str]
) -> tuple[str, str]:
    match rule.effect:
        case "deny":
            return "deny", "Denied"
        case "flag":
            return "flag", "Flagged"
        case "warn":
            return "flag", "Warning"
        case "allow":
            return ("ok", "Approves it") if not rule.indeterminate else ("review", "Could not be evaluated")
    mine = [stage for stage in stages if rule.rule_id in stage.rule_ids]
    if not mine:
        wanted = [_role(need.role, roles) for need in decision.requirements if rule.rule_id in need.rule_ids]
        return "review", f"Needs {joined(dict.fromkeys(wanted))}" if wanted else "Needs review"
    return _stage_words(mine)


def _role(slug: str, names: Mapping[str, str]) -> str:
    """A role within a sentence, as the organisation calls it."""
    return within(names[slug]) if slug in names else role_in_words(slug)


def _stage_words(stages: Sequence[ApprovalStage]) -> tuple[str, str]:
    """The furthest from done speaks for the rule."""
    words = {
        StageState.REJECTED: ("deny", "rejected"),
        StageState.CHANGES_REQUESTED: ("review", "changes requested"),
        StageState.OPEN: ("wait", "waiting"),
        StageState.WAITING: ("draft", "later"),
        StageState.CANCELLED: ("draft", "no longer needed"),
        StageState.APPROVED: ("ok", "approved"),
    }
    order = list(words)
    stage = min(stages, key=lambda each: order.index(StageState(each.state)))
    shape, word = words[StageState(stage.state)]
    names = joined(dict.fromkeys(each.role.name for each in stages if each.state == stage.state))
    return shape, f"{names}: {word}"


def _crossing(rule: FiredRule) -> Leaf | None:
    """The one upper line that this rule saw crossed, if it is one."""
    if rule.indeterminate:
        return None
    upper = [leaf for leaf in rule.leaves if leaf.operator in _UPWARD and leaf.distance is not None and leaf.limit]
    crossed = [leaf for leaf in upper if leaf.truth]
    return crossed[0] if len(crossed) == 1 else None


def _distance(leaf: Leaf) -> str:
    """How far the request lies from the line, in the unit in which people read it."""
    if unit_of(leaf) != "share" or not leaf.distance:
        return leaf.sentence
    return f"{_size(leaf)} {'above' if leaf.distance > 0 else 'below'} {format_value(leaf.limit, 'share')}"


def _size(leaf: Leaf) -> str:
    """The distance without its direction; between two percentages it is told in points."""
    size = abs(leaf.distance or 0)
    if unit_of(leaf) == "share":
        return format_value(size, "share").removesuffix("%") + "points"
    return format_value(size, leaf.unit)
