"""From the estimator into a filled draft: the page's own button, and one for each offer."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest
from django.test import Client

from governance.models import ProvisioningRequest
from tests.cast import ACCELERATOR, Cast

ASKED = {
    "workload": "fine_tuning",
    "work-parameters_billion": "8",
    "work-tokens_billion": "1",
    "accelerator": ACCELERATOR,
    "accelerator_count": "8",
    "provider": "coreweave",
    "price_term": "on_demand",
    "country": "SE",
    "window_days": "14",
    "size": "1",
}


def forms_of(page: str) -> list[dict[str, str]]:
    """The fields of each form that leads to a draft."""
    parts = re.findall(r'<form method="post" action="/requests/new/from-estimate/".*?</form>', page, re.DOTALL)
    found = r'<input type="hidden" name="([^"]+)" value="([^"]*)">'
    return [{name: unescape(value) for name, value in re.findall(found, part)} for part in parts]


def test_what_was_estimated_becomes_a_draft(cast: Cast, browser_of: Callable[[str], Client]) -> None:
    alice = browser_of("alice")
    own, *offers = forms_of(alice.get("/estimator/", ASKED).content.decode())
    assert offers
    answer = alice.post("/requests/new/from-estimate/", own)
    draft = ProvisioningRequest.objects.get()
    assert answer.headers["Location"] == f"/requests/{draft.number}/edit/"
    wanted = {
        "workload": "fine_tuning", "sizing": "work", "accelerator": ACCELERATOR, "accelerator_count": 8,
        "provider": "coreweave", "price_term": "on_demand", "country": "SE", "title": "Fine-tuning",
    }  # fmt: skip
    assert {name: draft.draft.get(name) for name in wanted} == wanted
    assert draft.draft["work"]["parameters_billion"] == 8
    assert draft.state == "draft"
    assert alice.get(answer.headers["Location"]).status_code == 200


def test_an_offer_replaces_the_place(cast: Cast, browser_of: Callable[[str], Client]) -> None:
    alice = browser_of("alice")
    offer = forms_of(alice.get("/estimator/", ASKED).content.decode())[1]
    alice.post("/requests/new/from-estimate/", offer)
    draft = ProvisioningRequest.objects.get().draft
    assert draft["accelerator"] == offer["accelerator"]
    assert draft["provider"] == offer["provider"]
    assert draft["accelerator_count"] == int(offer["accelerator_count"])
    assert "country" not in draft


@pytest.mark.parametrize(
    "posted",
    [
        {},
        {"workload": "nonsense"},
        {**ASKED, "accelerator_count": "1e999", "window_days": "-3"},
        {**ASKED, "provider": "a" * 5_000},
    ],
)
def test_odd_fields_make_a_draft_that_says_what_is_wrong(
    cast: Cast, browser_of: Callable[[str], Client], posted: dict[str, str]
) -> None:
    alice = browser_of("alice")
    answer = alice.post("/requests/new/from-estimate/", posted)
    assert answer.status_code == 302
    assert alice.get(answer.headers["Location"]).status_code == 200


def test_it_is_posted_never_fetched(browser_of: Callable[[str], Client]) -> None:
    assert browser_of("alice").get("/requests/new/from-estimate/").status_code == 405
