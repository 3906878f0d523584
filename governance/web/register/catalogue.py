"""The catalogue: what accelerators there are, what they cost since when, and where the legal lines lie."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from governance.domain.text import clean
from governance.selectors.register import catalogue as selector
from governance.web import viewing
from governance.web.base import page

PAGE_LENGTH = 40
WORDS_CHARS_MAX = 120


@require_safe
@page
def show(request: HttpRequest) -> HttpResponse:
    """One section of the catalogue, searched and paged."""
    now = viewing.now()
    words, problem = clean(request.GET.get("q", ""), longest=WORDS_CHARS_MAX)
    shelf = selector.shelf(request.GET.get("section", ""), words, on=now.date())
    paginator = Paginator(shelf.rows, PAGE_LENGTH)
    context = {
        "shelf": shelf,
        "sections": [(name, name.capitalize()) for name in selector.SECTIONS],
        "page": paginator.get_page(request.GET.get("page")),
        "found_count": paginator.count,
        "words": words,
        "problem": f"The words {problem}." if problem else "",
        "today": now.date(),
    }
    return render(request, "catalogue/catalogue.html", context)
