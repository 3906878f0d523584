"""The first page: what needs the person, what waits for others, what runs, what they may use."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from governance.selectors import home as selector
from governance.web import viewing
from governance.web.base import page, signed_in


@page
def show(request: HttpRequest) -> HttpResponse:
    """The signed-in person's own first page."""
    user, now = signed_in(request), viewing.now()
    found = selector.home(user, visibility=viewing.visibility(request, user, now), now=now)
    return render(request, "home/home.html", {"home": found, "now": now})
