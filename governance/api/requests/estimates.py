"""Endpoints that size work, and those that read what was sized for a request."""

from __future__ import annotations

from dataclasses import fields

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from estimator.core.workload.needs import Needs
from governance.api.endpoints import Endpoint, ListEndpoint
from governance.api.requests import estimate_serializers as shapes
from governance.api.schema import described
from governance.domain import errors
from governance.selectors.requests import assessed as stored
from governance.selectors.requests import estimates

NEED_FIELDS = tuple(each.name for each in fields(Needs))


class EstimateList(ListEndpoint):
    @described("estimates_list", shapes.StoredEstimateSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Estimates that were stored with requests you may see, newest first."""
        return self.page(stored.visible_to(self.visibility()), shapes.StoredEstimateSerializer)

    @described(
        "estimates_create",
        shapes.EstimateSerializer,
        refuses=(errors.NoCatalogue,),
        request=shapes.EstimateInputSerializer,
    )
    def post(self, request: Request) -> Response:
        """Size one workload in one place. Nothing is stored and nobody is asked."""
        data = self.body(shapes.EstimateInputSerializer)
        found = estimates.size(estimates.Inputs(**data), today=timezone.now().date())
        return Response(shapes.EstimateSerializer(found.to_json()).data)


class EstimateCompare(Endpoint):
    @described(
        "estimates_compare",
        shapes.ExplorationSerializer,
        refuses=(errors.NoCatalogue,),
        request=shapes.CompareInputSerializer,
    )
    def post(self, request: Request) -> Response:
        """Size one workload, and put it on every offer: drivers, the front of cost, time and carbon, and advice."""
        data = self.body(shapes.CompareInputSerializer)
        limit = data.pop("limit")
        needs = {name: data.pop(name) for name in NEED_FIELDS}
        found = estimates.explore_workload(estimates.Inputs(needs=needs, **data), today=timezone.now().date())
        return Response(shapes.ExplorationSerializer(found.to_json(limit)).data)


class EstimateDetail(Endpoint):
    @described("estimates_read", shapes.StoredEstimateSerializer)
    def get(self, request: Request, assessment_id: int) -> Response:
        """One stored estimate with its assumptions and pins."""
        row = self.found(stored.visible_to(self.visibility()), pk=assessment_id)
        return Response(shapes.StoredEstimateSerializer(row).data)
