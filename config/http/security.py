"""What is said with every answer: which content security policy, and that nobody keeps a copy.

The product's own pages run under the strict policy of `settings.CONTENT_SECURITY_POLICY`.
Two third-party front ends cannot: the admin theme evaluates expressions kept in attributes
and writes inline styles, and the API browser writes inline styles. They get a looser
policy, never none; inline script stays refused everywhere.
"""

from __future__ import annotations

from collections.abc import Callable

from csp.constants import NONCE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.http import HttpRequest, HttpResponseBase
from django.middleware.common import CommonMiddleware

ADMIN_PREFIX = "/admin/"
API_BROWSER_PREFIX = "/api/docs/"

LOOSER_POLICIES = {
    ADMIN_PREFIX: {
        "script-src": [SELF, NONCE, UNSAFE_EVAL],
        "style-src": [SELF, UNSAFE_INLINE],
    },
    API_BROWSER_PREFIX: {
        "style-src": [SELF, UNSAFE_INLINE],
        "worker-src": ["blob:"],
    },
}
"""Directives that take the place of the strict ones under a path prefix."""


class PolicyByPlaceMiddleware:
    """Marks responses under a looser prefix; stands right after `CSPMiddleware`, which writes the header."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        for prefix, directives in LOOSER_POLICIES.items():
            # A view that set its own policy knows better than its address.
            if request.path_info.startswith(prefix) and not hasattr(response, "_csp_replace"):
                response._csp_replace = directives  # type: ignore[attr-defined]
        return response


class NoStoreMiddleware:
    """Keeps pages, exports and answers of the API out of every cache: what they say depends on who reads it.

    Stands inside `WhiteNoiseMiddleware`, whose files are everybody's and stay cacheable. A view whose answer is
    everybody's as well says `public`.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        said = response.get("Cache-Control", "")
        if "public" not in said and "no-store" not in said:
            response["Cache-Control"] = f"{said}, no-store" if said else "no-store"
        return response


class SlashMiddleware(CommonMiddleware):
    """Adds a missing slash to an address that is read; one that changes something is not found instead.

    A redirect would turn the call into a GET, lose its body, and look as if it had worked.
    """

    def should_redirect_with_slash(self, request: HttpRequest) -> bool:
        return request.method in ("GET", "HEAD") and super().should_redirect_with_slash(request)
