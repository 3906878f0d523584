"""The panel beside the form: the same answer as the decision, for whatever is answered so far."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.models import ProvisioningRequest
from governance.services.requests import drafts, submission
from tests import cast as casting
from tests.cast import Cast
from tests.house import fingerprint
from tests.web import asking

PREVIEW = "/requests/preview/"
NBSP = "\u00a0"
QUERIES_MAX = 22


@pytest.fixture
def alice(browser_of: Callable[[str], Client]) -> Client:
    return browser_of("alice")


def saved(cast: Cast, **changes: object) -> ProvisioningRequest:
    """A complete draft of alice's, starting today."""
    today = timezone.now().date()
    dates = {"start_on": today.isoformat(), "end_on": (today + timedelta(days=13)).isoformat()}
    return drafts.create_draft(actor=cast.alice, content=casting.content(**dates | changes), now=timezone.now())


def text_of(client: Client, draft: ProvisioningRequest | None = None, **fields: object) -> str:
    """The words of the panel."""
    answer = client.post(PREVIEW, ({"number": draft.number} if draft else {}) | {"step": "review"} | fields)
    assert answer.status_code == 200, answer.content.decode()
    return words(answer.content.decode())


def words(html: str) -> str:
    plain = unescape(re.sub(r"<[^>]+>", " ", re.sub(r"<svg.*?</svg>", "", html, flags=re.DOTALL)))
    return re.sub(r"[ \n]+", " ", plain)


def test_a_small_ask_is_allowed_and_says_what_it_counts_as(alice: Client, cast: Cast) -> None:
    text = text_of(alice, saved(cast))
    assert "Approved automatically" in text
    assert f"Assessed at 1,000{NBSP}USD (your cap)" in text
    assert f"GPU-hours 1,000{NBSP}h" in text
    assert "(rule AL-1)" in text


def test_the_preview_answers_what_submitting_answers(alice: Client, cast: Cast) -> None:
    for changes, word, state in (
        ({}, "Approved automatically", "granted"),
        ({"accelerator_count": 16}, "Review: one person", "in_review"),
        ({"purpose": "social_scoring"}, "Denied", "denied"),
    ):
        draft = saved(cast, **changes)
        assert word in text_of(alice, draft)
        answered = submission.submit_request(request_id=draft.pk, actor=cast.alice, now=timezone.now())
        assert answered.state == state


def test_review_names_the_people_and_the_day(alice: Client, cast: Cast) -> None:
    text = text_of(alice, saved(cast, accelerator_count=16))
    assert re.search(r"Team lead: Bob or Frank , due \w{3} \d+\xa0\w{3}, 17:00\.", text), text


def test_review_shows_the_distance_to_the_nearest_ask_with_fewer_people(alice: Client, cast: Cast) -> None:
    text = text_of(alice, saved(cast, gpu_hours_cap=4000.0))
    assert "Review: one person" in text
    assert f"Nearest request with fewer people: Request at most 1,500{NBSP}GPU-hours instead of 4,000" in text
    assert "Nobody has to decide: it is approved automatically." in text


def test_a_refusal_gives_the_rule_in_words(alice: Client, cast: Cast) -> None:
    text = text_of(alice, saved(cast, purpose="social_scoring"))
    assert "Social scoring is prohibited by clause 4.1" in text
    assert "(rule AU-1)" in text


def test_no_price_is_unknown_and_a_person_looks(alice: Client, cast: Cast) -> None:
    text = text_of(alice, saved(cast, accelerator="maia-100"))
    assert "no price" in text
    assert "the cost is unknown" in text
    assert "Cost unknown" in text
    assert f" 0{NBSP}USD" not in text


def test_headroom_is_shown_on_every_level(alice: Client, cast: Cast) -> None:
    text = text_of(alice, saved(cast))
    assert "Long context 20,000 19,000" in text
    assert "Organisation 1,000,000 999,000" in text


def test_thresholds_say_how_far_away_they_are(alice: Client, cast: Cast) -> None:
    work = {"parameters_billion": 70, "tokens_billion": 10, "method": "full"}
    draft = saved(cast, workload="fine_tuning", sizing="work", work=work, accelerator_count=32, gpu_hours_cap=None)
    text = text_of(alice, draft)
    assert f"Training compute 4.4e21{NBSP}FLOP" in text
    assert re.search(r"Does not exceed 1e23 \(EU, .*?\): \d+\xa0× below at p90", text)
    assert "Fits." in text
    assert "Energy, carbon" in text
    assert "CO2e" in text


def test_an_empty_form_says_what_appears_and_what_is_needed(alice: Client) -> None:
    text = text_of(alice, step="workload", title="", workload="")
    assert "Not enough information yet" in text
    assert "Still needed: title, project, workload, accelerator and 8 more" in text


def test_a_half_filled_form_shows_what_can_be_shown(alice: Client, cast: Cast) -> None:
    content = {"workload": "lease", "sizing": "cap", "project": "long-context"}
    draft = drafts.create_draft(actor=cast.alice, content=content, now=timezone.now())
    text = text_of(alice, draft, **asking.size())
    assert f"Assessed at 1,000{NBSP}USD" in text
    assert "So far, with" in text
    assert "Until then we assume internal data, a start today" in text
    assert "CoreWeave" in text


def test_compute_is_sized_before_a_place_is_chosen(alice: Client) -> None:
    fields = asking.workload(workload="pretraining", shown_workload="pretraining", sizing="work")
    fields |= {"work-parameters_billion": "7", "work-tokens_billion": "4,000"}
    text = text_of(alice, **fields)
    assert f"Training compute 1.8e23{NBSP}FLOP" in text
    assert "May exceed 1e23" in text or "Exceeds 1e23" in text


def test_the_preview_writes_nothing(alice: Client, cast: Cast) -> None:
    draft = saved(cast)
    before = fingerprint()
    text_of(alice, draft, **asking.size(accelerator_count="4"))
    assert fingerprint() == before


def test_the_preview_of_someone_elses_draft_is_an_empty_one(browser_of: Callable[[str], Client], cast: Cast) -> None:
    draft = saved(cast)
    assert "Not enough information yet" in text_of(browser_of("dave"), draft)


def test_a_request_under_review_does_not_compete_with_its_own_hold(alice: Client, cast: Cast) -> None:
    today = timezone.now().date()
    request = casting.submitted(
        cast, now=timezone.now(), gpu_hours_cap=12_000.0, start_on=today.isoformat(), end_on=None
    )
    text = text_of(alice, request)
    assert "too little" not in text
    assert "Long context 20,000 8,000" in text


def test_the_page_shows_the_panel_without_javascript(alice: Client, cast: Cast) -> None:
    draft = saved(cast)
    page = words(alice.get(f"/requests/{draft.number}/edit/?step=review").content.decode())
    assert "Approved automatically" in page
    assert "Submitting issues the grant at once" in page


def test_the_phones_bar_has_verdict_and_cost(alice: Client, cast: Cast) -> None:
    html = alice.post(PREVIEW, {"number": saved(cast).number, "step": "review"}).content.decode()
    bar = html[html.index('id="peek"') :]
    assert 'hx-swap-oob="true"' in bar
    assert "assessed at 1,000" in bar


def test_every_plot_has_its_numbers_in_text_and_in_a_table(alice: Client, cast: Cast) -> None:
    work = {"parameters_billion": 70, "tokens_billion": 10}
    draft = saved(cast, workload="fine_tuning", sizing="work", work=work, accelerator_count=32, gpu_hours_cap=None)
    html = alice.post(PREVIEW, {"number": draft.number, "step": "review"}).content.decode()
    plots = re.findall(r'<svg class="plot"[^>]*role="img" aria-label="([^"]+)"', html)
    assert len(plots) >= 5
    for label in plots:
        assert re.search(r"p10 .*p50 .*p90 |% used and held", label), label
    assert html.count('<table class="visually-hidden">') == sum("p50" in label for label in plots)
    assert "style=" not in html


def test_queries_do_not_grow_with_what_was_asked_before(alice: Client, cast: Cast) -> None:
    draft = saved(cast)
    text_of(alice, draft)
    first = queries_of(alice, draft)
    for _ in range(12):
        saved(cast)
    assert queries_of(alice, draft) == first
    assert first <= QUERIES_MAX


def queries_of(client: Client, draft: ProvisioningRequest) -> int:
    with CaptureQueriesContext(connection) as captured:
        text_of(client, draft)
    return len(captured)
