"""One request with its whole story, and what its requester may still do with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from governance.display import context, names
from governance.models import BudgetHold, ProvisioningRequest, RequestComment
from governance.policy.decisions.answer import Duty
from governance.selectors.requests import provisioning as provisioning_page
from governance.services.requests import comments, drafts, submission
from tests.cast import Cast
from tests.officers import published
from tests.unit.selectors.register.test_usable_places import add_price
from tests.web import reading

Browser = Callable[[str], Client]
QUERIES_MAX = 13
ADVICE_QUERIES_MAX = 23
"""The page of a request with advice on it: what the request would be judged by today is read, once."""


def page(client: Client, request: ProvisioningRequest) -> str:
    answer = client.get(reverse("web:request_detail", args=[request.number]))
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_page_says_who_has_it_and_until_when(cast: Cast, browser_of: Browser) -> None:
    html = page(browser_of("alice"), reading.waiting(cast))
    assert "Bob and Frank have it now." in html
    assert "Expect a decision by" in html
    assert "No action needed." in html


def test_the_amount_that_counts_is_shown_with_what_is_held(cast: Cast, browser_of: Browser) -> None:
    request = reading.waiting(cast, gpu_hours_cap=1_234.0)
    html = page(browser_of("alice"), request)
    assert "1,234 USD" in html
    assert "held until" in html
    assert BudgetHold.objects.get(provisioning_request=request).amount_micro == 1_234_000_000


def test_the_timeline_quotes_everybody_as_they_wrote_newest_first(cast: Cast, browser_of: Browser) -> None:
    request = reading.waiting(cast)
    comments.add_comment(
        request_id=request.pk, actor=cast.bob, text="Which data?\n<script>alert(1)</script>", now=timezone.now()
    )
    reading.decide(cast, request, "changes", "Say which data, please & thank you.")
    html = page(browser_of("alice"), request)
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    story = [
        "Bob (team lead) asked for changes",
        "Say which data, please &amp; thank you.",
        "Bob wrote",
        "Which data?",
        "You submitted revision 1.",
        "You started a draft",
    ]
    places = [html.index(words) for words in story]
    assert places == sorted(places)


def test_a_second_revision_shows_what_changed(cast: Cast, browser_of: Browser) -> None:
    request = reading.waiting(cast)
    content = dict(ProvisioningRequest.objects.get(pk=request.pk).draft) | {"gpu_hours_cap": 1_500.0}
    drafts.save_draft(request_id=request.pk, actor=cast.alice, content=content, now=timezone.now())
    submission.submit_request(request_id=request.pk, actor=cast.alice, now=timezone.now())
    html = page(browser_of("bob"), request)
    assert "<del>1,000\u00a0GPU-hours</del>" in html
    assert "<ins>1,500\u00a0GPU-hours</ins>" in html
    assert "+50\u00a0%" in html


def test_a_refusal_names_the_rule_and_says_that_nothing_is_held(cast: Cast, browser_of: Browser) -> None:
    html = page(browser_of("alice"), reading.denied(cast))
    assert "Why it is denied" in html
    assert "Nothing was held." in html
    assert "clause 4.4" in html


def test_the_nearest_ask_is_only_offered_when_a_smaller_ask_would_do(cast: Cast, browser_of: Browser) -> None:
    alone = page(browser_of("alice"), reading.waiting(cast, accelerator_count=8, gpu_hours_cap=2_600.0))
    assert "Request at most 1,500\u00a0GPU-hours instead of 2,600." in alone
    crowded = page(browser_of("alice"), reading.waiting(cast, accelerator_count=8, gpu_hours_cap=100.0))
    assert "No change to this request helps" in crowded


def test_evidence_is_a_link_only_when_it_leads_to_the_web(cast: Cast, browser_of: Browser) -> None:
    request = reading.waiting(cast, evidence=[{"kind": "dpia", "url": "https://files.example.com/31"}])
    html = page(browser_of("bob"), request)
    assert 'href="https://files.example.com/31" rel="noopener noreferrer nofollow"' in html
    bad = reading.draft(cast, title="Bad", evidence=[{"kind": "dpia", "url": "javascript:alert(1)"}])
    assert 'href="javascript' not in page(browser_of("alice"), bad)


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"title": 7, "gpu_hours_cap": "many", "accelerator_count": True, "start_on": "soon", "evidence": "none"},
        {"work": [1, 2], "use_tags": {"a": 1}, "access_countries": "IE", "evidence": [1, {"url": 5}]},
        {"title": "x" * 500, "gpu_hours_cap": 1e300, "country": ["IE"], "end_on": 20261231, "provider": None},
        {"accelerator_count": 8, "workload": "fine_tuning", "work": {"parameters_billion": 13, "tokens_billion": 10}},
    ],
)
def test_a_draft_may_hold_anything_and_its_page_still_opens(
    cast: Cast, browser_of: Browser, content: dict[str, object]
) -> None:
    request = reading.draft(cast, **content)
    html = page(browser_of("alice"), request)
    assert "Nothing is held, and nobody was notified." in html


def test_the_page_needs_few_queries_however_long_the_story_is(cast: Cast, browser_of: Browser) -> None:
    request = reading.waiting(cast)
    counts = []
    for length in (1, 6):
        for _ in range(length):
            comments.add_comment(request_id=request.pk, actor=cast.bob, text="More.", now=timezone.now())
            content = dict(ProvisioningRequest.objects.get(pk=request.pk).draft)
            drafts.save_draft(request_id=request.pk, actor=cast.alice, content=content, now=timezone.now())
            submission.submit_request(request_id=request.pk, actor=cast.alice, now=timezone.now())
        for name in ("alice", "bob", "erin"):
            client = browser_of(name)
            page(client, request)
            with CaptureQueriesContext(connection) as queries:
                page(client, request)
            counts.append(len(queries))
    assert max(counts) <= QUERIES_MAX
    assert counts[:3] == counts[3:]


def test_advice_costs_the_same_however_much_there_is_to_look_at(cast: Cast, browser_of: Browser) -> None:
    """What one asked for in 30 days, budgets above, and places that are cheaper: none of them is read one by one."""
    request = reading.waiting(cast)
    # What a process remembers for a minute is read by the first page here, not by one of those that are counted.
    names.forget()
    context.forget_organisation()
    counts = []
    for _ in range(2):
        for name in ("alice", "bob"):
            client = browser_of(name)
            page(client, request)
            provisioning_page._advice_kept.clear()
            with CaptureQueriesContext(connection) as queries:
                html = page(client, request)
            assert ("Nearest request that needs fewer people" in html) is (name == "alice")
            counts.append(len(queries))
        for _ in range(4):
            reading.waiting(cast)
        for provider in ("lambda", "verda"):
            add_price(provider, usd="0.40")
    assert counts[:2] == counts[2:]
    assert counts[0] <= ADVICE_QUERIES_MAX
    assert counts[1] <= QUERIES_MAX


def test_a_refusal_says_to_every_reader_what_would_have_passed(cast: Cast, browser_of: Browser) -> None:
    request = reading.denied(cast, purpose="evaluation", data_class="personal")
    for name in ("alice", "bob"):
        assert "Nearest request that would be allowed" in page(browser_of(name), request)


# ------------------------------------------------------------------------------- steps


def test_withdrawing_releases_the_hold_and_keeps_the_reason(cast: Cast, browser_of: Browser) -> None:
    request = reading.waiting(cast)
    address = reverse("web:request_withdraw", args=[request.number])
    answer = browser_of("alice").post(address, {"reason": "The release moved."}, follow=True)
    assert answer.redirect_chain[-1][0] == reverse("web:request_detail", args=[request.number])
    html = answer.content.decode()
    assert "is withdrawn" in html
    assert "The release moved." in html
    assert BudgetHold.objects.get(provisioning_request=request).state == "released"


def test_a_refused_withdrawal_keeps_the_text_and_writes_nothing(cast: Cast, browser_of: Browser) -> None:
    grant = reading.granted(cast)
    number = grant.provisioning_request.number
    address = reverse("web:request_withdraw", args=[number])
    answer = browser_of("alice").post(address, {"reason": "Changed my mind"})
    assert answer.status_code == 409
    html = answer.content.decode()
    assert "Changed my mind</textarea>" in html
    assert "It was not withdrawn" in html
    assert ProvisioningRequest.objects.get(number=number).state == "granted"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Write at least 3 characters."),
        ("no", "Write at least 3 characters."),
        ("a\x00b c", "Contains an invisible or control character"),
        ("x" * 4_001, "has 4,001 characters"),
    ],
)
def test_a_comment_that_cannot_be_kept_comes_back_with_its_text(
    cast: Cast, browser_of: Browser, text: str, sentence: str
) -> None:
    request = reading.waiting(cast)
    address = reverse("web:request_comment", args=[request.number])
    answer = browser_of("bob").post(address, {"text": text})
    assert answer.status_code == 400
    html = answer.content.decode()
    assert sentence.lower() in html.lower()
    assert 'aria-invalid="true"' in html
    assert text.replace("\x00", "\x00")[:100] in html
    assert not RequestComment.objects.filter(provisioning_request=request).exists()


def test_a_comment_appears_in_the_timeline_as_written(cast: Cast, browser_of: Browser) -> None:
    request = reading.waiting(cast)
    client = browser_of("bob")
    answer = client.post(
        reverse("web:request_comment", args=[request.number]), {"text": "First line\r\nsecond “line”"}, follow=True
    )
    assert "First line<br>second “line”" in answer.content.decode()


def test_cloning_opens_a_new_draft_of_the_one_who_clones(cast: Cast, browser_of: Browser) -> None:
    request = reading.denied(cast)
    answer = browser_of("bob").post(reverse("web:request_clone", args=[request.number]))
    clone = ProvisioningRequest.objects.order_by("-number").first()
    assert clone is not None
    assert (clone.state, clone.requester_id, clone.title) == ("draft", cast.bob.pk, request.title)
    assert answer["Location"] == reverse("web:request_edit", args=[clone.number])


def test_discarding_a_draft_takes_it_out_of_the_list(cast: Cast, browser_of: Browser) -> None:
    request = reading.draft(cast, title="Half a thought")
    client = browser_of("alice")
    answer = client.post(reverse("web:request_discard", args=[request.number]), follow=True)
    assert "is discarded" in answer.content.decode()
    assert "Half a thought</a>" not in client.get("/requests/").content.decode()


def test_somebody_who_may_decide_finds_the_way_to_the_desk(cast: Cast, browser_of: Browser) -> None:
    request = reading.waiting(cast)
    stage = request.stages.get()
    assert f'href="{reverse("admin:decide", args=[stage.pk])}"' in page(browser_of("bob"), request)
    for name in ("alice", "erin"):
        assert "Decide</a>" not in page(browser_of(name), request)


def test_an_ended_review_offers_no_decision_and_no_withdrawal(cast: Cast, browser_of: Browser) -> None:
    request = reading.waiting(cast)
    reading.decide(cast, request, "reject", "Not this quarter.")
    html = page(browser_of("alice"), request)
    assert "Rejected" in html
    assert "Not this quarter." in html
    assert "Withdraw</a>" not in html
    assert "Clone</button>" in html


def test_times_are_shown_in_the_readers_zone(cast: Cast, browser_of: Browser) -> None:
    request = reading.waiting(cast)
    noon = timezone.now().replace(month=7, hour=12, minute=34) - timedelta(days=365)
    ProvisioningRequest.objects.filter(pk=request.pk).update(submitted_at=noon)
    # Dublin is an hour ahead of UTC in July.
    assert ", 13:34" in page(browser_of("alice"), request)


def test_duties_are_said_as_what_to_do() -> None:
    duties = [Duty("original_approvers", {}, "ES-2.change"), Duty("notify_commission", {}, "CT-4")]
    decision = SimpleNamespace(obligations=duties, indeterminate=[], exceptions_applied=[])
    found = render_to_string("requests/detail_reasons.html", {"current": SimpleNamespace(decision=decision)})
    said = "the requester must have the original approvers decide again (ES-2.change), notify the Commission (CT-4)."
    assert said in " ".join(found.split())


def test_a_refusal_for_lack_of_acceptance_leads_to_where_one_accepts(cast: Cast, browser_of: Browser) -> None:
    now = timezone.now()
    published(
        asker=cast.grace, second=cast.frank, now=now - timedelta(days=20), slug="compute", text="1. Say what is true.",
        clauses=[], effective_from=None, consent_due=now - timedelta(days=10),
    )  # fmt: skip
    request = reading.denied(cast, title="Not accepted")
    link = f'<a href="{reverse("web:acceptable_use")}">Read and accept it</a>'
    assert link in page(browser_of("alice"), request)
    # Whoever else reads it has nothing to accept for them.
    assert link not in page(browser_of("bob"), request)
