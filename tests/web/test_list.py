"""The list of requests: filters, pages, and a cost that does not grow with what is stored."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.models import Counter, ProvisioningRequest
from governance.selectors.filters import PAGE_LENGTH
from tests.cast import Cast
from tests.web import reading

Browser = Callable[[str], Client]
QUERIES_MAX = 12


def titles(client: Client, query: str = "") -> list[str]:
    html = client.get(f"/requests/{query}").content.decode()
    return re.findall(r'<th scope="row">\s*<a href="[^"]*">([^<]*)</a>', html)


def bulk(cast: Cast, count: int, *, title: str = "Past", state: str = "discarded") -> None:
    """Rows as they would be after years; written directly, because only the list is looked at."""
    now = timezone.now()
    newest = ProvisioningRequest.objects.order_by("-number").values_list("number", flat=True).first() or 0
    first = newest + 1
    Counter.objects.update_or_create(name="request", defaults={"value": newest + count})
    ProvisioningRequest.objects.bulk_create(
        ProvisioningRequest(
            number=first + index, state=state, title=f"{title} {index}", requester=cast.alice, project=cast.project,
            revision_count=1, created_at=now, changed_at=now, submitted_at=now - timedelta(minutes=count - index),
        )
        for index in range(count)
    )  # fmt: skip


def test_each_filter_narrows_the_list(cast: Cast, browser_of: Browser) -> None:
    reading.granted(cast, title="Small lease")
    reading.waiting(cast, title="Large lease", who="heidi")
    reading.denied(cast, title="Bad idea")
    reading.draft(cast, title="Half a thought", project="long-context")
    client = browser_of("bob")
    today = timezone.now().date()
    assert titles(client) == ["Half a thought", "Bad idea", "Large lease", "Small lease"]
    assert titles(client, "?state=granted") == ["Small lease"]
    assert titles(client, "?q=lease") == ["Large lease", "Small lease"]
    assert titles(client, "?q=REQ-0003") == ["Bad idea"]
    assert titles(client, "?q=3") == ["Bad idea"]
    assert titles(client, "?person=heid") == ["Large lease"]
    assert titles(client, "?person=nobody") == []
    assert titles(client, "?outcome=deny") == ["Bad idea"]
    assert titles(client, "?outcome=allow") == ["Small lease"]
    assert titles(client, "?kind=renewal") == []
    assert titles(client, "?project=long-context&state=in_review") == ["Large lease"]
    assert titles(client, f"?since={today + timedelta(days=2)}") == []
    assert titles(client, f"?until={today + timedelta(days=1)}") == ["Bad idea", "Large lease", "Small lease"]


def test_filters_survive_paging_and_every_row_is_met_once(cast: Cast, browser_of: Browser) -> None:
    bulk(cast, 2 * PAGE_LENGTH + 5, title="Wanted", state="withdrawn")
    bulk(cast, 7, title="Other", state="expired")
    client = browser_of("alice")
    query, met, pages = "?state=withdrawn&q=Wanted", [], 0
    while query:
        html = client.get(f"/requests/{query}").content.decode()
        met += re.findall(r">(Wanted \d+)</a>", html)
        assert "Other" not in html
        assert '<option value="withdrawn" selected>' in html
        older = re.search(r'rel="next" href="([^"]*)"', html)
        query = older[1].replace("&amp;", "&") if older else ""
        pages += 1
        assert pages < 10
    assert pages == 3
    assert met == [f"Wanted {index}" for index in reversed(range(2 * PAGE_LENGTH + 5))]


def test_newer_leads_back_to_where_one_came_from(cast: Cast, browser_of: Browser) -> None:
    bulk(cast, 2 * PAGE_LENGTH, state="withdrawn")
    client = browser_of("alice")
    first = client.get("/requests/").content.decode()
    assert 'rel="prev"' not in first
    older = re.search(r'rel="next" href="([^"]*)"', first)
    assert older is not None
    second = client.get(f"/requests/{older[1]}").content.decode()
    newer = re.search(r'rel="prev" href="([^"]*)"', second)
    assert newer is not None
    assert titles(client, newer[1]) == titles(client)


def test_nonsense_in_the_address_is_said_and_breaks_nothing(cast: Cast, browser_of: Browser) -> None:
    reading.granted(cast, title="Small lease")
    client = browser_of("alice")
    for query in (
        "?before=abc", "?before=-5", "?before=99999999999999999999", "?after=%00", "?state=nonsense", "?since=soon",
        "?until=2026-13-45", "?q=%00", f"?q={'x' * 5000}", "?project=..%2F..", "?person=%F0%9F%92%A9", "?outcome=maybe",
    ):  # fmt: skip
        answer = client.get(f"/requests/{query}")
        assert answer.status_code == 200, query
    html = client.get("/requests/?since=soon").content.decode()
    assert "Enter a valid date." in html
    assert '<details class="more" open>' in html


def test_what_is_typed_into_a_filter_is_never_markup(cast: Cast, browser_of: Browser) -> None:
    html = browser_of("alice").get('/requests/?q="><script>x</script>&before=3').content.decode()
    assert "<script>x" not in html


def test_an_empty_list_says_what_will_appear(cast: Cast, browser_of: Browser) -> None:
    client = browser_of("dave")
    assert "You see no requests yet." in client.get("/requests/").content.decode()
    assert "No request matches." in client.get("/requests/?state=granted").content.decode()


def test_the_cost_does_not_grow_with_the_rows(cast: Cast, browser_of: Browser) -> None:
    counts = []
    for count in (2, 60):
        bulk(cast, count, state="withdrawn")
        for _ in range(2):
            reading.waiting(cast)
        for name in ("alice", "bob", "erin"):
            client = browser_of(name)
            client.get("/requests/")
            with CaptureQueriesContext(connection) as queries:
                client.get("/requests/?q=a&state=")
            counts.append(len(queries))
            assert not any("count(" in query["sql"].lower() for query in queries)
    assert max(counts) <= QUERIES_MAX
    assert counts[:3] == counts[3:]
