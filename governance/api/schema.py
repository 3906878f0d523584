"""What the published schema says of an endpoint: its name, what it takes, and the codes that it answers with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema

KEY = OpenApiParameter(
    "Idempotency-Key", OpenApiTypes.STR, OpenApiParameter.HEADER, description="Same key, same effect, once."
)
PAGE = [
    OpenApiParameter("cursor", OpenApiTypes.STR, description="From `next` or `previous` of the page before."),
    OpenApiParameter("page_size", OpenApiTypes.INT, description="1 to 200; 50 unless told."),
]
REFUSALS = (400, 403, 404, 409)

View = TypeVar("View", bound=Callable[..., Any])


def described(
    operation_id: str, *codes: int, request: Any = None, parameters: Sequence[OpenApiParameter] = ()
) -> Callable[[View], View]:
    """Each answer is a JSON object; `request` is the serializer of the body, where there is one."""
    return extend_schema(
        operation_id=operation_id,
        parameters=list(parameters),
        request=request,
        responses=dict.fromkeys(codes, OpenApiTypes.OBJECT),
    )
