"""Small true reports: how requests ended, how long answers took, where the money is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Aggregate, Count, DurationField, ExpressionWrapper, F, Q, Sum

from governance.domain.states.requests import State
from governance.models import Budget, ProvisioningRequest, Visibility

MONTH_DAYS = 30
MONTHS = (1, 3, 12)
TEAMS_MAX = 500


class Median(Aggregate):
    """The middle value of a group, interpolated; null for an empty one."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(0.5) WITHIN GROUP (ORDER BY %(expressions)s)"


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    """How many requests ended in one state, what they count as together, and how long the answer took.

    `median_wait` is None where nothing was answered.
    """

    state: str
    label: str
    count: int
    exposure_micro: int
    median_wait: timedelta | None


@dataclass(frozen=True, slots=True)
class TeamRow:
    """One team's requests of the period and its money today, micro-units; money is None without a budget."""

    team: str
    cost_centre: str
    requested_count: int
    granted_count: int
    median_wait: timedelta | None
    limit_micro: int | None
    held_micro: int | None
    committed_micro: int | None
    spent_micro: int | None


@dataclass(frozen=True, slots=True)
class Report:
    """All tables of the reports page."""

    since: datetime
    months: int
    outcomes: Sequence[OutcomeRow]
    teams: Sequence[TeamRow]
    at_once_count: int
    by_people_count: int
    median_by_people: timedelta | None


def read_months(text: str | None) -> int:
    """Length of the period from an address; anything unknown is three months."""
    return int(text) if text in {str(months) for months in MONTHS} else 3


def report(*, visibility: Visibility, months: int, now: datetime) -> Report:
    """What this person may see of the last months. Four queries."""
    since = now - timedelta(days=MONTH_DAYS * months)
    rows = ProvisioningRequest.objects.visible_to(visibility).filter(submitted_at__gte=since, submitted_at__lte=now)
    wait = ExpressionWrapper(F("answered_at") - F("submitted_at"), output_field=DurationField())
    # An answer in the same instant was given by rules; a person takes longer.
    by_people = Q(answered_at__gt=F("submitted_at"))
    totals = rows.aggregate(
        at_once=Count("pk", filter=Q(answered_at=F("submitted_at"))),
        by_people=Count("pk", filter=by_people),
        median=Median(wait, filter=by_people, output_field=DurationField()),
    )
    return Report(
        since=since,
        months=months,
        outcomes=_outcomes(rows, wait),
        teams=_teams(rows, wait, visibility, now),
        at_once_count=totals["at_once"],
        by_people_count=totals["by_people"],
        median_by_people=totals["median"],
    )


def _outcomes(rows: Any, wait: Any) -> list[OutcomeRow]:
    found = {
        row["state"]: row
        for row in rows.order_by()
        .values("state")
        .annotate(
            count=Count("pk"),
            exposure=Sum("exposure_micro"),
            median=Median(wait, filter=Q(answered_at__isnull=False), output_field=DurationField()),
        )
    }
    return [
        OutcomeRow(state.value, state.label, row["count"], row["exposure"] or 0, row["median"])
        for state in State
        if (row := found.get(state.value)) is not None
    ]


def _teams(rows: Any, wait: Any, visibility: Visibility, now: datetime) -> list[TeamRow]:
    asked = {
        row["project__team_id"]: row
        for row in rows.order_by()
        .values("project__team_id", "project__team__name", "project__team__cost_centre")
        .annotate(
            asked=Count("pk"),
            granted=Count("pk", filter=Q(state=State.GRANTED.value)),
            median=Median(wait, filter=Q(answered_at__gt=F("submitted_at")), output_field=DurationField()),
        )[:TEAMS_MAX]
    }
    budgets = (
        Budget.objects.visible_to(visibility)
        .filter(team__isnull=False, period_start__lte=now, period_end__gt=now)
        .select_related("team")
        .order_by("path")[:TEAMS_MAX]
    )
    found: list[TeamRow] = []
    for budget in budgets:
        row = asked.pop(budget.team_id, None)
        team = budget.team
        if team is not None:
            found.append(_team_row(team.name, team.cost_centre or "", row, budget))
    for row in asked.values():
        found.append(_team_row(row["project__team__name"] or "", row["project__team__cost_centre"] or "", row, None))
    return found


def _team_row(name: str, cost_centre: str, row: Any, budget: Budget | None) -> TeamRow:
    return TeamRow(
        team=name,
        cost_centre=cost_centre,
        requested_count=row["asked"] if row else 0,
        granted_count=row["granted"] if row else 0,
        median_wait=row["median"] if row else None,
        limit_micro=budget.limit_micro if budget else None,
        held_micro=budget.held_micro if budget else None,
        committed_micro=budget.committed_micro if budget else None,
        spent_micro=budget.spent_micro if budget else None,
    )
