"""Figures that documents take from the catalogue are those of its files."""

from __future__ import annotations

import csv
import re

import pytest

from tests.docs.pages import PAGES, text_of
from tests.plugins.servers import ROOT

FIGURES = {
    r"([\d,]+) sellers": "providers",
    r"([\d,]+) parts": "accelerators",
    r"([\d,]+) dated prices": "prices",
    r"([\d,]+) dated token prices": "token_prices",
    r"\b(\d[\d,]*) legal (?:lines|thresholds)": "thresholds",
}


@pytest.mark.parametrize("said", FIGURES)
def test_counts_of_the_catalogue_are_true(said: str) -> None:
    with (ROOT / "estimator" / "data" / f"{FIGURES[said]}.csv").open(encoding="utf-8") as file:
        rows = sum(1 for _ in csv.DictReader(file))
    pages = [page for page in PAGES if page.name != "CHANGELOG.md"]
    found = {(page.name, figure) for page in pages for figure in re.findall(said, text_of(page))}
    assert found, "no page says it any more"
    assert {(name, figure) for name, figure in found if figure != f"{rows:,}"} == set()
