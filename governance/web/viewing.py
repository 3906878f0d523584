"""What the reading pages share: what the person may see, and addresses that keep their filters."""

from __future__ import annotations

from datetime import datetime

from django.http import Http404, HttpRequest
from django.utils import timezone

from governance.models import User, Visibility
from governance.selectors.filters import NUMBER_MAX
from governance.selectors.people import people

_REMEMBERED = "_comptroller_visibility"


def visibility(request: HttpRequest, user: User, now: datetime) -> Visibility:
    """What this person may see, read once per HTTP request."""
    found = getattr(request, _REMEMBERED, None)
    if found is None:
        found = people.visibility_of(user, now=now)
        setattr(request, _REMEMBERED, found)
    return found


def query_without(request: HttpRequest, *names: str) -> str:
    """The query string without some names, ready for another `name=value`: empty, or ending in `&`."""
    query = request.GET.copy()
    for name in names:
        query.pop(name, None)
    return f"{query.urlencode()}&" if query else ""


def known_number(number: int) -> int:
    """A number from an address; one that no row can have reads like one that no row has."""
    if number > NUMBER_MAX:
        raise Http404("there is nothing with this number")
    return number


def now() -> datetime:
    """The instant of this page: read here, in the interface, and passed down."""
    return timezone.now()
