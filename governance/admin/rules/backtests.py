"""Pages of a backtest: its figures, the decisions that change, and what an officer can do with it.

Nothing is written on GET. That somebody looked is recorded by the button that says so, not by opening the page: a link
in a mail, a prefetch or a glance is no reading.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from governance.admin import access
from governance.admin.rules import activation_panel
from governance.admin.rules.backtest_words import OUTCOME_WORDS, figures_of
from governance.admin.site import DeskSite
from governance.display import numbers
from governance.domain.record.spreadsheet import safe_cell
from governance.domain.rules.backtest_result import is_unchanged
from governance.models import PolicyBacktest, PolicyVersion
from governance.policy.backtest.tally import PAIRS
from governance.selectors.rules.backtests import backtest_changes, backtest_flips
from governance.selectors.rules.backtests import backtests as reading
from governance.services.rules import backtests

PERIODS = {"3": 3, "12": 12, "36": 36, "all": None}
PERIOD_DEFAULT = "12"
RUNS_PER_PAGE = 30
POLL_SECONDS = 2
EXPORT_COLUMNS = (
    "request", "title", "project", "team", "decided_at", "counts_as_usd", "cost_p50_usd", "was", "rules_of_today",
    "would_be", "rule", "why", "also_changes", "stage_nobody_could_fill",
)  # fmt: skip
DONE_WORDS = {
    "cancel": "Cancelled. What was judged is kept",
    "resume": "Taken up again, with the months that are left",
    "seen": "Recorded: you have looked at it",
}


def may_read(request: HttpRequest) -> bool:
    """Officers, and whoever sees everything: the page names asks of every team. An auditor of one team does not."""
    person = access.of(request)
    return person.sees_everything or "policies" in person.duties


def backtest_view(desk: DeskSite, request: HttpRequest, backtest_id: int) -> HttpResponse:
    """One run: its progress while it goes on, then its figures."""
    backtest = _file(request, backtest_id)
    if request.headers.get("HX-Request"):
        # Asked every few seconds: what the rest of the page needs is not put together for it.
        if not backtest.is_live:
            # Ended while somebody watched: the whole page is another one now.
            return HttpResponse(headers={"HX-Refresh": "true"})
        return TemplateResponse(request, "admin/desk/backtest_progress.html", _progress(backtest))
    context = desk.each_context(request) | _frame(request, backtest)
    if backtest.is_live:
        return TemplateResponse(request, "admin/desk/backtest.html", context | _progress(backtest))
    if backtest.is_done and backtest.result["rows"]:
        context |= _done(request, backtest)
    elif not backtest.is_done:
        context["progress"] = reading.progress_of(backtest)
    return TemplateResponse(request, "admin/desk/backtest.html", context)


def backtests_view(desk: DeskSite, request: HttpRequest, version_id: int) -> HttpResponse:
    """Runs of one version. POST asks for another one."""
    if not may_read(request):
        raise Http404("missing, or not for this person")
    version = get_object_or_404(PolicyVersion.objects.select_related("policy_set"), pk=version_id)
    person = access.of(request)
    if request.method == "POST":
        months = PERIODS.get(request.POST.get("period", PERIOD_DEFAULT), PERIODS[PERIOD_DEFAULT])
        since = reading.usual_since(months, now=person.now) if months else None
        found = backtests.request_backtest(version_id=version.pk, actor=person.user, since=since, now=person.now)
        return redirect("admin:backtest", found.pk)
    page = Paginator(reading.backtests_of(version.pk), RUNS_PER_PAGE).get_page(request.GET.get("page"))
    context = desk.each_context(request) | {
        "title": f"Backtests of {version}",
        "crumbs": [*_crumbs(version), {"text": "Backtests"}],
        "version": version,
        "page": page,
        "may_act": "policies" in person.duties,
        "period": PERIOD_DEFAULT,
    }
    return TemplateResponse(request, "admin/desk/backtests.html", context)


@require_POST
def act_view(request: HttpRequest, backtest_id: int, act: str) -> HttpResponse:
    """Cancel, take up again, or say that one has looked."""
    backtest = _file(request, backtest_id)
    person = access.of(request)
    service = {"cancel": backtests.cancel, "resume": backtests.resume, "seen": backtests.mark_seen}.get(act)
    if service is None:
        raise Http404("no such thing to do")
    service(backtest_id=backtest.pk, actor=person.user, now=person.now)
    messages.success(request, f"{DONE_WORDS[act]}.")
    return redirect("admin:backtest", backtest.pk)


def export_view(request: HttpRequest, backtest_id: int) -> HttpResponseBase:
    """Every decision that changes, as CSV, sent while it is read."""
    backtest = _file(request, backtest_id)
    if not backtest.is_done:
        raise Http404("nothing to export before it is finished")
    flips = backtest_flips.flips_of(backtest, **_narrowed(request))
    response = StreamingHttpResponse(csv_lines(backtest, flips), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="backtest-{backtest.pk}.csv"'
    return response


def csv_lines(backtest: PolicyBacktest, flips: Iterable[backtest_flips.Flip]) -> Iterator[str]:
    """Lines of the export; the first is the heading."""
    yield _line(EXPORT_COLUMNS)
    for row in backtest_flips.each_explained(backtest, flips):
        yield _line(
            (
                row.reference, row.title, row.project, row.team, row.decided_at.isoformat(timespec="seconds"),
                _number(row.exposure_usd), _number(row.cost_usd), row.flip.then, row.flip.today, row.flip.draft,
                row.rule_id, row.why, " ".join(row.flip.effects), "yes" if row.flip.is_unfillable else "no",
            )
        )  # fmt: skip


def _line(values: tuple[str, ...]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([safe_cell(value) for value in values])
    return out.getvalue()


def _number(value: float | None) -> str:
    return "" if value is None else numbers.typed(value, 2)


def _file(request: HttpRequest, backtest_id: int) -> PolicyBacktest:
    if not may_read(request):
        raise Http404("missing, or not for this person")
    return reading.backtest_file(backtest_id)


def _narrowed(request: HttpRequest) -> dict[str, Any]:
    """What the list is narrowed to; anything unknown narrows nothing."""
    pair = request.GET.get("pair", "")
    return {"pair": pair if pair in PAIRS else "", "only_draft": request.GET.get("only") == "draft"}


def _frame(request: HttpRequest, backtest: PolicyBacktest) -> dict[str, Any]:
    """What the page shows in every state."""
    person = access.of(request)
    version = backtest.version
    changes = backtest_changes.changes_of(backtest)
    return {
        "title": changes.heading,
        "crumbs": [*_crumbs(version), {"text": "Backtest"}],
        "backtest": backtest,
        "version": version,
        "changes": changes,
        "before": f"Today, version {changes.against_number}" if changes.against_number else "Today",
        "after": f"Proposed, version {version.number}",
        "panel": activation_panel.of(version, person),
        "may_act": "policies" in person.duties,
        "is_live": backtest.is_live,
        "took": _took(backtest.started_at, backtest.finished_at),
        "shadow_days": (person.now - version.shadow_since).days if version.shadow_since else None,
    }


def _progress(backtest: PolicyBacktest) -> dict[str, Any]:
    return {"backtest": backtest, "progress": reading.progress_of(backtest), "poll_seconds": POLL_SECONDS}


def _done(request: HttpRequest, backtest: PolicyBacktest) -> dict[str, Any]:
    draft = reading.policy_of(backtest.draft_ids)
    against = reading.policy_of(backtest.against_ids)
    titles = {rule.rule_id: rule.title for each in (against, draft) for rule in each.at(backtest.on).rules}
    narrowed = _narrowed(request)
    flips = backtest_flips.flips_of(backtest, **narrowed)
    page = Paginator(flips, backtest_flips.FLIPS_PER_PAGE).get_page(request.GET.get("page"))
    query = request.GET.copy()
    query.pop("page", None)
    return {
        "figures": figures_of(backtest.result, titles=titles, now=access.of(request).now),
        "page": page,
        "flip_rows": [
            {
                "row": row,
                "exposure": numbers.exact(row.exposure_usd),
                "is_already": row.flip.today == row.flip.draft,
                # What the rules of today say, where that is neither of the two that stand in the row.
                "today": OUTCOME_WORDS[row.flip.today] if row.flip.today not in (row.flip.then, row.flip.draft) else "",
            }
            for row in backtest_flips.explained(backtest, list(page))
        ],
        "outcome_words": OUTCOME_WORDS,
        "narrowed": narrowed,
        "flip_count": len(flips),
        # Narrowed to what nothing is like, "nothing changes" would be wrong.
        "is_nothing": is_unchanged(backtest.result),
        "export_url": f"{reverse('admin:backtest_export', args=[backtest.pk])}?{query.urlencode()}".rstrip("?"),
    }


def _crumbs(version: PolicyVersion) -> list[dict[str, str]]:
    return [
        {"text": "Policies", "url": reverse("admin:governance_policyversion_changelist")},
        {"text": str(version), "url": reverse("admin:governance_policyversion_change", args=[version.pk])},
    ]


def _took(started: datetime | None, finished: datetime | None) -> str:
    if started is None or finished is None:
        return ""
    return numbers.duration((finished - started) / timedelta(hours=1))
