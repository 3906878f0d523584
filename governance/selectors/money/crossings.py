"""Which line a budget has crossed, when it will be used up, and what takes the most of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, Sum

from governance.display import lists
from governance.domain.money.ledger import Account
from governance.domain.states.grants import GrantState
from governance.domain.states.money import HoldState
from governance.models import Budget, BudgetHold, LedgerEntry, RoleAssignment, Visibility
from governance.selectors.money import balances
from governance.selectors.people import duties

LEVELS = (80, 90, 100)
"""Per cent of the limit, promised or forecast, at which the owner is told."""
REARMED_BELOW = 75
"""Per cent below which a budget has to fall before the same line counts as crossed anew."""
RECENT_DAYS = 28
CAUSES_MAX = 3
KEEPERS_NAMED_MAX = 3
OWNER_ROLE = "budget_owner"


@dataclass(frozen=True, slots=True)
class Crossing:
    """The highest line that a budget has reached.

    Args:
        level: per cent, one of `LEVELS`.
        is_forecast: what is promised lies below the line; only the forecast is above it.
        used_ratio: spent, committed and held, over the limit.
        forecast_ratio: at the end of the period; None when there is too little data.
        earliest, latest: when the limit is used up, if spending goes on as over the whole period or as lately.
    """

    level: int
    is_forecast: bool
    used_ratio: float
    forecast_ratio: float | None
    earliest: datetime | None = None
    latest: datetime | None = None


def level_of(budget: Budget, *, now: datetime) -> int | None:
    """The highest line, in per cent, that what is promised or forecast has reached; None below all. No query."""
    reached = max(used_ratio(budget), balances.forecast_ratio(budget, now=now) or 0.0)
    return max((level for level in LEVELS if _is_at(reached, level)), default=None)


def crossing_of(budget: Budget, *, now: datetime) -> Crossing | None:
    """`level_of` with all that an owner wants to know about it."""
    level = level_of(budget, now=now)
    if level is None:
        return None
    used, forecast = used_ratio(budget), balances.forecast_ratio(budget, now=now)
    earliest, latest = used_up_between(budget, now=now) if forecast is not None and forecast > 1 else (None, None)
    return Crossing(level, not _is_at(used, level), used, forecast, earliest, latest)


def is_rearmed(budget: Budget, *, now: datetime) -> bool:
    """Far enough below the lowest line that the next crossing is news again."""
    reached = max(used_ratio(budget), balances.forecast_ratio(budget, now=now) or 0.0)
    return reached * 100 < REARMED_BELOW


def used_ratio(budget: Budget) -> float:
    """Share of the limit that is spent, committed or held; a budget without money is used up."""
    if not budget.limit_micro:
        return 1.0 if budget.held_micro + budget.committed_micro + budget.spent_micro else 0.0
    return (budget.limit_micro - budget.headroom_micro) / budget.limit_micro


def used_up_between(budget: Budget, *, now: datetime) -> tuple[datetime | None, datetime | None]:
    """Earliest and latest instant at which spending reaches the limit, both within the period.

    The band lies between two straight lines: the pace of the whole period, and that of the last four weeks.
    """
    elapsed = (now - budget.period_start).total_seconds()
    left = budget.limit_micro - budget.spent_micro
    if elapsed <= 0 or left <= 0:
        return None, None
    recent_seconds = min(elapsed, RECENT_DAYS * 86_400.0)
    since = now - timedelta(seconds=recent_seconds)
    recent = LedgerEntry.objects.filter(
        budget=budget, account=Account.SPENT.value, journal__posted_at__gt=since
    ).aggregate(total=Sum("amount_micro"))["total"]
    paces = [budget.spent_micro / elapsed, (recent or 0) / recent_seconds]
    ends = sorted(now + timedelta(seconds=left / pace) for pace in paces if pace * (86_400 * 3_660) > left)
    inside = [end for end in ends if end < budget.period_end]
    return (inside[0], inside[-1]) if inside else (None, None)


def owners_of(budget: Budget, *, now: datetime) -> set[int]:
    """Person ids that answer for a budget: its owner, else whoever holds the role there."""
    if budget.owner_id is not None:
        return {budget.owner_id}
    place: dict[str, Any] = {"project": budget.project} if budget.project_id else {"team": budget.team}
    rows = RoleAssignment.objects.in_force(now).filter(role__slug=OWNER_ROLE, user__is_service_account=False, **place)
    return set(rows.values_list("user__person_id", flat=True))


@dataclass(frozen=True, slots=True)
class Over:
    """A budget that has reached its limit, or is forecast to."""

    budget: Budget
    crossing: Crossing


def over_of(person_id: int, *, visibility: Visibility, now: datetime) -> list[Over]:
    """Budgets of the present period at or forecast over their limit for which this person answers, the worst first.

    The same people as `owners_of`. Two queries, and one for each that is forecast over.
    """
    roles = RoleAssignment.objects.in_force(now).filter(role__slug=OWNER_ROLE, user__person_id=person_id)
    places = list(roles.filter(user__is_service_account=False).values_list("team_id", "project_id"))
    by_role = Q(team_id__in=[team for team, _ in places if team]) | Q(
        project_id__in=[project for _, project in places if project]
    )
    rows = Budget.objects.visible_to(visibility).filter(period_start__lte=now, period_end__gt=now)
    owned = rows.filter(Q(owner_id=person_id) | Q(owner=None) & by_role)
    crossed = [(budget, crossing_of(budget, now=now)) for budget in owned if level_of(budget, now=now) == LEVELS[-1]]
    found = [Over(budget, crossing) for budget, crossing in crossed if crossing is not None]
    return sorted(
        found, key=lambda each: (-max(each.crossing.used_ratio, each.crossing.forecast_ratio or 0), each.budget.pk)
    )


@dataclass(frozen=True, slots=True)
class WaysOut:
    """What one person can do about a budget that runs short.

    Attributes:
        may_change_limit: they change the limit themselves, at the desk.
        to_ask: names of people who can, in order; empty when they can themselves or nobody can.
    """

    may_change_limit: bool
    to_ask: tuple[str, ...]

    @property
    def text(self) -> str:
        """What follows "you can"."""
        if self.may_change_limit:
            first = "raise the limit on the desk"
        elif self.to_ask:
            first = f"ask {lists.joined(self.to_ask, 'or')} to raise the limit"
        else:
            first = "ask an administrator to assign somebody the role finance, which can raise limits"
        return f"{first}, or ask the owners of the largest requests and grants to return what they do not need"


def ways_out(person_id: int, *, now: datetime) -> WaysOut:
    """What the person can do: only what a page of theirs offers, or whom to ask. Two queries."""
    keepers = duties.people_with("budgets", now=now)
    if person_id in keepers:
        return WaysOut(True, ())
    return WaysOut(False, tuple(list(keepers.values())[:KEEPERS_NAMED_MAX]))


def causes_of(budget: Budget) -> Sequence[BudgetHold]:
    """What takes the most of a budget now: the largest open holds and running grants at or below it."""
    standing = Q(state=HoldState.OPEN) | Q(
        state=HoldState.CAPTURED, provisioning_request__grant__state=GrantState.ACTIVE
    )
    return list(
        BudgetHold.objects.filter(standing, budget__path__startswith=budget.path)
        .select_related("provisioning_request__project", "provisioning_request__grant")
        .order_by("-amount_micro", "pk")[:CAUSES_MAX]
    )


def _is_at(ratio: float, level: int) -> bool:
    # A ratio of integers divided once: 0.8 of a limit is at the line, not a rounding error below it.
    return ratio * 100 >= level - 1e-9
