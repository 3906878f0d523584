"""What every endpoint shares: who asks, what they see, one row or 404, one page, one effect per key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar, cast

from django.db.models import Model, QuerySet
from django.utils import timezone
from rest_framework.exceptions import NotFound as HttpNotFound
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from governance.api.idempotency import once
from governance.api.pages import NewestFirst
from governance.api.serializers import StrictSerializer
from governance.models import User, Visibility
from governance.selectors.people import people

NOTHING_HERE = "there is nothing here, or it is not yours to see"

Row = TypeVar("Row", bound=Model)


class Endpoint(APIView):
    """One address of the API."""

    @property
    def actor(self) -> User:
        return cast(User, self.request.user)

    def visibility(self) -> Visibility:
        return people.visibility_of(self.actor, now=timezone.now())

    def body(self, serializer: type[StrictSerializer]) -> dict[str, Any]:
        checked = serializer(data=self.request.data)
        checked.is_valid(raise_exception=True)
        return dict(checked.validated_data)

    def found(self, rows: QuerySet[Row], missing: str = NOTHING_HERE, **at: int) -> Row:
        """The row, or 404 when it is missing or not visible: the two are the same to the caller."""
        row = rows.filter(**at).first()
        if row is None:
            raise HttpNotFound(missing)
        return row

    def once(
        self,
        service: Callable[..., Any],
        answer: Callable[[Any], Mapping[str, Any]],
        /,
        *,
        status: int,
        now: datetime,
        **fields: Any,
    ) -> Response:
        """One service call with these fields, once per Idempotency-Key; `answer` renders what it returns."""
        return once(
            self.request,
            self.actor,
            service,
            lambda result: (status, dict(answer(result))),
            now=now,
            **fields,
        )


class ListEndpoint(Endpoint):
    """A list by pages, newest first."""

    pagination_class = NewestFirst

    def page(self, rows: Any, serializer: type[Serializer[Any]], shown: Callable[[Any], Any] | None = None) -> Response:
        """One page; `shown` makes of a row what the serializer renders, where that is not the row itself."""
        paginator = self.pagination_class()
        found: Any = paginator.paginate_queryset(rows, self.request, view=self) or []
        values = found if shown is None else [shown(row) for row in found]
        return paginator.get_paginated_response(serializer(values, many=True).data)
