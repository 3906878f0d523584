"""Reports on screen and as files that a spreadsheet may open safely."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from governance.domain.money.money import to_units
from governance.domain.record.spreadsheet import safe_cell
from governance.selectors.record import reports as selector
from governance.web import viewing
from governance.web.base import page, signed_in


@require_safe
@page
def show(request: HttpRequest) -> HttpResponse:
    """What the person may see of the last months; `?export=` sends one table as CSV."""
    user, now = signed_in(request), viewing.now()
    months = selector.read_months(request.GET.get("months"))
    report = selector.report(visibility=viewing.visibility(request, user, now), months=months, now=now)
    export = request.GET.get("export")
    if export == "outcomes":
        return csv_response(f"requests-{months}-months", _outcome_rows(report))
    if export == "teams":
        return csv_response(f"teams-{months}-months", _team_rows(report))
    return render(request, "reports/reports.html", {"report": report, "month_choices": selector.MONTHS})


def csv_response(name: str, rows: Iterable[Sequence[Any]]) -> HttpResponse:
    """Rows as a CSV file, UTF-8 with a mark so that spreadsheets read names right; no cell is a formula."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    for row in rows:
        writer.writerow([safe_cell(cell) for cell in row])
    response = HttpResponse("\ufeff" + buffer.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="comptroller-{name}.csv"'
    return response


def _outcome_rows(report: selector.Report) -> Iterable[Sequence[Any]]:
    yield ("State", "Requests", "Assessed at, USD", "Median time to decision, hours", "Since")
    for row in report.outcomes:
        yield row.label, row.count, _usd(row.exposure_micro), _hours(row.median_wait), _day(report)


def _team_rows(report: selector.Report) -> Iterable[Sequence[Any]]:
    yield (
        "Team", "Cost centre", "Requests", "Granted", "Median time to decision, hours", "Limit, USD", "Held, USD",
        "Committed, USD", "Spent, USD", "Since",
    )  # fmt: skip
    for row in report.teams:
        money = (row.limit_micro, row.held_micro, row.committed_micro, row.spent_micro)
        yield (
            row.team, row.cost_centre, row.requested_count, row.granted_count, _hours(row.median_wait),
            *(_usd(each) for each in money), _day(report),
        )  # fmt: skip


def _usd(micro: int | None) -> float | None:
    return None if micro is None else round(to_units(micro), 2)


def _hours(wait: timedelta | None) -> float | None:
    return None if wait is None else round(wait.total_seconds() / 3600, 2)


def _day(report: selector.Report) -> str:
    return timezone.localtime(report.since).date().isoformat()
