"""An empty house, in the browser alone: from its first account to its first grant."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from typing import TYPE_CHECKING

import pytest

from governance.models import Grant, ProvisioningRequest, User
from tests.house import broken_promises
from tests.house_walk import OWNER_EMAIL, PASSWORD
from tests.plugins.processes import LiveStack

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(420)]

LINK = re.compile(r"https?://[^\s<>\"]+")


@dataclass
class Visitor:
    """One person in one browser, who fills in what is on the page."""

    page: Page
    url: str

    def sign_in(self, email: str, path: str = "/") -> None:
        self.page.goto(self.url + path)
        self.page.get_by_label("E-mail").fill(email)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in", exact=True).click()
        self.page.wait_for_url(re.compile(r"^(?!.*sign-in)"))

    def press(self, button: Locator) -> None:
        """Send a form and wait for the page that answers: whoever leaves before is not answered at all."""
        with self.page.expect_navigation():
            button.click()

    def fill(self, path: str, button: str, **values: str) -> None:
        """Open a form of the desk by its list, fill it in, and see it accepted."""
        page = self.page
        page.goto(self.url + path)
        for name, value in values.items():
            control = page.locator(f"#id_{name}")
            if control.evaluate("element => element.tagName") == "SELECT":
                control.select_option(label=value)
            elif value == "yes":
                control.check()
            else:
                control.fill(value)
        self.press(page.get_by_role("button", name=button, exact=True))
        problems = page.locator(".errors, .invalid, .errorlist")
        assert problems.count() == 0 or not problems.first.is_visible(), page.inner_text("main")[:2000]
        assert page.url != self.url + path, page.inner_text("main")[:2000]


def _link_in(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return LINK.findall(str(part.get_content()))[0]


def test_an_empty_house_reaches_its_first_grant(
    page: Page, visitors: Callable[..., Page], live_stack: LiveStack
) -> None:
    today, url = datetime.now(UTC).date(), live_stack.url
    User.objects.create_superuser(OWNER_EMAIL, PASSWORD)
    founder = Visitor(page, url)
    founder.sign_in(OWNER_EMAIL)
    set_up(founder, today)

    # Ada gets her way in by herself: nobody else knows her password.
    ada = Visitor(visitors(), url)
    ada.page.goto(_link_in(live_stack.mail.wait_for("ada@example.org", "password", seconds=90.0)))
    for label in ("id_password1", "id_password2"):
        ada.page.locator(f"#{label}").fill(PASSWORD)
    ada.press(ada.page.get_by_role("button", name="Set password"))
    ada.sign_in("ada@example.org", "/acceptable-use/")
    ada.press(ada.page.get_by_role("button", name=re.compile("accept", re.IGNORECASE)).first)

    ask(ada, today)
    grant = Grant.objects.get()
    assert (grant.gpu_hours_cap, grant.cost_cap_micro) == (1000.0, 1_000_000_000)
    assert ProvisioningRequest.objects.get().state == "granted"
    assert "Granted" in ada.page.inner_text("main")
    assert broken_promises() == []


def set_up(founder: Visitor, today: date) -> None:
    """Team, project, a person with a role, a provider with a price, and budgets: each on its page of the desk."""
    desk = "/admin/governance"
    founder.fill(f"{desk}/team/create/", "Add a team", name="Research", slug="research", parent="Organisation")
    founder.fill(f"{desk}/project/create/", "Add a project", name="First model", slug="first-model", team="Research")
    founder.fill(
        f"{desk}/person/add-person/", "Add a person", name="Ada", email="ada@example.org", team="Research",
        country="IE", requester_type="Employee", time_zone="Europe/Dublin",
    )  # fmt: skip
    founder.fill(
        f"{desk}/roleassignment/give/", "Assign a role", user="ada@example.org", role="Requester", team="Research"
    )
    founder.fill(
        f"{desk}/provider/register/", "Add a provider", slug="coreweave", name="CoreWeave",
        provider_type="Specialist", hq_country="US",
    )  # fmt: skip
    # The new provider's own page is open now; a provider is approved there.
    page = founder.page
    if page.get_by_role("link", name="Change", exact=True).count():
        page.get_by_role("link", name="Change", exact=True).click()
        page.locator("#id_is_approved").check()
        page.locator("#id_has_data_processing_agreement").check()
        page.locator("#id_terms_reviewed_on").fill(today.isoformat())
        founder.press(page.get_by_role("button", name="Change", exact=True))
    founder.fill(
        "/admin/estimator/priceoffer/own/", "Record your organisation's price",
        provider="coreweave", accelerator="h100-sxm5-80gb",
        price_term="On demand", usd_per_gpu_hour="1.00", effective_from=today.isoformat(), source="contract",
    )  # fmt: skip
    year = {"period_start": f"{today.year}-01-01", "period_end": f"{today.year + 1}-01-01"}
    founder.fill(
        f"{desk}/budget/create/", "Add a budget", name="All", slug="all", team="Organisation",
        limit_micro="1,000,000", **year,
    )  # fmt: skip
    founder.fill(
        f"{desk}/budget/create/", "Add a budget", name="First", slug="first", project="First model", parent="All",
        limit_micro="200,000", **year,
    )  # fmt: skip


def ask(person: Visitor, today: date) -> None:
    """The request form from its first question to the answer."""
    page = person.page
    go_on = page.get_by_role("button", name="Continue to")
    page.goto(person.url + "/requests/new/")
    page.locator("#id_title").fill("First ablations")
    page.locator("#id_project").select_option("first-model")
    page.locator("#id_workload").select_option("lease")
    # Its questions come by themselves; a button pressed before would only bring them.
    page.locator('input[name="shown_workload"][value="lease"]').wait_for(state="attached")
    page.locator('input[name="sizing"][value="cap"]').check()
    go_on.click()
    page.locator("#id_accelerator").select_option("h100-sxm5-80gb")
    page.locator("#id_accelerator_count").fill("8")
    page.locator("#id_gpu_hours_cap").fill("1,000")
    go_on.click()
    page.locator('input[name="place"][value^="coreweave~on_demand"]').check()
    page.locator("#id_country").select_option("SE")
    page.locator("#id_start_on").fill(today.isoformat())
    page.locator("#id_end_on").fill((today + timedelta(days=13)).isoformat())
    page.locator("#id_access_countries").fill("Ireland")
    go_on.click()
    page.locator("#id_purpose").select_option("research")
    page.locator("#id_justification").fill("Compare two attention variants at equal compute, before anything larger.")
    page.locator('input[name="data_class"][value="internal"]').check()
    page.locator("#id_exposure_of_output").select_option("internal")
    go_on.click()
    page.get_by_role("button", name="Submit", exact=True).click()
    page.get_by_role("heading", name="First ablations").wait_for()
