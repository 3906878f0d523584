"""The cast in the database of a running product, and browsers of different kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.walk import Walk
from tests.cast import Cast, set_budget
from tests.plugins.browser import TIMEOUT_MS
from tests.plugins.processes import LiveStack, WebServer

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

BUDGET_USD = 60_000


@pytest.fixture
def cast(cast_today: Cast) -> Cast:
    """The cast as of now: pages read the clock themselves."""
    return set_budget(cast_today, usd=BUDGET_USD)


@pytest.fixture
def stack(live_stack: LiveStack, cast: Cast) -> tuple[LiveStack, Cast]:
    """Web server, worker, beat and SMTP server, with the cast in their database."""
    return live_stack, cast


@pytest.fixture
def site(web_server: WebServer, cast: Cast) -> tuple[str, Cast]:
    """The web server alone, with the cast in its database: its address, and the cast."""
    return web_server.url, cast


@pytest.fixture
def visitors(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Callable[..., Page]]:
    """Further browsers, each with a profile of its own: `visitors(java_script_enabled=False)`."""
    contexts: list[Any] = []

    def arrive(**options: Any) -> Page:
        defaults = {"viewport": {"width": 1440, "height": 900}, "locale": "en-GB", "timezone_id": "UTC"}
        context = browser.new_context(**(defaults | options))
        context.set_default_timeout(TIMEOUT_MS)
        contexts.append(context)
        page = context.new_page()
        complaints: list[str] = []
        page.complaints = complaints  # type: ignore[attr-defined]
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield arrive
    for context in contexts:
        context.close()


@pytest.fixture
def walk_of() -> Callable[[Page, str], Walk]:
    """A person's way through the product at an address."""
    return Walk
