"""Budgets: the tree, one budget, its ledger to the cent."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.domain.ledger import JournalKind
from governance.models import Budget
from governance.selectors.budgets import LEDGER_PAGE_LENGTH
from governance.services import budgets
from tests.cast import Cast
from tests.web import reading

Browser = Callable[[str], Client]


def on_one_line(html: str) -> str:
    """Without the line breaks and indents of the templates; no-break spaces stay."""
    return re.sub(r"[ \n]+", " ", html)


def test_the_tree_shows_what_one_looks_after_and_nothing_above(cast: Cast, browser_of: Browser) -> None:
    assert "Organisation</a>" in browser_of("carol").get("/budgets/").content.decode()
    lead = browser_of("bob").get("/budgets/").content.decode()
    assert "Long context</a>" in lead
    assert "Organisation</a>" not in lead
    assert "You see no budget." in browser_of("dave").get("/budgets/").content.decode()


def test_the_ledger_has_every_cent_and_the_headroom_around_it(cast: Cast, browser_of: Browser) -> None:
    request = reading.waiting(cast, gpu_hours_cap=1_612.4)
    html = on_one_line(browser_of("carol").get("/budgets/long-context/").content.decode())
    assert f'Hold, <a href="/requests/{request.number}/">{request.reference}</a>' in html
    assert "−1,612.40" in html
    assert "20,000.00" in html
    assert "18,387.60" in html
    assert "1 request waits" in html.replace("\u00a0", " ")


def test_a_grant_moves_the_hold_without_touching_the_headroom(cast: Cast, browser_of: Browser) -> None:
    grant = reading.granted(cast)
    html = on_one_line(browser_of("carol").get("/budgets/long-context/").content.decode())
    assert (
        f'Hold became a grant, <a href="/requests/{grant.provisioning_request.number}/">{grant.reference}</a>' in html
    )
    assert "unchanged" in html


def test_the_ledger_pages_meet_every_journal_once(cast: Cast, browser_of: Browser) -> None:
    budget = Budget.objects.get(slug="long-context")
    count = 2 * LEDGER_PAGE_LENGTH + 3
    for index in range(count):
        budgets.move(
            JournalKind.FUND, [budget], 10_000 * (index + 1), key=f"test:{index}", actor=cast.carol, now=timezone.now()
        )
    client, query, amounts, pages = browser_of("carol"), "", [], 0
    while True:
        html = client.get(f"/budgets/long-context/{query}").content.decode()
        amounts += re.findall(r'data-l="Amount, USD">\s*\+([\d.,]+)\s*<', html)
        older = re.search(r'rel="next" href="([^"#]*)#ledger"', html)
        pages += 1
        if older is None:
            break
        query = older[1]
    assert pages == 3
    assert amounts[:count] == [f"{(index + 1) / 100:.2f}" for index in reversed(range(count))]
    assert amounts[count:] == ["20,000.00"]


def test_too_little_data_shows_no_forecast(cast: Cast, browser_of: Browser) -> None:
    reading.granted(cast)
    html = browser_of("carol").get("/budgets/long-context/").content.decode()
    assert "too little spending so far for a forecast" in html
    assert "too little data for a forecast" in html  # the plot's text alternative
    assert "No forecast" in html


def test_a_budget_page_needs_few_queries(cast: Cast, browser_of: Browser) -> None:
    for _ in range(3):
        reading.waiting(cast)
    client = browser_of("bob")
    client.get("/budgets/long-context/")
    with CaptureQueriesContext(connection) as queries:
        assert client.get("/budgets/long-context/?before=nonsense").status_code == 200
    assert len(queries) <= 12
