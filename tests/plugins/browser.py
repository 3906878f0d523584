"""Debian's Chromium, driven by Playwright: `page` is a fresh, empty browser profile."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.plugins.servers import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
MISSING = f"no Chromium at {CHROMIUM}: install Debian's `chromium`, or name one in CHROMIUM"
TIMEOUT_MS = 15_000


def _require_chromium(request: pytest.FixtureRequest) -> str:
    """A run that claims to be complete may not leave the browser out; a laptop may."""
    found = shutil.which(CHROMIUM)
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    return found


@pytest.fixture
def chromium(request: pytest.FixtureRequest) -> str:
    """The path of the browser."""
    return _require_chromium(request)


@pytest.fixture(scope="session")
def _browsers() -> Iterator[dict[str, Any]]:
    """One browser per process, started by the first test that needs it."""
    started: dict[str, Any] = {}
    yield started
    if "browser" in started:
        started["browser"].close()
        started["playwright"].stop()


@pytest.fixture
def browser(chromium: str, _browsers: dict[str, Any]) -> Browser:
    if "browser" not in _browsers:
        from playwright.sync_api import sync_playwright

        # Playwright keeps an event loop in this thread, which Django takes for asynchronous code.
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
        _browsers["playwright"] = sync_playwright().start()
        _browsers["browser"] = _browsers["playwright"].chromium.launch(executable_path=chromium, args=list(FLAGS))
    return _browsers["browser"]  # type: ignore[no-any-return]


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page of an empty profile, 1440 × 900. What its console complains about is in `page.complaints`."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB", timezone_id="UTC")
    context.set_default_timeout(TIMEOUT_MS)
    page = context.new_page()
    complaints: list[str] = []
    page.complaints = complaints  # type: ignore[attr-defined]
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    failed_before = request.session.testsfailed
    yield page
    if request.session.testsfailed > failed_before or getattr(request.node, "failed", False):
        folder = ROOT / "test-results"
        folder.mkdir(exist_ok=True)
        page.screenshot(path=_picture(folder, request.node.nodeid), full_page=True)
    context.close()


def _picture(folder: Path, nodeid: str) -> Path:
    return folder / (re.sub(r"[^A-Za-z0-9]+", "_", nodeid)[-120:] + ".png")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.when == "call" and report.failed:
        item.failed = True  # type: ignore[attr-defined]
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    skipped = [
        report
        for report in terminalreporter.stats.get("skipped", [])
        if MISSING in str(getattr(report, "longrepr", ""))
    ]
    if skipped:
        terminalreporter.write_line(f"{len(skipped)} browser tests were skipped: {MISSING}", yellow=True)
