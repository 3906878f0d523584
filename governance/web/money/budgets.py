"""Budgets: the tree, and one budget with its holds, forecast and ledger."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from governance.domain.money.money import to_units
from governance.models import Budget
from governance.selectors.filters import read_number
from governance.selectors.money import balances, crossings
from governance.selectors.money import budgets as selector
from governance.web import viewing
from governance.web.base import page, signed_in
from governance.web.money import budget_plot
from governance.web.record.reports import csv_response


@require_safe
@page
def show_list(request: HttpRequest) -> HttpResponse:
    """Visible budgets as a tree; those of other periods below."""
    user, now = signed_in(request), viewing.now()
    visibility = viewing.visibility(request, user, now)
    branches = selector.tree(visibility=visibility, now=now)
    usable = selector.usable_budgets(user, visibility=visibility, now=now)
    context = {
        # Those that the tree does not show already: they pay, and only their headroom is the requester's to know.
        "usable": [each for each in usable if not each.is_visible],
        "current": [branch for branch in branches if branch.is_current],
        "other": [branch for branch in branches if not branch.is_current],
    }
    return render(request, "budgets/list.html", context)


@require_safe
@page
def show_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """One budget; `?export=ledger` sends its newest movements as CSV."""
    user, now = signed_in(request), viewing.now()
    found = selector.page(
        slug,
        visibility=viewing.visibility(request, user, now),
        now=now,
        before=read_number(request.GET.get("before")),
    )
    if request.GET.get("export") == "ledger":
        lines, _ = selector.ledger(found.budget, length=selector.LEDGER_EXPORT_MAX)
        return csv_response(f"ledger-{found.budget.slug}", _ledger_rows(lines))
    context = {
        "found": found,
        "budget": found.budget,
        "now": now,
        "used_ratio": selector.used_ratio(found.budget),
        "forecast_ratio": balances.forecast_ratio(found.budget, now=now),
        "left_ratio": _left_ratio(found, now),
        "plot": budget_plot.spend_plot(found, now=now),
        "is_paged": "before" in request.GET,
        "ways_out": _ways_out(found.budget, user.person_id, now),
    }
    return render(request, "budgets/detail.html", context)


def _ways_out(budget: Budget, person_id: int, now: datetime) -> crossings.WaysOut | None:
    """For whoever answers for a budget that has reached a line; nobody else can do anything about it here."""
    is_short = crossings.level_of(budget, now=now) is not None
    return (
        crossings.ways_out(person_id, now=now)
        if is_short and person_id in crossings.owners_of(budget, now=now)
        else None
    )


def _ledger_rows(lines: Iterable[selector.LedgerLine]) -> Iterable[Sequence[Any]]:
    yield ("When", "What", "Reference", "Title", "Amount, USD", "Headroom before, USD", "Headroom after, USD")
    for line in lines:
        money = (line.amount_micro, line.before_micro, line.after_micro)
        yield (
            line.posted_at.isoformat(), line.kind, line.reference, line.title,
            *(None if each is None else round(to_units(each), 2) for each in money),
        )  # fmt: skip


def _left_ratio(found: selector.BudgetPage, now: object) -> float:
    """Share of the period that is still to come."""
    start, end = found.budget.period_start, found.budget.period_end
    return min(1.0, max(0.0, (end - now) / (end - start)))  # type: ignore[operator]
