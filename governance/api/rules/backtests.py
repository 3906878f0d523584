"""Endpoints for backtests: ask for one, follow it, read what it found, cancel it."""

from __future__ import annotations

from django.utils import timezone
from rest_framework.exceptions import NotFound as HttpNotFound
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api.endpoints import NOTHING_HERE, Endpoint, ListEndpoint
from governance.api.fields import INTEGER_MAX
from governance.api.rules import backtest_serializers as shapes
from governance.api.schema import described
from governance.api.serializers import Beside
from governance.domain import errors
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
        return reading.backtest_file(min(backtest_id, INTEGER_MAX))

    def shown(self, row: PolicyBacktest, *, status: int = 200) -> Response:
        found = Beside(row, progress=reading.progress_of(row), result=row.result or None)
        return Response(shapes.BacktestDetailSerializer(found).data, status=status)


class BacktestList(ListEndpoint, BacktestEndpoint):
    @described("backtests_list", shapes.BacktestSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Backtests, newest first."""
        self.require_reader()
        return self.page(PolicyBacktest.objects.select_related("version__policy_set"), shapes.BacktestSerializer)

    @described(
        "backtests_create",
        shapes.BacktestDetailSerializer,
        status=(200, 201),
        refuses=(errors.NoActivePolicy,),
        request=shapes.BacktestInputSerializer,
    )
    def post(self, request: Request) -> Response:
        """Ask for a backtest of a version. While one of the same version goes on, that one is returned, with 200."""
        data = self.body(shapes.BacktestInputSerializer)
        now = timezone.now()
        found = backtests.request_backtest(version_id=data["version"], since=data["since"], actor=self.actor, now=now)
        return self.shown(reading.backtest_file(found.pk), status=201 if found.asked_at == now else 200)


class BacktestDetail(BacktestEndpoint):
    @described("backtests_read", shapes.BacktestDetailSerializer)
    def get(self, request: Request, backtest_id: int) -> Response:
        """One backtest: how far it is, and once it is done what it found."""
        return self.shown(self.backtest(backtest_id))


class BacktestCancel(BacktestEndpoint):
    @described("backtests_cancel", shapes.BacktestDetailSerializer)
    def post(self, request: Request, backtest_id: int) -> Response:
        """Stop a backtest. One that has ended stays as it is."""
        row = self.backtest(backtest_id)
        backtests.cancel(backtest_id=row.pk, actor=self.actor, now=timezone.now())
        return self.shown(reading.backtest_file(row.pk))
