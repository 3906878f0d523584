"""The pages for what went wrong, in plain words. Named in `config/urls.py` as the handlers.

The pages for faults of ours read no rows: the database may be what is broken.
"""

from __future__ import annotations

import sys

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from governance.models import User
from governance.services.contention import is_contention
from governance.web.base import zone_of

RETRY_AFTER_SECONDS = 10
FAULTS: tuple[tuple[type[Exception], str], ...] = ((TooManyFieldsSent, "fields"), (RequestDataTooBig, "size"))


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400: the browser sent something that no page of ours sends, or a form that is too large; the page says which."""
    fault = next((name for kind, name in FAULTS if isinstance(exception, kind)), "")
    # A page that asks for a part of itself shows the answer in the place of that part.
    template = "errors/400_part.html" if getattr(request, "htmx", False) else "errors/400.html"
    return _page(request, template, 400, fault=fault)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: also what a form gets whose token is old."""
    return _page(request, "errors/403.html", 403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form that was open for too long, or came from elsewhere."""
    return _page(request, "errors/403.html", 403, is_old_form=True)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404: missing and forbidden read the same."""
    return _page(request, "errors/404.html", 404)


def too_many(request: HttpRequest, wait_seconds: int = 60) -> HttpResponse:
    """429: somebody tried too often; the page says for how long nothing more is looked at.

    Args:
        wait_seconds: also in `Retry-After`.
    """
    response = _page(request, "errors/429.html", 429, minutes=-(-wait_seconds // 60))
    response["Retry-After"] = str(wait_seconds)
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """500, or 503 while the database does not answer."""
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return unavailable(request)
    return render(request, "errors/500.html", status=500)


def unavailable(request: HttpRequest) -> HttpResponse:
    """503: come back in a moment. The page says whether the database is away or others are changing the same thing."""
    is_busy = is_contention(sys.exc_info()[1])
    response = render(request, "errors/503.html", {"is_busy": is_busy}, status=503)
    response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def _page(request: HttpRequest, template: str, status: int, **context: object) -> HttpResponse:
    """The page in the zone of whoever is signed in: a view that failed has left it."""
    user = getattr(request, "user", None)
    with timezone.override(zone_of(user) if isinstance(user, User) else None):
        return render(request, template, context, status=status)
