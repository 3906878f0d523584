"""Grants: the list, one grant, and giving one back."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from governance.domain.errors import GovernanceError
from governance.domain.prose import sentence
from governance.domain.states.grants import GrantState
from governance.selectors import filters
from governance.selectors.grants import grants as selector
from governance.services.grants import grants as service
from governance.web import viewing
from governance.web.base import page, signed_in


@require_safe
@page
def show_list(request: HttpRequest) -> HttpResponse:
    """Visible grants, newest first."""
    user, now = signed_in(request), viewing.now()
    found = filters.filter_grants(request.GET, visibility=viewing.visibility(request, user, now))
    shown = filters.page_by_number(
        found.qs,
        before=filters.read_number(request.GET.get("before")),
        after=filters.read_number(request.GET.get("after")),
    )
    context = {
        "filter": found,
        "page": shown,
        "views": selector.views_of(shown.rows, now=now),
        "query": viewing.query_without(request, "before", "after"),
        "is_filtered": any(request.GET.get(name) for name in found.filters),
        "is_paged": "before" in request.GET or "after" in request.GET,
    }
    return render(request, "grants/list.html", context)


@require_safe
@page
def show_detail(request: HttpRequest, number: int) -> HttpResponse:
    """One grant: cap, window, use, the label for jobs."""
    user, now = signed_in(request), viewing.now()
    found = selector.page(viewing.known_number(number), visibility=viewing.visibility(request, user, now), now=now)
    grant = found.view.grant
    may_return = grant.state == GrantState.ACTIVE and grant.owner_id == user.person_id
    return render(request, "grants/detail.html", {"found": found, "grant": grant, "may_return": may_return, "now": now})


@require_http_methods(["GET", "HEAD", "POST"])
@page
def give_back(request: HttpRequest, number: int) -> HttpResponse:
    """Ask once more, then return the grant and free what it did not spend."""
    user, now = signed_in(request), viewing.now()
    grant = selector.visible_grant(viewing.known_number(number), visibility=viewing.visibility(request, user, now))
    context = {"grant": grant, "view": selector.view_of(grant, now=now), "error": ""}
    if request.method != "POST":
        return render(request, "grants/return.html", context)
    try:
        service.return_grant(grant_id=grant.pk, actor=user, now=now)
    except GovernanceError as error:
        context["error"] = sentence(error.message)
        return render(request, "grants/return.html", context, status=error.http_status)
    messages.success(request, f"{grant.reference} is returned. Unspent money is released.")
    return redirect("web:grant_detail", number=number)
