"""Budgets: the tree, one budget, its ledger to the cent."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.display import dates
from governance.domain.money.ledger import JournalKind
from governance.models import Budget
from governance.selectors.money.budgets import LEDGER_PAGE_LENGTH
from governance.services.money import budgets
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
    assert "1 request in review" in html.replace("\u00a0", " ")


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
        amounts += re.findall(r'data-label="Amount, USD">\s*\+([\d.,]+)\s*<', html)
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


def test_a_period_is_told_by_its_last_day(cast: Cast, browser_of: Browser) -> None:
    budget = Budget.objects.get(slug="long-context")
    budget.period_start, budget.period_end = datetime(2025, 2, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    assert dates.period(budget.period_start, budget.period_end) == "1\u00a0Feb 2025 to 31\u00a0Jan 2026"
    budget = Budget.objects.get(slug="long-context")
    html = browser_of("carol").get("/budgets/long-context/").content.decode()
    assert dates.period(budget.period_start, budget.period_end) in html


def test_money_that_no_request_moved_says_so(cast: Cast, browser_of: Browser) -> None:
    budget = Budget.objects.get(slug="long-context")
    for kind in (JournalKind.HOLD, JournalKind.CAPTURE, JournalKind.SPEND):
        budgets.move(kind, [budget], 5_000_000, key=f"bill:{kind}", actor=cast.carol, now=timezone.now())
    html = on_one_line(browser_of("carol").get("/budgets/long-context/").content.decode())
    assert html.count("Metered use that no request covers") == 3
    assert "Billed: spent" in html


def test_the_ledger_is_exported_to_the_cent_and_only_to_those_who_see_it(cast: Cast, browser_of: Browser) -> None:
    request = reading.waiting(cast, gpu_hours_cap=1_612.4)
    answer = browser_of("carol").get("/budgets/long-context/?export=ledger")
    assert answer["Content-Type"].startswith("text/csv")
    newest = answer.content.decode().splitlines()[1]
    assert f"Hold,{request.reference}," in newest
    assert newest.endswith(",-1612.4,20000.0,18387.6")
    assert browser_of("dave").get("/budgets/long-context/?export=ledger").status_code == 404


def test_the_plot_has_a_table_with_the_same_figures(cast: Cast, browser_of: Browser) -> None:
    reading.waiting(cast, gpu_hours_cap=1_612.4)
    html = on_one_line(browser_of("carol").get("/budgets/long-context/").content.decode())
    table = html.split("The plot as a table")[1].split("</table>")[0]
    assert "Held and committed" in table
    assert "1,612.40" in table
    assert "20,000.00" in table


def test_a_budget_page_needs_few_queries(cast: Cast, browser_of: Browser) -> None:
    for _ in range(3):
        reading.waiting(cast)
    client = browser_of("bob")
    client.get("/budgets/long-context/")
    with CaptureQueriesContext(connection) as queries:
        assert client.get("/budgets/long-context/?before=nonsense").status_code == 200
    assert len(queries) <= 12


def test_the_named_owner_sees_the_budget_what_lies_below_and_what_they_can_do(cast: Cast, browser_of: Browser) -> None:
    """Without any role there: the mail about the budget links here."""
    dave = browser_of("dave")
    assert dave.get("/budgets/organisation/").status_code == 404
    Budget.objects.filter(slug="organisation").update(owner=cast.dave.person)
    assert "Long context</a>" in dave.get("/budgets/").content.decode()
    assert dave.get("/budgets/long-context/").status_code == 200
    reading.waiting(cast, gpu_hours_cap=1_000)
    Budget.objects.filter(slug="organisation").update(limit_micro=1_000 * 10**6)
    page = on_one_line(dave.get("/budgets/organisation/").content.decode())
    assert (
        "You are responsible for this budget. You can ask Carol or Frank to raise the limit, or ask the owners" in page
    )
    assert "Open it at the desk" not in page
    assert "You answer for this budget" not in browser_of("erin").get("/budgets/organisation/").content.decode()


def test_a_requester_sees_on_the_list_what_home_says_that_they_can_use(cast: Cast, browser_of: Browser) -> None:
    page = browser_of("alice").get("/budgets/").content.decode()
    assert "Budgets that your requests use" in page
    assert "Long context" in page
    assert "/budgets/long-context/" not in page
    assert "You see no budget" not in page
