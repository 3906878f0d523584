"""Budgets as people read them: which one pays, what is left on every level, and where it is heading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from governance.display import dates
from governance.domain.errors import NoBudget
from governance.models import Budget, Project

# A forecast from fewer days than this would be a guess.
FORECAST_DAYS_MIN = 60


def budget_path(project: Project, *, at: datetime) -> list[Budget]:
    """The budget that pays for `project` at an instant, then its ancestors, leaf first. No locks.

    One query, two where a budget above covers another period or team.

    The project's own budget wins, else the nearest team's above it.

    Raises:
        NoBudget: none covers that instant.
    """
    teams = project.team.path_ids
    candidates = list(
        Budget.objects.filter(period_start__lte=at, period_end__gt=at, project=project)
        | Budget.objects.filter(period_start__lte=at, period_end__gt=at, team_id__in=teams)
    )
    if not candidates:
        raise NoBudget(
            f"no budget of `{project.name}` covers {dates.full_day(at)}: choose another start or ask for a budget",
            project=project.slug,
        )
    leaf = max(
        candidates,
        key=lambda budget: (budget.project_id is not None, teams.index(budget.team_id) if budget.team_id else 0),
    )
    rows = {budget.pk: budget for budget in candidates}
    if not rows.keys() >= set(leaf.path_ids):
        rows = {budget.pk: budget for budget in Budget.objects.filter(pk__in=leaf.path_ids)}
    return [rows[pk] for pk in reversed(leaf.path_ids)]


@dataclass(frozen=True, slots=True)
class Level:
    """One budget of a path, before and after a request, micro-units."""

    budget_id: int
    slug: str
    name: str
    depth: int
    limit_micro: int
    used_micro: int
    before_micro: int
    after_micro: int

    @property
    def used_ratio(self) -> float:
        return self.used_micro / self.limit_micro if self.limit_micro else 1.0

    @property
    def after_ratio(self) -> float:
        return 1 - self.after_micro / self.limit_micro if self.limit_micro else 1.0


def levels(path: Sequence[Budget], *, needed_micro: int, own_hold_micro: int = 0) -> list[Level]:
    """Headroom on every level, leaf first.

    Args:
        needed_micro: what the request would take.
        own_hold_micro: what this very request holds already; it is not counted against it twice.
    """
    return [
        Level(
            budget_id=budget.pk,
            slug=budget.slug,
            name=budget.name,
            depth=len(path) - 1 - index,
            limit_micro=budget.limit_micro,
            used_micro=budget.limit_micro - budget.headroom_micro - own_hold_micro,
            before_micro=budget.headroom_micro + own_hold_micro,
            after_micro=budget.headroom_micro + own_hold_micro - needed_micro,
        )
        for index, budget in enumerate(path)
    ]


def forecast_ratio(budget: Budget, *, now: datetime) -> float | None:
    """Share of the limit at the end of the period if spending goes on as so far; None when there is too little data.

    What is held and committed is promised already, so the forecast is never below it.
    """
    elapsed = (min(now, budget.period_end) - budget.period_start).total_seconds()
    whole = (budget.period_end - budget.period_start).total_seconds()
    if elapsed < FORECAST_DAYS_MIN * 86_400 or not budget.limit_micro or not budget.spent_micro:
        return None
    promised = budget.limit_micro - budget.headroom_micro
    return max(budget.spent_micro * whole / elapsed, promised) / budget.limit_micro


def periods_crossed(budget: Budget, *, end: datetime | None) -> int:
    """How many budget periods the window touches; an open-ended one counts the next as well."""
    if end is None:
        return 2
    beyond = (end - budget.period_end).total_seconds()
    if beyond <= 0:
        return 1
    length = (budget.period_end - budget.period_start).total_seconds()
    return 1 + int(beyond // length) + 1
