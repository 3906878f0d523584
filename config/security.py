"""Which content security policy is sent where.

The product's own pages run under the strict policy of `settings.CONTENT_SECURITY_POLICY`.
Two third-party front ends cannot: the admin theme evaluates expressions kept in attributes
and writes inline styles, and the API browser writes inline styles. They get a looser
policy, never none; inline script stays refused everywhere.
"""

from __future__ import annotations

from collections.abc import Callable

from csp.constants import NONCE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.http import HttpRequest, HttpResponseBase

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
