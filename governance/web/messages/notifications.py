"""How a person is told: their morning mail can be stopped and started here; mails about decisions always come."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from governance.services.messages import digests as service
from governance.web import viewing
from governance.web.base import page, signed_in


@require_http_methods(["GET", "HEAD", "POST"])
@page
def show(request: HttpRequest) -> HttpResponse:
    """What comes by mail; a POST starts or stops the morning mail. Opening it from a mail changes nothing."""
    user = signed_in(request)
    if request.method == "POST":
        wants = request.POST.get("wants_digest") == "yes"
        service.choose(actor=user, wants_digest=wants, now=viewing.now())
        messages.success(request, "The daily email is on." if wants else "The daily email is off.")
        return redirect("web:notifications")
    return render(request, "notifications/notifications.html", {"person": user.person})
