"""Endpoints for grants."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from governance.api.endpoints import Endpoint, ListEndpoint
from governance.api.grants.serializers import GrantSerializer
from governance.api.schema import described
from governance.models import Grant


class GrantList(ListEndpoint):
    @described("grants_list", GrantSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Grants that you may see, newest first."""
        rows = Grant.objects.visible_to(self.visibility()).select_related("project", "provisioning_request")
        return self.page(rows, GrantSerializer)


class GrantDetail(Endpoint):
    @described("grants_read", GrantSerializer)
    def get(self, request: Request, number: int) -> Response:
        """One grant."""
        rows = Grant.objects.visible_to(self.visibility()).select_related("project", "provisioning_request")
        return Response(GrantSerializer(self.found(rows, number=number)).data)
