"""The nearest request that needs fewer people, or passes at all: every change is judged before it is shown.

What is searched are the few numbers and places that a requester has in hand, each within the bounds in which it still
is a request for this work. Where the rules change their minds is read from the rules; the answer there is foretold from
the facts at both ends, and whatever is offered has been judged as it stands.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from governance.domain.money.money import to_units
from governance.domain.requests.parse import RequestContent
from governance.domain.states.money import HoldState
from governance.domain.states.requests import State
from governance.models import BudgetHold, ProvisioningRequest
from governance.policy.bundle.effects import Outcome
from governance.policy.decisions.decision import decide
from governance.policy.decisions.limits_of import limits_of
from governance.policy.errors import FactError
from governance.policy.facts.facts import FactType
from governance.policy.facts.facts_schema import FACTS_BY_NAME, ValidFacts
from governance.selectors.people import people
from governance.selectors.requests import assessments
from governance.selectors.requests.advice import nearest_words as words
from governance.selectors.requests.advice.levers import (
    Step,
    evidence_steps,
    is_still_the_work,
    moved_to,
    place_steps,
    scales,
)
from governance.selectors.requests.judgement import Assessed
from governance.selectors.requests.situations import REFUSED, Situation, rank_of

TOGETHER_MAX = 4
"""Fields that are changed together."""
PLACES_JUDGED_MAX = 8
PLACES_TOGETHER_MAX = 2
TRIED_MAX = 3
OPEN_STATES = frozenset({State.DENIED.value, State.IN_REVIEW.value, State.CHANGES_REQUESTED.value})
"""In these a request can be changed and submitted again."""

Goal = Callable[[int], bool]
Choice = Mapping[str, int | Step]
"""What is changed: a value for each scale by name, or a step."""


@dataclass(frozen=True, slots=True)
class Nearer:
    """One changed request, judged as it stands.

    Args:
        deciders: roles that would decide it; empty when nobody has to.
        dropped: roles that decide the request as it is, and would not decide this one.
    """

    content: RequestContent
    assessed: Assessed
    changes: tuple[words.Change, ...]
    deciders: tuple[str, ...]
    dropped: tuple[str, ...]
    title: str
    text: str

    @property
    def outcome(self) -> Outcome:
        return self.assessed.outcome

    def to_json(self) -> dict[str, Any]:
        exposure = self.assessed.exposure_micro
        return {
            "outcome": self.outcome.value,
            "changes": [change.to_json() for change in self.changes],
            "content": {change.field: words.plain(change.after) for change in self.changes},
            "assessed_usd": None if exposure is None else to_units(exposure),
            "deciders": list(self.deciders),
            "no_longer": list(self.dropped),
            "sentence": f"{self.title} {self.text}",
        }


@dataclass(frozen=True, slots=True)
class Advice:
    """What to request instead: the nearest that needs fewer people, and the nearest that needs none, if it is another.

    Args:
        why_none: where nothing helps, what stands against it and who can do something; else empty.
    """

    offers: tuple[Nearer, ...] = ()
    why_none: str = ""
    is_refused: bool = field(default=False)

    @property
    def first(self) -> Nearer | None:
        return self.offers[0] if self.offers else None

    @property
    def is_empty(self) -> bool:
        return not self.offers and not self.why_none

    def to_json(self) -> dict[str, Any]:
        """The nearest request, the nearest that nobody has to decide, and why there is none."""
        automatic = next((offer for offer in self.offers if offer.outcome is Outcome.ALLOW), None)
        return {
            "nearest": self.first.to_json() if self.first else None,
            "nearest_automatic": automatic.to_json() if automatic else None,
            "nearest_why_none": self.why_none,
        }


NOTHING = Advice()


def assessed_now(
    request: ProvisioningRequest,
    content: Mapping[str, Any],
    *,
    now: datetime,
    own_hold_micro: int | None = None,
    read: assessments.Read = assessments.NOTHING_READ,
) -> Situation:
    """What a stored request would be judged by if it were submitted now.

    Args:
        content: its current revision. A start that has passed is moved to today.
        own_hold_micro: what it holds already; None has it read.
        read: what the caller has read at this instant already.

    Raises:
        GovernanceError: it names what is gone, or nothing could be judged.
    """
    if own_hold_micro is None:
        held = BudgetHold.objects.filter(provisioning_request=request, state=HoldState.OPEN).first()
        own_hold_micro = held.amount_micro if held else 0
    assessed = assessments.assess(
        moved_to(RequestContent.parse(content), now.date()),
        requester=request.requester,
        now=now,
        request_id=request.pk,
        beneficiary_id=request.beneficiary_id,
        own_hold_micro=own_hold_micro,
        read=read,
    )
    return Situation(assessed, beneficiary_id=request.beneficiary_id)


def search(situation: Situation, *, before: RequestContent | None = None) -> Advice:
    """The nearest requests to the one of a situation, each verified with the people who would decide it.

    Args:
        before: the request as it was written, if it had to be moved to be judged at all.
    """
    before = before or situation.content
    rank = rank_of(situation.assessed)
    is_refused = rank >= REFUSED
    if rank == 0:
        # Only the dates have passed, or the rules were loosened: as it stands it would be allowed.
        return Advice((_nearer(situation, situation.assessed, before),))
    found = _Search(situation)
    offers: list[Nearer] = []
    for goal in (lambda each: each < rank, lambda each: each == 0):
        if offers and offers[-1].outcome is Outcome.ALLOW:
            break
        content = found.nearest(goal)
        judged = situation.judge_for_real(content) if content is not None else None
        if judged is not None and goal(rank_of(judged)):
            offers.append(_nearer(situation, judged, before))
    if offers:
        return Advice(tuple(offers), is_refused=is_refused)
    return Advice((), words.why_none(situation.assessed, found.least()), is_refused)


def _nearer(situation: Situation, judged: Assessed, before: RequestContent) -> Nearer:
    labels = people.role_labels()
    now_deciding = {stage.role for stage in situation.assessed.stages}
    deciders = tuple(dict.fromkeys(stage.role for stage in judged.stages))
    dropped = tuple(sorted(now_deciding - set(deciders), key=lambda role: words.role_name(role, labels)))
    changes = tuple(words.changes(before, judged.content, situation))
    return Nearer(
        content=judged.content,
        assessed=judged,
        changes=changes,
        deciders=deciders,
        dropped=dropped,
        title=words.title(changes),
        text=words.promise(judged, deciders, dropped, labels, situation.assessed),
    )


class _Search:
    """Looks for changes of one request, the fewest fields first."""

    def __init__(self, situation: Situation) -> None:
        self.situation = situation
        self.base = situation.assessed
        self.scales = {scale.name: scale for scale in scales(situation)}
        self.evidence = list(evidence_steps(situation))
        self.places = place_steps(situation)
        self._limits = limits_of(situation.policy, self.base.context.now.date())

    # -- judging

    def ask_of(self, choice: Choice) -> RequestContent:
        """The request with some changes; numbers in the order in which they depend on each other."""
        content = self.base.content
        for value in choice.values():
            if isinstance(value, Step):
                content = value.apply(content)
        for name, scale in self.scales.items():
            smaller = choice.get(name)
            if isinstance(smaller, int) and smaller < scale.high:
                content = scale.apply(content, smaller)
        return content

    def judged(self, choice: Choice) -> Assessed | None:
        """The answer, if the change still is a request for this work."""
        found = self.situation.judge(self.ask_of(choice))
        return found if found is not None and is_still_the_work(found, self.base) else None

    def rank(self, choice: Choice) -> int:
        return rank_of(self.judged(choice))

    def least(self) -> Assessed:
        """Everything at its least together; the request as it is where that is no request."""
        lowest: dict[str, int | Step] = {}
        for name in self.scales:
            low = self.scales[name].low(self.ask_of(lowest))
            if low < self.scales[name].high:
                lowest[name] = low
        return self.judged(lowest) or self.base

    # -- searching

    def nearest(self, goal: Goal) -> RequestContent | None:
        """The change of the fewest fields that reaches the goal; of several the smallest."""
        steps: dict[str, list[Step]] = {}
        if self.evidence:
            steps["evidence"] = self.evidence
        places = self._places()
        if places:
            steps["provider"] = places
        names = [*self.scales, *steps]
        if not names:
            return None
        for size in range(1, min(TOGETHER_MAX, len(names)) + 1):
            found: list[tuple[float, Choice]] = []
            for combination in itertools.combinations(names, size):
                for choice in self._corners(combination, steps):
                    if goal(self.rank(choice)):
                        relaxed = self._relaxed(choice, goal)
                        found.append((self._distance(relaxed), relaxed))
                if size == 1 and combination[0] in self.scales:
                    found += self._inside(combination[0], goal)
            if found:
                return self.ask_of(min(found, key=lambda each: each[0])[1])
            if size == 1 and not self._may_help(steps, goal):
                return None
        return None

    def _corners(self, names: Sequence[str], steps: Mapping[str, Sequence[Step]]) -> Iterable[Choice]:
        """Every scale at its least, with each of the steps."""
        options = [
            (steps[name] if len(names) == 1 else steps[name][:PLACES_TOGETHER_MAX]) for name in names if name in steps
        ]
        for chosen in itertools.product(*options):
            choice: dict[str, int | Step] = {f"step {index}": step for index, step in enumerate(chosen)}
            for name in self.scales:
                if name in names:
                    choice[name] = self._low(name, choice)
            if all(not isinstance(value, int) or value < self.scales[name].high for name, value in choice.items()):
                yield choice

    def _low(self, name: str, choice: Choice) -> int:
        return self.scales[name].low(self.ask_of(choice))

    def _may_help(self, steps: Mapping[str, Sequence[Step]], goal: Goal) -> bool:
        """Whether everything at its least would reach the goal: if not, no change of several fields does."""
        least: dict[str, int | Step] = {}
        for name in self.scales:
            low = self._low(name, least)
            if low < self.scales[name].high:
                least[name] = low
        options = [steps[name][:PLACES_TOGETHER_MAX] for name in steps]
        every = [*itertools.product(*options)] if options else []
        choices: list[Choice] = [least] if least else []
        choices += [{f"step {at}": step for at, step in enumerate(chosen)} | least for chosen in every]
        return any(goal(self.rank(choice)) for choice in choices)

    def _relaxed(self, choice: Choice, goal: Goal) -> Choice:
        """The same fields, each as little changed as the goal allows, one after the other."""
        found = dict(choice)
        # Dates and devices first: how many hours there is room for follows from them.
        for name in reversed([name for name, value in choice.items() if isinstance(value, int)]):
            if len(found) > 1:
                others = {other: value for other, value in found.items() if other != name}
                if goal(self.rank(others)):
                    found = others
                    continue
            found[name] = self._edge(name, found, goal)
        return found

    def _edge(self, name: str, choice: Mapping[str, int | Step], goal: Goal) -> int:
        """The largest value of one scale at which the goal is still reached, the other changes as they are."""
        scale = self.scales[name]
        good, bad = _number(choice[name]), scale.high

        def reaches(value: int) -> bool:
            return goal(self.rank({**choice, name: value}))

        for guess in self._foretold(name, {**choice, name: good}, good, bad, goal)[:TRIED_MAX]:
            if not good < guess < bad:
                continue
            if not reaches(guess):
                bad = guess
                continue
            good = guess
            if guess + 1 < bad:
                if reaches(guess + 1):
                    good = guess + 1
                else:
                    bad = guess + 1
            break
        while bad - good > 1 and not self.situation.is_exhausted:
            middle = (good + bad) // 2
            if reaches(middle):
                good = middle
            else:
                bad = middle
        return good

    def _inside(self, name: str, goal: Goal) -> list[tuple[float, Choice]]:
        """Values of one scale between its ends where the goal is foretold, though its least does not reach it."""
        low, high = self._low(name, {}), self.scales[name].high
        if low >= high or goal(self.rank({name: low})):
            return []
        for value in self._foretold(name, {name: low}, low, high, goal)[:TRIED_MAX]:
            if goal(self.rank({name: value})):
                choice = {name: self._edge(name, {name: value}, goal)}
                return [(self._distance(choice), choice)]
        return []

    def _distance(self, choice: Choice) -> float:
        return sum(
            value.distance if isinstance(value, Step) else self.scales[name].distance(value)
            for name, value in choice.items()
        )

    # -- foretelling

    def _foretold(self, name: str, choice: Choice, low: int, high: int, goal: Goal) -> list[int]:
        """Values between two ends, the largest first, for which the rules would reach the goal on foretold facts.

        Facts move evenly between the ends, near enough: a value stands just below each place where one of them passes a
        number that some rule compares it with.
        """
        first = self.judged(choice)
        last = self.situation.judge(self.ask_of({other: value for other, value in choice.items() if other != name}))
        if first is None or last is None:
            return []
        moving = {
            fact: (float(first.facts[fact]), float(value))
            for fact, value in last.facts.items()
            if _is_number(value) and _is_number(first.facts.get(fact)) and first.facts[fact] != value
        }
        values: set[int] = set()
        for fact, (at_low, at_high) in moving.items():
            for limit in self._limits.get(fact, ()):
                share = (limit - at_low) / (at_high - at_low)
                if 0.0 <= share <= 1.0:
                    value = low + share * (high - low)
                    values.update((int(value), int(value) - 1))
        found = []
        for value in sorted((value for value in values if low < value < high), reverse=True):
            share = (value - low) / (high - low)
            facts: dict[str, Any] = {}
            for fact, (at_low, at_high) in moving.items():
                moved = at_low + share * (at_high - at_low)
                facts[fact] = round(moved) if FACTS_BY_NAME[fact].type is FactType.INT else moved
            try:
                between = first.facts.changed(facts)
            except FactError:
                # No request has such facts, so nobody can make it.
                continue
            if goal(self._rank_of_facts(between)):
                found.append(value)
        return found

    def _rank_of_facts(self, facts: ValidFacts) -> int:
        decision = decide(
            self.situation.policy, facts, on=self.base.context.now.date(), exceptions=self.base.exceptions
        )
        if decision.outcome is Outcome.DENY or facts.get("budget.headroom_after_usd", 0.0) < 0:
            return REFUSED
        if decision.outcome is Outcome.ALLOW:
            return 1 if self.base.held_back else 0
        return max(1, sum(need.quorum for need in decision.requirements))

    def _places(self) -> list[Step]:
        """The places that bring the request furthest, judged as it stands there; of equal ones the cheapest first."""
        ranked: list[tuple[int, int, int, Step]] = []
        foretold = sorted(self.places, key=lambda step: self._rank_of_facts(self._facts_at(step)))
        for index, step in enumerate(foretold[:PLACES_JUDGED_MAX]):
            found = self.judged({"step": step})
            if found is not None:
                ranked.append((rank_of(found), found.exposure_micro or 0, index, step))
        return [step for *_, step in sorted(ranked, key=lambda each: each[:3])]

    def _facts_at(self, step: Step) -> ValidFacts:
        """What the rules would see of the same request in another place, its price aside."""
        place, now = step.place, self.base.context.now
        if place is None:
            return self.base.facts
        reviewed = place.provider.terms_reviewed_on
        moved = {
            "place.provider": place.provider.slug,
            "place.provider_type": place.provider.provider_type,
            "place.price_term": place.price_term,
            "place.region": place.region,
            "place.country": place.country,
            "vendor.provider_approved": place.provider.is_approved,
            "vendor.provider_dpa": place.provider.has_data_processing_agreement,
            "vendor.provider_terms_age_days": None if reviewed is None else max(0, (now.date() - reviewed).days),
            "vendor.provider_certifications": list(place.provider.certifications),
        }
        kept = {name: value for name, value in self.base.facts.items() if name not in moved}
        facts = kept | {name: value for name, value in moved.items() if value is not None}
        return ValidFacts.with_gaps(facts, self.base.facts.schema)


def _number(value: int | Step) -> int:
    assert isinstance(value, int)
    return value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
