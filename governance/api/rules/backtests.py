"""Endpoints for backtests: ask for one, follow it, read what it found, cancel it."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from rest_framework.exceptions import NotFound as HttpNotFound
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api import serializers as shapes
from governance.api.schema import PAGE, REFUSALS, described
from governance.api.views import NOTHING_HERE, Endpoint
from governance.models import PolicyBacktest
from governance.selectors.people import duties
from governance.selectors.rules.backtests import backtests as reading
from governance.services.rules import backtests


class BacktestEndpoint(Endpoint):
    """Read by policy officers and by whoever sees everything; to others there is nothing here."""

    def require_reader(self) -> None:
        may_read = self.visibility().sees_all or "policies" in duties.duties_of(self.actor, now=timezone.now())
        if not may_read:
            raise HttpNotFound(NOTHING_HERE)

    def backtest(self, backtest_id: int) -> PolicyBacktest:
        self.require_reader()
        return reading.backtest_file(min(backtest_id, 2**63 - 1))


class BacktestList(BacktestEndpoint):
    @described("backtests_list", 200, parameters=PAGE)
    def get(self, request: Request) -> Response:
        """Backtests, newest first."""
        self.require_reader()
        return self.page(PolicyBacktest.objects.select_related("version__policy_set"), backtest_row)

    @described("backtests_create", 200, 201, *REFUSALS, request=shapes.BacktestInputSerializer)
    def post(self, request: Request) -> Response:
        """Ask for a backtest of a version. While one of the same version goes on, that one is returned, with 200."""
        data = self.body(shapes.BacktestInputSerializer)
        now = timezone.now()
        found = backtests.ask_backtest(version_id=data["version"], since=data["since"], actor=self.actor, now=now)
        return Response(backtest_detail(reading.backtest_file(found.pk)), status=201 if found.asked_at == now else 200)


class BacktestDetail(BacktestEndpoint):
    @described("backtests_read", 200, 404)
    def get(self, request: Request, backtest_id: int) -> Response:
        """One backtest: how far it is, and once it is done what it found."""
        return Response(backtest_detail(self.backtest(backtest_id)))


class BacktestCancel(BacktestEndpoint):
    @described("backtests_cancel", 200, *REFUSALS)
    def post(self, request: Request, backtest_id: int) -> Response:
        """Stop a backtest. One that has ended stays as it is."""
        row = self.backtest(backtest_id)
        backtests.cancel(backtest_id=row.pk, actor=self.actor, now=timezone.now())
        return Response(backtest_detail(reading.backtest_file(row.pk)))


def backtest_row(row: PolicyBacktest) -> dict[str, Any]:
    """A backtest in a list. Needs `version__policy_set` joined."""
    return {
        "id": row.pk,
        "version": {"id": row.version_id, "set": row.version.policy_set.slug, "number": row.version.number},
        "state": row.state,
        "on": row.on,
        "since": row.since,
        "until": row.until,
        "asked_at": row.asked_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "seen_at": row.seen_at,
        "error": row.error,
        "flipped": row.result.get("flipped"),
        "effects": row.result.get("effects"),
        "unfillable": row.result.get("unfillable_rows"),
    }


def backtest_detail(row: PolicyBacktest) -> dict[str, Any]:
    """One backtest with its progress, its pins and its result. Amounts in the result are micro-units of USD."""
    progress = reading.progress_of(row)
    return backtest_row(row) | {
        "progress": {"months": progress.months, "judged": progress.judged, "decisions": progress.rows},
        "digests": {"draft": row.draft_digest, "against": row.against_digest, "version": row.version.digest},
        "result": row.result or None,
    }
