"""From what a decision requires to the stages that people fill, checked for people before anyone is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from governance.domain.errors import UnfillableStage
from governance.domain.limits import FALLBACK_DEPTH_MAX, STAGE_COUNT_MAX
from governance.policy.decisions.wording import role_in_words


@dataclass(frozen=True, slots=True)
class Need:
    """One requirement of the decision: `quorum` different people of `role`, in order `stage`."""

    role: str
    quorum: int
    stage: int
    due_working_days: int
    rule_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StagePlan:
    """One stage to open. `fallback_from` names the role that too few people could fill."""

    order: int
    role: str
    quorum: int
    due_working_days: int
    eligible: frozenset[int]
    rule_ids: tuple[str, ...]
    fallback_from: str | None = None


@dataclass(slots=True)
class Directory:
    """Who could act: role -> person ids, and role -> the role that stands in for it."""

    people_by_role: Mapping[str, frozenset[int]]
    fallback_by_role: Mapping[str, str | None]
    excluded: frozenset[int] = field(default_factory=frozenset)

    def eligible(self, role: str) -> frozenset[int]:
        return self.people_by_role.get(role, frozenset()) - self.excluded


def plan_stages(needs: Iterable[Need], directory: Directory) -> list[StagePlan]:
    """Ordered stages, each of which enough different people can fill.

    A role with too few eligible people goes to its fallback. One person fills one role per request, so the stages are
    also checked together: a single person holding three roles cannot fill three stages. A fallback that has a stage of
    its own takes the other's seats into it: as many different people as both ask for.

    Raises:
        UnfillableStage: no fallback helps, or there are more stages than a request may have.
    """
    return _one_per_role(_seated(needs, directory))


def _seated(needs: Iterable[Need], directory: Directory) -> list[StagePlan]:
    """A stage for each need, so that different people can sit on all of them."""
    ordered = sorted(needs, key=lambda need: (need.stage, need.role))
    if len(ordered) > STAGE_COUNT_MAX:
        raise UnfillableStage(
            f"the rules ask for {len(ordered)} stages and a request may have {STAGE_COUNT_MAX}: "
            "a policy officer has to ask for fewer roles",
            stages=len(ordered),
        )
    plans = [_with_fallback(need, directory, lambda role: directory.eligible(role)) for need in ordered]
    short = _first_short_stage(plans)
    if short is None:
        return plans
    # Together they compete for the same people: send the stage that came up short to its fallback, at most once each.
    for _ in range(len(plans)):
        plan = plans[short]
        taken = frozenset().union(*(p.eligible for i, p in enumerate(plans) if i != short))
        need = Need(plan.role, plan.quorum, plan.order, plan.due_working_days, plan.rule_ids)
        fallback = directory.fallback_by_role.get(plan.role)
        if fallback is None or plan.fallback_from is not None:
            raise _unfillable(need, len(plan.eligible - taken))
        plans[short] = _with_fallback(
            Need(fallback, plan.quorum, plan.order, plan.due_working_days, plan.rule_ids),
            directory,
            directory.eligible,
            plan.role,
        )
        short = _first_short_stage(plans)
        if short is None:
            return plans
    raise _unfillable(ordered[short], len(plans[short].eligible))


def _one_per_role(plans: Sequence[StagePlan]) -> list[StagePlan]:
    """Stages that ended at the same role become one; nobody can then say yes in two of them."""
    merged: dict[str, StagePlan] = {}
    for plan in plans:
        other = merged.get(plan.role)
        merged[plan.role] = plan if other is None else _merged(other, plan)
    return sorted(merged.values(), key=lambda plan: (plan.order, plan.role))


def _merged(one: StagePlan, other: StagePlan) -> StagePlan:
    """The later order, so that whoever was to look last still does; all the seats; the longer time."""
    return StagePlan(
        order=max(one.order, other.order),
        role=one.role,
        quorum=one.quorum + other.quorum,
        due_working_days=max(one.due_working_days, other.due_working_days),
        eligible=one.eligible,
        rule_ids=tuple(dict.fromkeys((*one.rule_ids, *other.rule_ids))),
        fallback_from=one.fallback_from or other.fallback_from,
    )


def _with_fallback(
    need: Need, directory: Directory, eligible: Callable[[str], frozenset[int]], came_from: str | None = None
) -> StagePlan:
    role = need.role
    for _ in range(FALLBACK_DEPTH_MAX):
        people = eligible(role)
        if len(people) >= need.quorum:
            origin = came_from or (need.role if role != need.role else None)
            return StagePlan(need.stage, role, need.quorum, need.due_working_days, people, need.rule_ids, origin)
        fallback = directory.fallback_by_role.get(role)
        if fallback is None:
            break
        role = fallback
    raise _unfillable(need, len(eligible(need.role)))


def _unfillable(need: Need, eligible: int) -> UnfillableStage:
    return UnfillableStage(
        f"the stage `{role_in_words(need.role)}` needs {need.quorum} "
        f"{'person' if need.quorum == 1 else 'different people'} and {eligible or 'nobody'} may fill it: "
        "give the role to someone who neither asked nor benefits",
        role=need.role,
        quorum=need.quorum,
        eligible=eligible,
    )


def _first_short_stage(plans: Sequence[StagePlan]) -> int | None:
    """Index of the first stage that different people cannot fill, by augmenting paths; None when all can."""
    seat_of_person: dict[int, int] = {}

    def seat(stage: int, visited: set[int]) -> bool:
        for person in sorted(plans[stage].eligible):
            if person in visited:
                continue
            visited.add(person)
            if person not in seat_of_person or seat(seat_of_person[person], visited):
                seat_of_person[person] = stage
                return True
        return False

    for index, plan in enumerate(plans):
        for _ in range(plan.quorum):
            if not seat(index, set()):
                return index
    return None
