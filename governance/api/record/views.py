"""The decision log, for auditors and policy officers: Open Policy Agent's names, sensitive facts masked."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from governance.api.endpoints import Endpoint, ListEndpoint
from governance.api.record.serializers import LogEntrySerializer
from governance.api.schema import described
from governance.domain.errors import InvalidInput
from governance.domain.typed import read_instant
from governance.selectors.record import decision_logs


class DecisionEndpoint(Endpoint):
    """Refused to everybody else, whatever they may see otherwise: the log holds every request."""

    def initial(self, request: Request, *args: Any, **options: Any) -> None:
        super().initial(request, *args, **options)
        decision_logs.require_reader(self.actor, now=timezone.now())


class DecisionList(ListEndpoint, DecisionEndpoint):
    @described(
        "decisions_list",
        LogEntrySerializer(many=True),
        parameters=[
            OpenApiParameter("since", OpenApiTypes.DATETIME, description="Only decisions from this instant on."),
        ],
    )
    def get(self, request: Request) -> Response:
        """Entries of the decision log, newest first."""
        rows = decision_logs.rows()
        if text := request.query_params.get("since"):
            since = read_instant(text)
            if since is None:
                raise InvalidInput(
                    {"since": [f"`{text[:40]}` is no instant with an offset, e.g. 2026-11-01T00:00:00Z"]}
                )
            rows = rows.filter(assessed_at__gte=since)
        return self.page(rows, LogEntrySerializer, decision_logs.entry_of)


class DecisionDetail(DecisionEndpoint):
    @described("decisions_read", LogEntrySerializer)
    def get(self, request: Request, decision_id: int) -> Response:
        """One entry of the decision log."""
        found = self.found(decision_logs.rows(), "there is no such decision", pk=decision_id)
        return Response(LogEntrySerializer(decision_logs.entry_of(found)).data)
