"""One search over everything that the person may see."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from governance.selectors import search as selector
from governance.web import viewing
from governance.web.base import page, signed_in


@require_safe
@page
def show(request: HttpRequest) -> HttpResponse:
    """Requests, grants, budgets and projects whose number or name matches."""
    user, now = signed_in(request), viewing.now()
    found = selector.search(request.GET.get("q", ""), visibility=viewing.visibility(request, user, now))
    return render(request, "search/search.html", {"found": found, "chars_min": selector.WORDS_CHARS_MIN})
