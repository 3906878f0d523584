"""Every page answers HEAD as it answers GET, and nobody but its reader keeps a copy of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from governance.models import User
from governance.services.requests import drafts, submission
from tests.cast import Cast, content, open_stage, reviewed


def dated(**changes: object) -> dict[str, object]:
    today = timezone.now().date()
    return {"start_on": today.isoformat(), "end_on": (today + timedelta(days=13)).isoformat()} | changes


@pytest.fixture
def numbers(cast: Cast) -> dict[str, int]:
    """A draft, a request in review with its stage, and a grant."""
    now = timezone.now()
    draft = drafts.create_draft(actor=cast.alice, content=content(**dated()), now=now)
    review = submission.create_and_submit(actor=cast.alice, content=reviewed(**dated()), now=now)
    granted = submission.create_and_submit(actor=cast.alice, content=content(**dated()), now=now)
    return {
        "draft": draft.number,
        "review": review.number,
        "grant": granted.grant.number,
        "stage": open_stage(review).pk,
    }


def pages_of(numbers: dict[str, int]) -> list[str]:
    """Pages that alice opens."""
    return [
        *(reverse(f"web:{name}") for name in (
            "home", "request_list", "request_new", "request_preview", "grant_list", "budget_list", "catalogue",
            "estimator", "reports", "acceptable_use", "notifications", "search",
        )),
        reverse("web:request_detail", args=[numbers["review"]]),
        reverse("web:request_edit", args=[numbers["draft"]]),
        reverse("web:request_withdraw", args=[numbers["review"]]),
        reverse("web:request_discard", args=[numbers["draft"]]),
        reverse("web:grant_detail", args=[numbers["grant"]]),
        reverse("web:grant_return", args=[numbers["grant"]]),
        "/nothing-is-here/",
    ]  # fmt: skip


def test_head_is_get_without_the_body_and_no_page_is_kept(
    browser_of: Callable[[str], Client], numbers: dict[str, int]
) -> None:
    browser = browser_of("alice")
    for path in pages_of(numbers):
        seen, head = browser.get(path), browser.head(path)
        assert (head.status_code, head.content) == (seen.status_code, b""), path
        assert "no-store" in seen["Cache-Control"], path
        assert "no-store" in head["Cache-Control"], path


def test_desk_pages_answer_head_and_are_not_kept(
    cast: Cast, browser_of: Callable[[str], Client], numbers: dict[str, int]
) -> None:
    desk = browser_of("bob")
    for path in (
        reverse("admin:queue"),
        reverse("admin:decide", args=[numbers["stage"]]),
        reverse("admin:governance_provisioningrequest_changelist"),
        reverse("admin:governance_team_changelist"),
        reverse("admin:governance_team_change", args=[cast.team.pk]),
    ):
        seen, head = desk.get(path), desk.head(path)
        assert (seen.status_code, head.status_code, head.content) == (200, 200, b""), path
        assert "no-store" in seen["Cache-Control"], path


def test_a_withdrawal_is_not_made_by_reading(
    cast: Cast, browser_of: Callable[[str], Client], numbers: dict[str, int]
) -> None:
    browser = browser_of("alice")
    for path in pages_of(numbers):
        browser.head(path)
    assert set(cast.alice.requests.values_list("state", flat=True)) == {"draft", "in_review", "granted"}


def test_the_sign_in_page_is_not_kept_and_static_files_are(db: None) -> None:
    assert "no-store" in Client().get(reverse("web:login"))["Cache-Control"]
    style = Client().get("/static/comptroller/base.css")
    assert style.status_code == 200
    assert "no-store" not in style["Cache-Control"]
    assert "max-age" in style["Cache-Control"]
    assert "public" in Client().get("/favicon.ico")["Cache-Control"]


def test_a_post_without_its_slash_is_not_redirected(cast: Cast, browser_of: Callable[[str], Client]) -> None:
    browser = browser_of("alice")
    assert browser.get("/notifications").status_code == 301
    assert browser.post("/notifications", {"wants_digest": "on"}).status_code == 404
    assert User.objects.get(pk=cast.alice.pk).person.wants_digest
