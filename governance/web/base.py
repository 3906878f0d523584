"""What the pages' views share: who is signed in, in which zone, and how a refusal is shown."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_required
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from governance.display.dates import zone_named
from governance.domain.errors import GovernanceError, NotFound
from governance.domain.prose import sentence
from governance.models import User

View = Callable[..., HttpResponse]


def page(view: View) -> View:
    """A view for a signed-in person: rendered in their zone; a refusal is a page of its own, never a 500.

    Missing and not visible look the same: 404.
    """

    @login_required
    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with timezone.override(zone_of(signed_in(request))):
            try:
                return view(request, *args, **kwargs)
            except NotFound as error:
                raise Http404(error.message) from error
            except GovernanceError as error:
                return refusal(request, error)
            except RequestDataTooBig:
                return render(request, "components/too_large.html", status=400)

    return cast(View, shown)


def signed_in(request: HttpRequest) -> User:
    """The account behind the request; `page` has made sure that there is one."""
    return cast(User, request.user)


def zone_of(user: User) -> ZoneInfo:
    """The person's zone; UTC when the name is no longer known."""
    return zone_named(user.person.time_zone)


def refusal(request: HttpRequest, error: GovernanceError, *, back: str = "") -> HttpResponse:
    """The page for a refusal that no form can carry: the sentence, and the way back."""
    context = {"sentence": sentence(error.message), "code": error.code, "back": back}
    return render(request, "components/refusal.html", context, status=error.http_status)
