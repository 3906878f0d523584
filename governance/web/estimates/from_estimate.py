"""From an estimate to a draft request: the same answers, ready to be completed. Nothing is submitted."""

from __future__ import annotations

from datetime import date, timedelta

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from governance.display.vocabulary import words
from governance.domain.requests.checks import WINDOW_DAYS_MAX
from governance.domain.requests.fields import TITLE_CHARS_MAX
from governance.domain.requests.kinds import NEW
from governance.services.requests import drafts
from governance.web.base import page, signed_in
from governance.web.requests.answers import Content, read_integer, read_step, read_text

_PLACE = ("accelerator", "provider", "price_term", "country")


@require_POST
@page
def request_from_estimate(request: HttpRequest) -> HttpResponse:
    """Save a draft with what the estimator was asked, and open it where the first answer is missing."""
    now = timezone.now()
    content = content_of(request.POST, today=now.date())
    draft = drafts.create_draft(actor=signed_in(request), content=content, now=now)
    return redirect("web:request_edit", number=draft.number)


def content_of(asked: QueryDict, *, today: date) -> Content:
    """The fields of a request that an estimate answers; what it leaves open is left out.

    Args:
        asked: the estimator's fields, and those of one offer where one was chosen.
    """
    content, _ = read_step("workload", asked, {})
    content |= {name: read_text(asked.get(name)) for name in _PLACE}
    content |= {
        "kind": NEW.slug,
        "sizing": "work",
        "title": words(content.get("workload"))[:TITLE_CHARS_MAX],
        "accelerator_count": read_integer(asked.get("accelerator_count")),
        "start_on": today.isoformat(),
    }
    days = read_integer(asked.get("window_days"))
    if isinstance(days, int) and 1 <= days <= WINDOW_DAYS_MAX:
        content["end_on"] = (today + timedelta(days=days - 1)).isoformat()
    return {name: value for name, value in content.items() if value is not None}
