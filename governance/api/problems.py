"""Every refusal of the API as one shape: application/problem+json (RFC 9457)."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions, renderers, status
from rest_framework.response import Response
from rest_framework.views import set_rollback

from governance.api.serializers import ProblemSerializer
from governance.domain.errors import GovernanceError, InvalidInput
from governance.services.contention import is_contention

log = logging.getLogger(__name__)
RETRY_AFTER_SECONDS = 5
UNAVAILABLE = "the database does not answer right now: try again in a few seconds"
BUSY = "others are changing the same thing just now and nothing was written: send the same again in a few seconds"

TITLES = {
    400: "Not acceptable as it stands",
    401: "Sign in first",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "No such format",
    409: "Conflict",
    413: "Too large",
    415: "Unsupported media type",
    422: "Cannot be processed",
    429: "Too many requests",
    500: "Our fault",
    503: "Not available right now",
}


class ProblemRenderer(renderers.JSONRenderer):
    media_type = "application/problem+json"


def problem(
    code: str,
    http_status: int,
    detail: str,
    *,
    errors: Mapping[str, Any] | None = None,
    data: Mapping[str, Any] | None = None,
) -> Response:
    """One problem document.

    Args:
        code: stable snake_case name; the `type` is `urn:comptroller:problem:<code>`.
        errors: field name -> sentences.
        data: plain values that the sentence speaks of.
    """
    more = {name: dict(values) for name, values in (("errors", errors), ("data", data)) if values}
    body = document(code, http_status, detail, **_encodable(more))
    return Response(body, status=http_status, content_type=ProblemRenderer.media_type)


def document(code: str, http_status: int, detail: str, **more: Mapping[str, Any]) -> dict[str, Any]:
    """The body of a problem; `more` is its errors and data, where there are any."""
    fields = {
        "type": f"urn:comptroller:problem:{code}",
        "title": TITLES.get(http_status, "Refused"),
        "status": http_status,
        "code": code,
        "detail": _encodable(detail),
    }
    return ProblemSerializer().to_representation(fields | more)


def _encodable(value: Any) -> Any:
    """The same, without what JSON in UTF-8 cannot hold: a refusal repeats what was sent, and that may be anything."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {_encodable(str(name)): _encodable(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_encodable(each) for each in value]
    return value


def exception_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Turn whatever was raised into a problem document; None lets an unforeseen error be a logged 500."""
    response = _as_problem(error)
    if response is None:
        return None
    set_rollback()
    request = context.get("request")
    if request is not None:
        # Whatever format was asked for, a problem is a problem document.
        request.accepted_renderer = ProblemRenderer()
        request.accepted_media_type = ProblemRenderer.media_type
    return response


def _as_problem(error: Exception) -> Response | None:
    if isinstance(error, InvalidInput):
        return problem(error.code, error.http_status, error.message, errors=error.errors)
    if isinstance(error, GovernanceError):
        return problem(error.code, error.http_status, error.message, data=error.data)
    if isinstance(error, Http404):
        return problem("not_found", 404, "there is nothing here, or it is not yours to see")
    if isinstance(error, PermissionDenied):
        return problem("not_allowed", 403, "this needs another role")
    if isinstance(error, RequestDataTooBig):
        return problem("body_too_large", 413, "the body is too large")
    if isinstance(error, SuspiciousOperation):
        return problem("bad_request", 400, "the call cannot be read: see docs/api.md for what is sent where")
    if isinstance(error, exceptions.ValidationError):
        return problem("invalid_input", 400, "some fields are not acceptable", errors=_flatten(error.detail))
    if isinstance(error, exceptions.APIException):
        return _with_headers(error)
    if isinstance(error, OperationalError | InterfaceError):
        log.warning("database not available: %s", error)
        response = problem("busy", 503, BUSY) if is_contention(error) else problem("unavailable", 503, UNAVAILABLE)
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response
    return None


def _with_headers(error: exceptions.APIException) -> Response:
    detail = error.detail if isinstance(error.detail, str) else "; ".join(map(str, _leaves(error.detail)))
    response = problem(
        str(error.get_codes()) if isinstance(error.detail, str) else "refused", error.status_code, str(detail)
    )
    header = getattr(error, "auth_header", None)
    if header:
        response["WWW-Authenticate"] = header
    wait = getattr(error, "wait", None)
    if wait is not None:
        response["Retry-After"] = str(int(wait) + 1)
    if error.status_code == status.HTTP_405_METHOD_NOT_ALLOWED:
        response.data["code"] = "method_not_allowed"
    return response


def _flatten(detail: Any, prefix: str = "") -> dict[str, list[str]]:
    """Field paths -> sentences."""
    if isinstance(detail, Mapping):
        found: dict[str, list[str]] = {}
        for name, value in detail.items():
            found |= _flatten(value, f"{prefix}.{name}" if prefix else str(name))
        return found
    return {prefix or "body": [str(leaf) for leaf in _leaves(detail)]}


def _leaves(detail: Any) -> list[Any]:
    if isinstance(detail, Mapping):
        return [leaf for value in detail.values() for leaf in _leaves(value)]
    if isinstance(detail, list | tuple):
        return [leaf for value in detail for leaf in _leaves(value)]
    return [detail]
