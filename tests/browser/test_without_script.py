"""The form without JavaScript, and with nothing but a keyboard."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from governance.models import BudgetHold, ProvisioningRequest
from tests.browser.walk import JUSTIFICATION, TITLE, Walk
from tests.cast import Cast

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

TABS_MAX = 80


def test_a_request_is_submitted_without_javascript(visitors: Callable[..., Page], site: tuple[str, Cast]) -> None:
    url, _ = site
    page = visitors(java_script_enabled=False)
    alice = Walk(page, url)
    alice.sign_in("alice")
    alice.open_form()
    alice.answer_all(datetime.now(UTC).date(), scripted=False)
    # The same panel stands beside the form; it is brought up to date at every step instead of every key.
    assert "3,000" in page.locator("#preview").inner_text()
    page.get_by_role("button", name="Submit", exact=True).click()
    page.get_by_role("heading", name=TITLE).wait_for()
    request = ProvisioningRequest.objects.get()
    assert request.state == "in_review"
    assert BudgetHold.objects.get().amount_micro == 3_000_000_000
    # Deciding needs no script either.
    desk = visitors(java_script_enabled=False)
    bob = Walk(desk, url)
    bob.sign_in("bob", "/admin/")
    desk.get_by_role("link", name=TITLE).click()
    desk.locator("#reason").fill("It is within the plan.")
    desk.get_by_role("button", name="Approve").click()
    desk.get_by_text("You approved").wait_for()
    request.refresh_from_db()
    assert request.state == "granted"


def test_a_request_is_submitted_with_the_keyboard_alone(page: Page, site: tuple[str, Cast]) -> None:
    """No pointer: Tab finds every control in order, Enter goes on, and what has the focus can be seen."""
    url, _ = site
    page.goto(url + "/requests/new/")
    keyboard = page.keyboard
    _tab_to(page, "id_username")
    keyboard.type("alice@example.com")
    _tab_to(page, "id_password")
    keyboard.type("cast-only-password")
    keyboard.press("Enter")
    page.locator("#id_title").wait_for()

    # The first Tab offers to skip the navigation.
    keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    keyboard.press("Enter")

    _tab_to(page, "id_title")
    keyboard.type(TITLE)
    _tab_to(page, "id_project")
    keyboard.type("Long")
    _tab_to(page, "id_workload")
    keyboard.type("Lease")
    page.locator("#id_work-hours_per_accelerator").wait_for()
    _tab_to(page, name="sizing")
    _choose_radio(page, "cap")
    keyboard.press("Enter")
    page.locator("#id_accelerator").wait_for()

    _tab_to(page, "id_accelerator")
    _choose_option(page, "h100-sxm5-80gb")
    _tab_to(page, "id_accelerator_count")
    keyboard.type("16")
    _tab_to(page, "id_gpu_hours_cap")
    keyboard.type("3000")
    keyboard.press("Enter")
    page.locator("#id_start_on").wait_for()

    _tab_to(page, name="place")
    _choose_radio(page, "coreweave~on_demand~h100-sxm5-80gb")
    _tab_to(page, "id_country")
    keyboard.type("Swed")
    _tab_to(page, "id_access_countries")
    keyboard.press("Control+a")
    keyboard.type("Ireland")
    keyboard.press("Enter")
    page.locator("#id_justification").wait_for()

    _tab_to(page, "id_purpose")
    _choose_option(page, "research")
    _tab_to(page, "id_justification")
    keyboard.type(JUSTIFICATION)
    _tab_to(page, name="data_class")
    _choose_radio(page, "internal")
    _tab_to(page, text="Continue to")
    keyboard.press("Enter")
    page.get_by_role("button", name="Submit", exact=True).wait_for()

    _tab_to(page, text="Submit")
    keyboard.press("Enter")
    page.get_by_role("heading", name=TITLE).wait_for()
    assert ProvisioningRequest.objects.get().state == "in_review"


def _tab_to(page: Page, identifier: str = "", *, name: str = "", text: str = "") -> None:
    """Press Tab until the control has the focus; everything on the way must show that it has it."""
    for _ in range(TABS_MAX):
        page.keyboard.press("Tab")
        focus = page.evaluate(
            """() => { const e = document.activeElement, s = getComputedStyle(e);
            return {id: e.id, name: e.name || '', text: (e.textContent || '').trim(), tag: e.tagName,
                    // The calendar button inside a date field is the browser's own and outlined by it.
                    shown: s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0 || !e.matches(':focus')} }"""
        )
        assert focus["shown"] or focus["tag"] == "BODY", f"nobody sees that the focus is on {focus}"
        if (identifier and focus["id"] == identifier) or (name and focus["name"] == name):
            return
        if text and focus["text"].startswith(text) and focus["tag"] == "BUTTON":
            return
    raise AssertionError(f"Tab does not reach `{identifier or name or text}`")


def _choose_radio(page: Page, value: str) -> None:
    """Space takes the radio that has the focus, the arrows walk on through the group."""
    page.keyboard.press("Space")
    for _ in range(40):
        if page.evaluate("document.activeElement.value") == value:
            return
        page.keyboard.press("ArrowDown")
    raise AssertionError(f"the arrows do not reach `{value}`")


def _choose_option(page: Page, value: str) -> None:
    for _ in range(200):
        if page.evaluate("document.activeElement.value") == value:
            return
        page.keyboard.press("ArrowDown")
    raise AssertionError(f"the arrows do not reach `{value}`")
