"""Budgets as people look at them: those they can use, the tree, one budget with its holds and its ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q, Sum
from django.db.models.functions import TruncWeek

from governance.domain.errors import NotFound
from governance.domain.money.ledger import Account, JournalKind
from governance.domain.states.money import HoldState
from governance.models import Budget, BudgetHold, LedgerEntry, User, Visibility
from governance.selectors.money import balances, forecasts
from governance.selectors.requests import references

USABLE_MAX = 12
TREE_LENGTH_MAX = 1_000
HOLDS_SHOWN_MAX = 50
LEDGER_PAGE_LENGTH = 25
LEDGER_EXPORT_MAX = 5_000
_WEEK = timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class Usable:
    """A budget that pays for some project a person may ask for, or the level above such a budget."""

    budget: Budget
    used_ratio: float
    is_visible: bool
    is_above: bool = False


@dataclass(frozen=True, slots=True)
class Branch:
    """One budget of a tree, with how deep it lies."""

    budget: Budget
    depth: int
    used_ratio: float
    forecast_ratio: float | None
    is_current: bool


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One movement of money as this budget saw it, micro-units."""

    journal_id: int
    posted_at: datetime
    kind: str
    title: str
    reference: str
    request_number: int | None
    amount_micro: int
    before_micro: int | None
    after_micro: int | None


@dataclass(frozen=True, slots=True)
class BudgetPage:
    """Everything that the page of one budget shows."""

    budget: Budget
    ancestors: Sequence[Budget]
    branches: Sequence[Branch]
    holds: Sequence[BudgetHold]
    more_holds: bool
    weekly: Sequence[tuple[datetime, int]]
    forecast: forecasts.Forecast | None
    lines: Sequence[LedgerLine]
    older: int | None


def usable_budgets(user: User, *, visibility: Visibility, now: datetime) -> list[Usable]:
    """Budgets that pay for what this person may ask for, then the level above each. Four queries."""
    projects = references.requestable_projects(user, now=now)
    if not projects:
        return []
    teams = {team for project in projects for team in project.team.path_ids}
    rows = list(
        Budget.objects.filter(period_start__lte=now, period_end__gt=now).filter(
            Q(project__in=projects) | Q(team_id__in=teams)
        )
    )
    of_project = {budget.project_id: budget for budget in rows if budget.project_id}
    of_team = {budget.team_id: budget for budget in rows if budget.team_id}
    by_id = {budget.pk: budget for budget in rows}
    leaves: dict[int, Budget] = {}
    for project in projects:
        nearest = (of_team[team] for team in reversed(project.team.path_ids) if team in of_team)
        budget = of_project.get(project.pk) or next(nearest, None)
        if budget is not None:
            leaves[budget.pk] = budget
    shown = sorted(leaves.values(), key=lambda budget: budget.name)[:USABLE_MAX]
    above = {budget.parent_id: by_id[budget.parent_id] for budget in shown if budget.parent_id in by_id}
    visible = set(Budget.objects.visible_to(visibility).filter(pk__in=by_id).values_list("pk", flat=True))
    found = [Usable(budget, used_ratio(budget), budget.pk in visible) for budget in shown]
    return found + [
        Usable(budget, used_ratio(budget), budget.pk in visible, is_above=True)
        for pk, budget in above.items()
        if pk not in leaves
    ]


def used_ratio(budget: Budget) -> float:
    """Share of the limit that is held, committed and spent; a budget of nothing is full."""
    return 1 - budget.headroom_micro / budget.limit_micro if budget.limit_micro else 1.0


def tree(*, visibility: Visibility, now: datetime) -> list[Branch]:
    """Visible budgets in the order of the tree, each as deep as it lies below what is visible. One query."""
    rows = list(Budget.objects.visible_to(visibility).select_related("owner").order_by("path")[:TREE_LENGTH_MAX])
    visible = {budget.pk for budget in rows}
    return [_branch(budget, len([pk for pk in budget.path_ids[:-1] if pk in visible]), now) for budget in rows]


def page(slug: str, *, visibility: Visibility, now: datetime, before: int | None = None) -> BudgetPage:
    """One budget, if this person may see it. Six queries.

    Args:
        before: a journal id: the ledger shows what is older.

    Raises:
        NotFound: missing or not visible.
    """
    rows = Budget.objects.visible_to(visibility)
    budget = rows.filter(slug=slug).select_related("owner", "team", "project__team").first()
    if budget is None:
        raise NotFound(f"budget `{slug[:80]}` does not exist")
    around = list(rows.filter(Q(pk__in=budget.path_ids) | Q(parent=budget)).select_related("owner").order_by("path"))
    ancestors = [row for row in around if row.pk in budget.path_ids[:-1]]
    below = [row for row in around if row.parent_id == budget.pk]
    holds = list(
        BudgetHold.objects.filter(state=HoldState.OPEN)
        .filter(Q(budget=budget) | Q(budget__path__startswith=budget.path))
        .select_related("provisioning_request__requester__person", "budget")
        .order_by("expires_at")[: HOLDS_SHOWN_MAX + 1]
    )
    weekly = _weekly(budget)
    lines, older = ledger(budget, before=before)
    first = len(ancestors)
    return BudgetPage(
        budget=budget,
        ancestors=ancestors,
        branches=[_branch(row, depth, now) for depth, row in enumerate([*ancestors, budget])]
        + [_branch(row, first + 1, now) for row in below],
        holds=holds[:HOLDS_SHOWN_MAX],
        more_holds=len(holds) > HOLDS_SHOWN_MAX,
        weekly=weekly,
        forecast=_forecast(budget, weekly, now),
        lines=lines,
        older=older,
    )


def ledger(
    budget: Budget, *, before: int | None = None, length: int = LEDGER_PAGE_LENGTH
) -> tuple[list[LedgerLine], int | None]:
    """A page of the ledger, newest first, and the journal id at which the next page begins. One query."""
    entries = LedgerEntry.objects.filter(budget=budget)
    if before is not None:
        entries = entries.filter(journal_id__lt=before)
    rows = entries.order_by("-journal_id", "pk").annotate(
        kind=F("journal__kind"),
        posted_at=F("journal__posted_at"),
        request_number=F("journal__provisioning_request__number"),
        request_title=F("journal__provisioning_request__title"),
        grant_number=F("journal__provisioning_request__grant__number"),
    )
    # Each journal has two entries on a budget: where the money came from, and where it went.
    by_journal: dict[int, list[LedgerEntry]] = defaultdict(list)
    for row in rows[: 2 * (length + 1)]:
        by_journal[row.journal_id].append(row)
    journals = list(by_journal)
    lines = [_line(by_journal[journal]) for journal in journals[:length]]
    return lines, lines[-1].journal_id if len(journals) > length else None


_KIND_WORDS = {
    JournalKind.FUND: "Limit changed",
    JournalKind.HOLD: "Hold",
    JournalKind.RELEASE: "Hold released",
    JournalKind.CAPTURE: "Hold became a grant",
    JournalKind.RETURN: "Returned by the grant",
    JournalKind.SPEND: "Spent by the grant",
}
# Bills that came without a request pass through the same three steps at once.
_UNASKED_WORDS = {
    JournalKind.HOLD: "Billed: set aside",
    JournalKind.RELEASE: "Billed: freed",
    JournalKind.CAPTURE: "Billed: committed",
    JournalKind.RETURN: "Billed: returned",
    JournalKind.SPEND: "Billed: spent",
}
UNASKED = "Metered use that no request covers"


def _line(entries: Sequence[LedgerEntry]) -> LedgerLine:
    some = entries[0]
    headroom = next((entry for entry in entries if entry.account == Account.HEADROOM), None)
    moved = headroom or next(entry for entry in entries if entry.amount_micro >= 0)
    kind = JournalKind(some.kind)  # type: ignore[attr-defined]
    number, grant = some.request_number, some.grant_number  # type: ignore[attr-defined]
    of_grant = kind in (JournalKind.CAPTURE, JournalKind.RETURN, JournalKind.SPEND) and grant
    is_unasked = number is None and kind in _UNASKED_WORDS
    reference = f"G-{grant:04d}" if of_grant else f"REQ-{number:04d}" if number else ""
    return LedgerLine(
        journal_id=some.journal_id,
        posted_at=some.posted_at,  # type: ignore[attr-defined]
        kind=_UNASKED_WORDS[kind] if is_unasked else _KIND_WORDS[kind],
        title=UNASKED if is_unasked else some.request_title or "",  # type: ignore[attr-defined]
        reference=reference,
        request_number=number,
        amount_micro=moved.amount_micro,
        before_micro=headroom.before_micro if headroom else None,
        after_micro=headroom.after_micro if headroom else None,
    )


def _branch(budget: Budget, depth: int, now: datetime) -> Branch:
    return Branch(
        budget=budget,
        depth=depth,
        used_ratio=used_ratio(budget),
        forecast_ratio=balances.forecast_ratio(budget, now=now),
        is_current=budget.period_start <= now < budget.period_end,
    )


def _weekly(budget: Budget) -> list[tuple[datetime, int]]:
    """Spending by the week in which it was posted, weeks without any left out. One query."""
    rows = (
        LedgerEntry.objects.filter(budget=budget, account=Account.SPENT, journal__posted_at__gte=budget.period_start)
        .annotate(week=TruncWeek("journal__posted_at"))
        .values("week")
        .annotate(total=Sum("amount_micro"))
        .order_by("week")
    )
    return [(row["week"], row["total"]) for row in rows]


def _forecast(budget: Budget, weekly: Sequence[tuple[datetime, int]], now: datetime) -> forecasts.Forecast | None:
    until = min(max(now, budget.period_start), budget.period_end)
    whole_weeks = int((until - budget.period_start) / _WEEK)
    by_index: dict[int, int] = defaultdict(int)
    for week, total in weekly:
        by_index[int((max(week, budget.period_start) - budget.period_start) / _WEEK)] += total
    return forecasts.forecast(
        spent_micro=budget.spent_micro,
        promised_micro=budget.limit_micro - budget.headroom_micro,
        elapsed_weeks=(until - budget.period_start) / _WEEK,
        left_weeks=(budget.period_end - until) / _WEEK,
        weekly_micro=[by_index[index] for index in range(whole_weeks)],
    )
