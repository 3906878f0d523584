"""The acceptable-use statements: read the current version, see what changed, accept it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from governance.domain.errors import NotFound
from governance.selectors.filters import read_number
from governance.selectors.rules import acceptable_use as selector
from governance.services.rules import acceptable_use as service
from governance.web import viewing
from governance.web.base import page, signed_in


@require_http_methods(["GET", "HEAD", "POST"])
@page
def show(request: HttpRequest) -> HttpResponse:
    """Every statement in effect; a POST accepts one version."""
    user, now = signed_in(request), viewing.now()
    if request.method == "POST":
        version_id = read_number(request.POST.get("version"))
        if version_id is None:
            raise NotFound("there is no such version")
        acceptance = service.accept_version(version_id=version_id, actor=user, now=now)
        messages.success(request, f"You accepted version {acceptance.version.number}. You can submit requests.")
        return redirect("web:acceptable_use")
    return render(
        request,
        "acceptable_use/acceptable_use.html",
        {"statements": selector.statements(user.person_id, now=now), "now": now},
    )
