"""The tutorials, followed word by word from `make run` on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.docs.tutorials import Reader, Terminals
from tests.plugins.servers import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

TUTORIALS = ROOT / "docs" / "tutorials"


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminals]:
    """One `make run` with the demonstration, for all tutorials that begin with it."""
    yield from _until_left(tmp_path_factory.mktemp("demonstration"))


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Terminals]:
    yield from _until_left(tmp_path)


def _until_left(folder: Path) -> Iterator[Terminals]:
    terminals = Terminals(folder)
    yield terminals
    terminals.leave()


@pytest.mark.prove
def test_a_stranger_makes_a_first_request(page: Page, demonstration: Terminals) -> None:
    Reader(page, demonstration).follow(TUTORIALS / "first_request.md")


@pytest.mark.prove
def test_a_policy_officer_brings_a_first_rule_into_force(page: Page, demonstration: Terminals) -> None:
    Reader(page, demonstration).follow(TUTORIALS / "first_policy.md")


def test_an_administrator_sets_up_an_organisation_in_an_hour(page: Page, empty: Terminals) -> None:
    Reader(page, empty).follow(TUTORIALS / "first_hour.md")
