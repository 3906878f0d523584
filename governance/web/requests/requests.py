"""Provisioning requests: the list, one request with its story, and the few steps that its requester may take."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from governance.domain.errors import GovernanceError, InvalidInput, NotFound
from governance.domain.prose import sentence
from governance.domain.states.requests import State
from governance.models import ProvisioningRequest, User
from governance.selectors import filters
from governance.selectors.approvals import queues
from governance.selectors.requests import provisioning
from governance.services.requests import comments, drafts, withdrawal
from governance.web import viewing
from governance.web.base import page, signed_in
from governance.web.requests import request_story


@require_safe
@page
def show_list(request: HttpRequest) -> HttpResponse:
    """Visible requests, newest first, narrowed by filters that survive paging."""
    user, now = signed_in(request), viewing.now()
    found = filters.filter_requests(request.GET, visibility=viewing.visibility(request, user, now))
    shown = filters.page_by_number(
        found.qs,
        before=filters.read_number(request.GET.get("before")),
        after=filters.read_number(request.GET.get("after")),
    )
    has = {waiting.request.pk: waiting for waiting in queues.who_has(_in_review(shown.rows), now=now)}
    context = {
        "filter": found,
        "page": shown,
        "rows": [(row, has.get(row.pk)) for row in shown.rows],
        "query": viewing.query_without(request, "before", "after"),
        "is_filtered": any(request.GET.get(name) for name in found.filters),
        "more_used": any(request.GET.get(name) for name in ("kind", "outcome", "since", "until")),
        "is_paged": "before" in request.GET or "after" in request.GET,
    }
    return render(request, "requests/list.html", context)


def _in_review(rows: Sequence[ProvisioningRequest]) -> list[ProvisioningRequest]:
    return [row for row in rows if row.state == State.IN_REVIEW]


@require_safe
@page
def show_detail(request: HttpRequest, number: int) -> HttpResponse:
    """One request with its whole story."""
    return _detail(request, number)


def _found(request: HttpRequest, number: int, user: User, now: datetime) -> ProvisioningRequest:
    return provisioning.visible_request(viewing.known_number(number), visibility=viewing.visibility(request, user, now))


def _detail(request: HttpRequest, number: int, *, text: str = "", error: str = "", status: int = 200) -> HttpResponse:
    user, now = signed_in(request), viewing.now()
    story = provisioning.story(
        viewing.known_number(number),
        visibility=viewing.visibility(request, user, now),
        viewer_id=user.person_id,
        now=now,
    )
    context = request_story.present(story, user=user, now=now) | {"comment_text": text, "comment_error": error}
    return render(request, "requests/detail.html", context, status=status)


@require_POST
@page
def comment(request: HttpRequest, number: int) -> HttpResponse:
    """Add a remark; a refusal shows the page again with the text kept."""
    user, now = signed_in(request), viewing.now()
    text = request.POST.get("text", "")
    found = _found(request, number, user, now)
    try:
        comments.add_comment(request_id=found.pk, actor=user, text=text, now=now)
    except NotFound:
        raise
    except InvalidInput as error:
        problem = " ".join(sentence(each) for each in error.errors.get("text", [error.message]))
        return _detail(request, number, text=text, error=problem, status=error.http_status)
    except GovernanceError as error:
        return _detail(request, number, text=text, error=sentence(error.message), status=error.http_status)
    messages.success(request, "Your comment is in the timeline.")
    return redirect("web:request_detail", number=number)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def withdraw(request: HttpRequest, number: int) -> HttpResponse:
    """Ask once more, then take the request back for good."""
    user, now = signed_in(request), viewing.now()
    found = _found(request, number, user, now)
    context: dict[str, object] = {"provisioning_request": found, "reason": "", "error": ""}
    if request.method != "POST":
        return render(request, "requests/detail_withdraw.html", context)
    reason = request.POST.get("reason", "")
    try:
        withdrawal.withdraw_request(request_id=found.pk, actor=user, reason=reason, now=now)
    except GovernanceError as error:
        context |= {"reason": reason, "error": sentence(_first(error))}
        return render(request, "requests/detail_withdraw.html", context, status=error.http_status)
    messages.success(request, f"{found.reference} is withdrawn. Nothing is held for it.")
    return redirect("web:request_detail", number=number)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def discard(request: HttpRequest, number: int) -> HttpResponse:
    """Ask once more, then end a draft."""
    user, now = signed_in(request), viewing.now()
    found = _found(request, number, user, now)
    context: dict[str, object] = {"provisioning_request": found, "error": ""}
    if request.method != "POST":
        return render(request, "requests/detail_discard.html", context)
    try:
        drafts.discard_draft(request_id=found.pk, actor=user, now=now)
    except GovernanceError as error:
        return render(
            request,
            "requests/detail_discard.html",
            context | {"error": sentence(error.message)},
            status=error.http_status,
        )
    messages.success(request, f"{found.reference} is discarded.")
    return redirect("web:request_list")


@require_POST
@page
def clone(request: HttpRequest, number: int) -> HttpResponse:
    """Start a new draft with the same answers, and open it."""
    user, now = signed_in(request), viewing.now()
    found = _found(request, number, user, now)
    draft = drafts.clone_request(request_id=found.pk, actor=user, now=now)
    messages.success(request, f"{draft.reference} is a new draft with the answers of {found.reference}.")
    return redirect("web:request_edit", number=draft.number)


def _first(error: GovernanceError) -> str:
    """The sentence about the one field of a short form, else the refusal's own."""
    if isinstance(error, InvalidInput):
        return next((sentences[0] for sentences in error.errors.values() if sentences), error.message)
    return error.message
