"""An officer drafts a limit by form: the sentence is marked while they type, and without script by a button."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from governance.models import PolicyVersion
from governance.policy.bundle.bundle import load_bundle
from tests.browser.walk import Walk
from tests.cast import Cast

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

NBSP = "\N{NO-BREAK SPACE}"
DAY = "2030-01-01"


def in_force() -> PolicyVersion:
    return PolicyVersion.objects.get(policy_set__slug="approval-limits", state="active")


def address(page: str) -> str:
    return f"/admin/governance/policyversion/{in_force().pk}/{page}/"


def test_an_officer_drafts_a_limit_and_sees_the_sentence_marked(page: Page, site: tuple[str, Cast]) -> None:
    url, _ = site
    Walk(page, url).sign_in("grace", address("limits"))
    page.get_by_role("heading", name="Change the limits of Approval limits").wait_for()
    page.get_by_label("Automatic approval limit (USD): from").fill(DAY)
    page.locator("#id_value-auto_allow_max_usd").fill("1,500")
    page.locator("#changes ins").first.wait_for()
    assert page.locator("#changes del").first.inner_text() == f"2,500{NBSP}USD"
    assert page.locator("#changes ins").first.inner_text() == f"1,500{NBSP}USD"
    assert page.locator("#review-sum").inner_text().startswith("2 rules change, 2 cases no longer pass.")
    # A slip is said in place, and what was typed stays.
    page.locator("#id_value-auto_allow_max_usd").fill("a little")
    page.locator("#changes [role=alert]").wait_for()
    page.locator("#id_value-auto_allow_max_usd").fill("1,500")
    page.locator("#changes ins").first.wait_for()
    page.get_by_label("What changes, in one line").fill("Lower the small limit")
    page.get_by_label("Why", exact=True).fill("Two asks were split.")
    page.get_by_role("button", name="Save as a draft").click()
    page.get_by_text("Saved as a draft: version 2.").wait_for()
    assert page.locator("ins").first.inner_text() == f"1,500{NBSP}USD"
    draft = PolicyVersion.objects.get(policy_set__slug="approval-limits", number=2)
    assert draft.state == "draft"
    values = next(each.values for each in load_bundle(draft.source).params if each.name == "auto_allow_max_usd")
    assert [(each.value, each.start.isoformat()) for each in values] == [(2500.0, "2024-01-01"), (1500.0, DAY)]
    assert page.complaints == []  # type: ignore[attr-defined]


def test_what_was_typed_before_the_script_came_is_checked_too(page: Page, site: tuple[str, Cast]) -> None:
    url, _ = site
    held: list[Route] = []
    Walk(page, url).sign_in("grace", address("limits"))
    page.get_by_role("heading", name="Change the limits of Approval limits").wait_for()
    page.route("**/htmx*.js", lambda route: held.append(route))
    page.reload(wait_until="commit")
    page.locator("#id_value-auto_allow_max_usd").fill("1,500")
    page.wait_for_timeout(600)
    assert page.locator("#changes ins").count() == 0
    held[0].continue_()
    page.locator("#changes ins").first.wait_for()
    assert page.locator("#changes ins").first.inner_text() == f"1,500{NBSP}USD"


def test_a_rule_is_checked_while_it_is_written_and_a_table_too(page: Page, site: tuple[str, Cast]) -> None:
    url, _ = site
    Walk(page, url).sign_in("grace", f"{address('text')}?rule=AL-6")
    page.locator("#id_when").fill("request.gpucount > 4")
    page.locator("#changes pre.caret").wait_for()
    assert "Did you mean request.accelerator_count?" in page.locator("#changes").inner_text()
    page.locator("#id_when").fill("request.accelerator_count > 4")
    page.get_by_text("It fires", exact=True).first.wait_for()
    page.locator("#id_facts").fill("headroom")
    page.locator("#facts dt", has_text="budget.headroom_after_usd").wait_for()
    page.wait_for_function("!document.querySelector('#facts').innerText.includes('request.accelerator_count')")
    page.goto(f"{url}{address('table')}?table=AL-5")
    page.locator('[name="v-0-0-0"]').fill("750,000")
    page.locator("#changes ins").first.wait_for()
    assert "Rows exec and board of AL-5 meet." in page.locator("#changes").inner_text()
    assert page.complaints == []  # type: ignore[attr-defined]


def test_without_script_a_button_does_the_same(visitors: Callable[..., Page], site: tuple[str, Cast]) -> None:
    url, _ = site
    page = visitors(java_script_enabled=False, viewport={"width": 390, "height": 844})
    Walk(page, url).sign_in("grace", address("limits"))
    page.locator("#id_value-auto_allow_max_usd").fill("1,500")
    page.get_by_role("button", name="Check", exact=True).click()
    assert page.locator("#changes ins").first.inner_text() == f"1,500{NBSP}USD"
    assert page.locator("#id_value-auto_allow_max_usd").input_value() == "1,500"
    assert page.evaluate("document.documentElement.scrollWidth") == 390
