"""What a person types never widens a page of others: words of any length break, on a phone and on a desk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from governance.models import ApprovalStage, Budget, Grant, Person, Project, ProvisioningRequest
from governance.services.approvals import decisions
from governance.services.requests import comments, drafts, submission
from tests.browser.walk import Walk
from tests.cast import Cast, content, reviewed

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

WIDTHS = (360, 1280)
LONG = "X" * 120
PATH = "https://wiki.example.com/" + "a" * 300


def long_words(cast: Cast) -> list[str]:
    """Requests in several states whose every text is one long word. Returns the pages that show them."""
    now = timezone.now()
    Project.objects.update(name="P" * 120)
    Budget.objects.update(name="B" * 120)
    Person.objects.filter(pk=cast.alice.person_id).update(name="N" * 120)
    dates = {"start_on": now.date().isoformat(), "end_on": (now + timedelta(days=13)).date().isoformat()}
    texts = {"title": LONG, "justification": LONG * 9, "evidence": [{"kind": "pilot_run", "url": PATH}]}
    ask = {"actor": cast.alice, "now": now}
    submission.create_and_submit(content=content(**dates, **texts), **ask)
    waiting = submission.create_and_submit(content=reviewed(**dates, **texts), **ask)
    comments.add_comment(request_id=waiting.pk, actor=cast.bob, text=LONG * 3, now=now)
    changed = submission.create_and_submit(content=reviewed(**dates, **texts), **ask)
    stage = ApprovalStage.objects.get(provisioning_request=changed)
    decisions.decide(
        stage_id=stage.pk, actor=cast.bob, verdict="changes", reason=LONG * 3, revision_digest=stage.revision.digest,
        now=now,
    )  # fmt: skip
    draft = drafts.create_draft(content=content(**dates, **texts), **ask)
    stage = ApprovalStage.objects.get(provisioning_request=waiting)
    records = ("provisioningrequest", "grant", "budget", "project", "requestcomment")
    requests = ProvisioningRequest.objects.values_list("number", flat=True)
    return [
        "/", "/requests/", *(f"/requests/{number}/" for number in requests), "/grants/",
        f"/grants/{Grant.objects.get().number}/", "/budgets/", "/budgets/long-context/", f"/search/?q={LONG[:60]}",
        f"/requests/{draft.number}/edit/?step=purpose", f"/requests/{draft.number}/edit/?step=review",
        "/admin/queue/", "/admin/waiting/", "/admin/decided/", f"/admin/decide/{stage.pk}/",
        *(f"/admin/governance/{name}/" for name in records),
        f"/admin/governance/provisioningrequest/{waiting.pk}/change/",
    ]  # fmt: skip


def too_wide(page: Page, url: str, paths: list[str]) -> list[str]:
    faults = []
    for path in paths:
        answer = page.goto(url + path)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            found = page.evaluate("document.documentElement.scrollWidth")
            if found > width and answer is not None and answer.status == 200:
                faults.append(f"{path} is {found} px wide in a window of {width}")
    return faults


@pytest.mark.parametrize("who", ["alice", "bob", "carol"])
def test_a_word_of_120_characters_widens_no_page(
    site: tuple[str, Cast], visitors: Callable[..., Page], who: str
) -> None:
    """Case F22."""
    url, cast = site
    paths = long_words(cast)
    page = visitors()
    Walk(page, url).sign_in(who)
    page.wait_for_url(url + "/")
    assert not (faults := too_wide(page, url, paths)), "\n".join(faults)
