"""Endpoints for budgets."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from governance.api.endpoints import ListEndpoint
from governance.api.money.serializers import BudgetSerializer
from governance.api.schema import described
from governance.models import Budget


class BudgetList(ListEndpoint):
    @described("budgets_list", BudgetSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Budgets that you may see."""
        return self.page(Budget.objects.visible_to(self.visibility()).select_related("parent"), BudgetSerializer)
