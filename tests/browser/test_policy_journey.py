"""A limit is changed through the running product: drafted by form, judged on history, agreed by two, and it rules."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from governance.models import AuditEvent, PolicyBacktest, PolicyVersion, ProvisioningRequest
from governance.services.requests import submission
from tests.browser.walk import Walk
from tests.cast import Cast, add_person, content
from tests.house import broken_promises
from tests.plugins.processes import LiveStack

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

WHY = "Asks just below the old limit came in pairs."


def ask(cast: Cast) -> ProvisioningRequest:
    """1,000 USD: below the limit in force, above the one that will be."""
    now = datetime.now(UTC)
    dates = {"start_on": now.date().isoformat(), "end_on": (now.date() + timedelta(days=13)).isoformat()}
    return submission.create_and_submit(actor=cast.alice, content=content(**dates), now=now)


def test_a_limit_is_drafted_judged_on_history_agreed_by_two_and_rules(
    page: Page, visitors: Callable[..., Page], stack: tuple[LiveStack, Cast]
) -> None:
    product, cast = stack
    add_person("henrik", team=cast.root, roles=["policy_officer"], scope=cast.root, now=datetime.now(UTC))
    earlier = ask(cast)
    assert earlier.state == "granted"
    in_force = PolicyVersion.objects.get(policy_set__slug="approval-limits", state="active")

    # Grace drafts a lower limit by form.
    Walk(page, product.url).sign_in("grace", f"/admin/governance/policyversion/{in_force.pk}/limits/")
    page.get_by_label("Automatic approval limit (USD): from").fill(datetime.now(UTC).date().isoformat())
    page.locator("#id_value-auto_allow_max_usd").fill("800")
    page.locator("#changes ins").first.wait_for()
    page.get_by_label("What changes, in one line").fill("Lower the small limit to 800 USD")
    page.get_by_label("Why", exact=True).fill(WHY)
    page.get_by_role("button", name="Save as a draft").click()
    page.get_by_text("Saved as a draft: version 2.").wait_for()
    draft = PolicyVersion.objects.get(policy_set=in_force.policy_set, number=2)

    # Its cases run; then it is judged on what was decided, by the worker.
    record = f"{product.url}/admin/governance/policyversion/{draft.pk}/change/"
    page.goto(record)
    page.get_by_role("link", name="Run the cases").click()
    page.get_by_role("button", name="Run the cases").click()
    page.get_by_text("Test cases run").wait_for()
    # The small cast has one executive where a rule asks for two: that is found now, and has to be answered for.
    # Each of them may stand until a day, with a reason.
    explain = page.get_by_role("link", name="Explain a finding")
    explain.click()
    findings = page.locator("#id_finding option").evaluate_all("options => options.map(each => each.value)")
    for number, finding in enumerate(findings):
        if number:
            explain.click()
        page.get_by_label("The finding").select_option(finding)
        page.get_by_label("Why it is acceptable").fill("The second executive starts next month.")
        page.get_by_label("Until").fill((datetime.now(UTC) + timedelta(days=30)).date().isoformat())
        page.get_by_role("button", name="Explain a finding").click()
        page.get_by_text("Explained").first.wait_for()
    page.get_by_role("link", name="Backtests").click()
    page.get_by_role("button", name="Run a backtest").click()
    page.get_by_role("heading", name="The 1 that changes").wait_for()
    assert earlier.reference in page.inner_text("main")
    assert page.locator("#activation").get_by_text("nobody has reviewed its backtest").is_visible()
    page.get_by_role("button", name="Mark as reviewed").click()

    # Henrik is asked, and puts it in force.
    panel = page.locator("#activation")
    # An instant that the page had written by itself would have passed when somebody has read for a minute.
    assert panel.get_by_label("Takes effect").input_value() == ""
    panel.get_by_label("Reason").fill(WHY)
    panel.get_by_role("button", name="Henrik").click()
    page.get_by_text("Activation requested").first.wait_for()
    page.goto(record)
    assert panel.get_by_text("takes effect when a second officer approves").is_visible()
    desk = visitors()
    Walk(desk, product.url).sign_in("henrik", record.removeprefix(product.url))
    desk.locator("#activation").get_by_role("link", name="Approve or reject").click()
    desk.get_by_label("Approve").check()
    desk.get_by_role("button", name="Answer").click()
    desk.get_by_text("Answered").first.wait_for()

    draft.refresh_from_db()
    in_force.refresh_from_db()
    assert (draft.state, in_force.state) == ("active", "retired")
    assert PolicyBacktest.objects.get().result["flipped"] == 1
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"policy.tested", "policy.backtest_seen", "policy.activation_asked", "policy.activated"} <= actions

    # The next ask follows the new rule; the one before stands.
    assert ask(cast).state == "in_review"
    earlier.refresh_from_db()
    assert earlier.state == "granted"
    assert broken_promises() == []
    assert _complaints(page) == _complaints(desk) == []


def _complaints(page: Any) -> list[str]:
    return list(page.complaints)
