"""What policy would answer, in words: who decides by name and when, or which rule stands against it and how far."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from governance.display import numbers, reader, why
from governance.display.lists import joined
from governance.display.plots import Limit
from governance.display.why import Because
from governance.domain.approvals.routing import StagePlan
from governance.domain.money.money import to_units
from governance.domain.prose import capital, within
from governance.policy.decisions.decision import Outcome
from governance.policy.decisions.wording import role_in_words
from governance.selectors.approvals.due import working_time
from governance.selectors.people import people
from governance.selectors.requests import reasons, similar
from governance.selectors.requests.advice.advice import NOTHING, Advised
from governance.selectors.requests.judgement import Assessed

NAMES_SHOWN_MAX = 3
REASONS_SHOWN_MAX = 5
FAR_FACTOR = 2.5


@dataclass(frozen=True, slots=True)
class Decider:
    """One stage: which role, which people, until when."""

    lead: str
    names: str
    due: str


@dataclass(slots=True)
class Verdict:
    """The note at the top of the preview."""

    tone: str
    title: str
    deciders: list[Decider] = field(default_factory=list)
    because: list[Because] = field(default_factory=list)
    more_reasons: int = 0
    advice: Advised = NOTHING
    evidence: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    accept_first: bool = False
    counted: similar.Listed = field(default=similar.Listed((), 0))


def verdict(assessed: Assessed, *, now: datetime, counted: similar.Listed, advice: Advised) -> Verdict:
    """The answer of `assess` as a note. One query, for the names.

    Args:
        advice: what to request instead.
        counted: the requests that count together with it, as the reader may see them.
    """
    roles = people.role_labels()
    match assessed.outcome:
        case Outcome.ALLOW:
            found = _allowed(assessed)
        case Outcome.DENY:
            found = _denied(assessed)
        case _:
            found = _review(assessed, roles, now=now)
    found.advice = advice
    found.evidence = sorted({each.kind for each in assessed.decision.evidence_missing})
    found.remarks += [notice.message for notice in (*assessed.decision.flags, *assessed.decision.warnings)]
    found.counted = counted
    _add_shortfall(found, assessed)
    return found


def _allowed(assessed: Assessed) -> Verdict:
    found = Verdict("ok", "Approved automatically")
    found.because = why.approved(assessed.decision)
    sample = assessed.decision.sample
    if sample is not None and sample.ratio > 0:
        found.remarks.append(
            f"{numbers.percent(sample.ratio)} of such requests are selected for a spot check afterwards; "
            "the grant is not affected."
        )
    return found


def _denied(assessed: Assessed) -> Verdict:
    found = Verdict("deny", "Denied")
    _tell(found, why.denied(assessed.decision, assessed.facts.gaps))
    found.accept_first = reasons.lacks_acceptance(assessed.decision)
    return found


def _review(assessed: Assessed, roles: dict[str, str], *, now: datetime) -> Verdict:
    if assessed.unfillable is not None:
        found = Verdict("deny", "Review: nobody can decide it")
        found.remarks.append(capital(assessed.unfillable.message.replace("`", "")) + ".")
    else:
        seats = sum(stage.quorum for stage in assessed.stages)
        found = Verdict("review", f"Review: {_people(seats)}")
        found.deciders = _deciders(assessed.stages, roles, now=now)
    if assessed.exposure_micro is None:
        found.title = f"{found.title}; no price"
    reasons_told = why.reviewed(
        assessed.decision,
        assessed.facts.gaps,
        held_back=assessed.held_back,
        is_priced=assessed.exposure_micro is not None,
    )
    _tell(found, reasons_told)
    return found


def _tell(found: Verdict, told: list[Because]) -> None:
    found.because = told[:REASONS_SHOWN_MAX]
    found.more_reasons = max(0, len(told) - REASONS_SHOWN_MAX)


def _deciders(stages: list[StagePlan], roles: dict[str, str], *, now: datetime) -> list[Decider]:
    names = people.names_of(person for stage in stages for person in stage.eligible)
    first = min((stage.order for stage in stages), default=0)
    found = []
    at_work = working_time() if stages else None
    for stage in sorted(stages, key=lambda each: (each.order, each.role)):
        role = roles.get(stage.role) or capital(role_in_words(stage.role))
        lead = role if stage.quorum == 1 else f"{role}, {stage.quorum} of {len(stage.eligible)}"
        if stage.fallback_from:
            lead += f" (instead of {within(roles.get(stage.fallback_from) or role_in_words(stage.fallback_from))})"
        if at_work is not None and stage.order == first:
            due = f"due {reader.moment(at_work.due_at(now, stage.due_working_days))}"
        else:
            due = f"{numbers.counted(stage.due_working_days, 'working day')} after that"
        people_named = sorted(names[pk] for pk in stage.eligible if pk in names)
        found.append(Decider(lead, joined(people_named, "or", at_most=NAMES_SHOWN_MAX), due))
    return found


def _add_shortfall(found: Verdict, assessed: Assessed) -> None:
    """A request that does not fit a budget is refused at submission, whatever the rules say."""
    short = [level for level in assessed.levels if level.after_micro < 0]
    for level in short:
        found.remarks.append(
            f"{level.name} has {numbers.money(to_units(level.before_micro))}{numbers.NBSP}USD left: "
            f"{numbers.money(to_units(-level.after_micro))}{numbers.NBSP}USD too little. "
            "Ask for less, or for a transfer."
        )
    if short and assessed.outcome is not Outcome.DENY:
        found.tone, found.title = "deny", "It does not fit the budget"


def money_limits(assessed: Assessed) -> list[Limit]:
    """Lines of the rules that looked at the amount, nearest first, at most two."""
    roles = people.role_labels()
    amount = to_units(assessed.exposure_micro) if assessed.exposure_micro is not None else None
    lines: dict[float, str] = {}
    for rule in assessed.decision.fired:
        for leaf in rule.leaves:
            if leaf.limit is None or leaf.unit != "USD" or not set(leaf.facts) & _MONEY_FACTS or leaf.limit <= 0:
                continue
            text = numbers.money(leaf.limit)
            wanted = [need.role for need in assessed.decision.requirements if rule.rule_id in need.rule_ids]
            if leaf.operator in (">", ">=") and leaf.truth and len(wanted) == 1:
                text += f": {within(roles.get(wanted[0]) or role_in_words(wanted[0]))}"
            if len(text) > len(lines.get(leaf.limit, "")):
                lines[leaf.limit] = text
    # A line far above would press the interval against the axis.
    largest = max(amount or 0.0, assessed.estimate.cost_usd.p90 if assessed.estimate.cost_usd else 0.0)
    near = sorted((line for line in lines if line <= FAR_FACTOR * largest), key=lambda line: abs(line - (amount or 0)))
    return [Limit(line, lines[line]) for line in sorted(near[:2])]


_MONEY_FACTS = {"request.exposure_usd", "history.similar_exposure_30d_usd"}


def _people(count: int) -> str:
    words = ("nobody", "one person", "two people", "three people", "four people", "five people", "six people")
    return words[count] if count < len(words) else f"{count} people"
