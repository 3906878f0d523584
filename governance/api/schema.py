"""What the published schema says of a call: its name, what it takes, what it answers, and every refusal by its code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema

from governance.api.problems import TITLES, ProblemRenderer, document
from governance.domain import errors

KEY = OpenApiParameter(
    "Idempotency-Key", OpenApiTypes.STR, OpenApiParameter.HEADER, description="Same key, same effect, once."
)

Refusal = type[errors.GovernanceError]
Codes = Mapping[int, Iterable[str]]

EVERY_CALL: Mapping[int, list[str]] = {
    400: ["bad_request"],
    401: ["authentication_failed", "not_authenticated"],
    403: ["not_allowed", "permission_denied", "scope_missing"],
    404: ["not_found"],
    406: ["not_acceptable"],
    429: ["throttled"],
    500: ["server_error"],
    503: ["busy", "unavailable"],
}
WITH_PARAMETERS: Codes = {400: ["invalid_input"]}
WRITING: Codes = {400: ["invalid_input", "parse_error"], 413: ["body_too_large"], 415: ["unsupported_media_type"]}
WITH_A_KEY: Codes = {409: ["idempotency_in_flight"], 422: ["idempotency_conflict"]}

JUDGING: Sequence[Refusal] = (errors.InvalidRequest, errors.NoBudget, errors.NoActivePolicy, errors.NoCatalogue)
"""Whatever sizes and judges a request may answer these."""
SUBMITTING: Sequence[Refusal] = (
    *JUDGING, errors.BudgetExceeded, errors.TooManyUndecided, errors.UnfillableStage,
)  # fmt: skip

View = TypeVar("View", bound=Callable[..., Any])


def described(
    operation_id: str,
    answer: Any,
    *,
    status: int | Sequence[int] = 200,
    refuses: Sequence[Refusal] = (),
    request: Any = None,
    parameters: Sequence[OpenApiParameter] = (),
    is_keyed: bool = False,
) -> Callable[[View], View]:
    """What a call is in the schema.

    Args:
        answer: the serializer that renders the answer; None where there is no body.
        refuses: what its service refuses; what every call may answer is added.
        request: the serializer of the body, where there is one.
        is_keyed: whether it takes an Idempotency-Key.
    """
    statuses = [status] if isinstance(status, int) else status

    def decorate(view: View) -> View:
        view.refuses = tuple(refuses)  # type: ignore[attr-defined]
        extended: View = extend_schema(
            operation_id=operation_id,
            parameters=[*parameters, *([KEY] if is_keyed else [])],
            request=request,
            responses=dict.fromkeys(statuses, answer),
        )(view)
        return extended

    return decorate


def refusals_of(method: str, operation: Mapping[str, Any], refuses: Sequence[Refusal]) -> dict[int, list[str]]:
    """Status -> the codes with which a call may be refused, in order."""
    places = {each["in"] for each in operation.get("parameters", ())}
    found: dict[int, set[str]] = {}
    for codes, applies in (
        (EVERY_CALL, True),
        (WITH_PARAMETERS, "query" in places),
        (WRITING, method != "GET"),
        (WITH_A_KEY, "header" in places),
        *(({each.http_status: [each.code]}, True) for each in refuses),
    ):
        for status, names in codes.items() if applies else ():
            found.setdefault(status, set()).update(names)
    return {status: sorted(found[status]) for status in sorted(found)}


def refusal(status: int, codes: Sequence[str]) -> dict[str, Any]:
    """One refusal in the schema: a problem document with one of these codes."""
    schema = {
        "allOf": [{"$ref": "#/components/schemas/Problem"}],
        "properties": {"status": {"type": "integer", "enum": [status]}, "code": {"type": "string", "enum": [*codes]}},
    }
    examples = {code: {"value": document(code, status, TITLES[status].lower())} for code in codes}
    body: dict[str, Any] = {
        "description": TITLES[status],
        "content": {ProblemRenderer.media_type: {"schema": schema, "examples": examples}},
    }
    if status in _HEADERS:
        name, text, kind = _HEADERS[status]
        body["headers"] = {name: {"description": text, "schema": {"type": kind}}}
    return body


_WAIT = ("Retry-After", "Seconds until the same call may be tried again.", "integer")
_HEADERS = {401: ("WWW-Authenticate", "How to sign in.", "string"), 429: _WAIT, 503: _WAIT}
REPLAYED = {
    "Idempotency-Replayed": {
        "description": "`true` where the key was answered before and the first answer is given again.",
        "schema": {"type": "string", "enum": ["true"]},
    }
}
