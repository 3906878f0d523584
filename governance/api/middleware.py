"""Under `/api/` every refusal is a problem document, those of Django, of other middleware and our faults included."""

from __future__ import annotations

import json
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from governance.api.problems import UNAVAILABLE, ProblemRenderer, document

PREFIX = "/api/"
# What described the body that is said again; every other header stays.
_OF_THE_BODY = ("Content-Disposition", "Content-Encoding", "Content-Length", "Content-Type", "Location")
_WORDS: dict[int, tuple[str, str]] = {
    400: ("bad_request", "the call cannot be read: its address, headers or body are malformed"),
    401: ("not_authenticated", "send a token, or sign in"),
    403: ("not_allowed", "this needs another role"),
    404: ("not_found", "there is nothing here, or it is not yours to see"),
    405: ("method_not_allowed", "this address does not know the method"),
    413: ("body_too_large", "the body is too large"),
    500: ("server_error", "a fault of ours: nothing was recorded; it is in the log of the installation"),
    503: ("unavailable", UNAVAILABLE),
}
_REFUSED = ("refused", "the call was refused")
_NO_SLASH = "there is nothing here: addresses end with a slash"


class ProblemsMiddleware:
    """Stands outside all others, so that it sees what they and Django make of an error.

    The problem documents of the endpoints pass as they are. Anything else from 400 on, in whatever format and for
    whatever `Accept`, is said again as one; what happened stands in the log, where Django has put it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        path = request.path_info
        if response.status_code < 400 or not (path.startswith(PREFIX) or path == PREFIX.rstrip("/")):
            return response
        if response.get("Content-Type", "").partition(";")[0] == ProblemRenderer.media_type:
            return response
        return _said_again(response, path)


def _said_again(response: HttpResponseBase, path: str) -> HttpResponse:
    code, detail = _WORDS.get(response.status_code, _REFUSED)
    if response.status_code == 404 and not path.endswith("/"):
        detail = _NO_SLASH
    body = json.dumps(document(code, response.status_code, detail))
    headers = {name: value for name, value in response.items() if name.title() not in _OF_THE_BODY}
    said = HttpResponse(body, status=response.status_code, content_type=ProblemRenderer.media_type, headers={**headers})
    said["Content-Length"] = str(len(said.content))
    said.cookies = response.cookies
    # Closed with the answer that is sent, not before.
    said._resource_closers.extend(response._resource_closers)  # type: ignore[attr-defined]
    return said
