"""Wherever an accelerator is chosen: the organisation's own first, then by class, each with its price."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from governance.services.requests import drafts
from tests.cast import ACCELERATOR, Cast, content

Browser = Callable[[str], Client]


def form_page(cast: Cast, client: Client) -> str:
    now = timezone.now()
    draft = drafts.create_draft(actor=cast.alice, content=content(start_on=now.date().isoformat()), now=now)
    return client.get(f"/requests/{draft.number}/edit/?step=size").content.decode()


def estimator_page(cast: Cast, client: Client) -> str:
    return client.get("/estimator/", {"accelerator": ACCELERATOR}).content.decode()


@pytest.mark.parametrize("page", [form_page, estimator_page])
def test_own_accelerators_come_first_then_classes_each_with_its_price(
    page: Callable[[Cast, Client], str], cast: Cast, browser_of: Browser
) -> None:
    html = page(cast, browser_of("alice"))
    select = unescape(html.partition('name="accelerator"')[2].partition("</select>")[0]).replace("\u00a0", " ")
    groups = re.findall(r'<optgroup label="([^"]+)">(.*?)</optgroup>', select, re.DOTALL)
    assert groups[0][0] == "Yours: owned or at an agreed price"
    assert re.findall(r"<option[^>]*>([^<]+)<", groups[0][1]) == ["H100 SXM5 80GB, 1.00 USD/h, on demand"]
    headings = [heading for heading, _ in groups]
    assert len(headings) == len(set(headings))
    for heading in ("NVIDIA Hopper", "NVIDIA Blackwell", "AMD CDNA 3", "Google TPU"):
        assert heading in headings
    texts = re.findall(r"<option[^>]*>([^<]+)<", "".join(options for _, options in groups[1:]))
    prices = (r", from [\d,.]+ USD/h, list price of \d+ \w{3} \d{4}", ", no current price")
    assert all(any(re.search(f"{price}$", text) for price in prices) for text in texts), texts
    assert "A40, from 1.28 USD/h, list price of 24 May 2026" in texts
    # One of all options is chosen, and it is the one that was asked for.
    assert re.findall(r'value="([^"]*)" selected', select) == [ACCELERATOR]
