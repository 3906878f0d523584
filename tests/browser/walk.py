"""What a person does in the browser: buttons by their words, questions by their field, whose words may still change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from tests.cast import PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import Page

TITLE = "Fine-tune the support model"
JUSTIFICATION = (
    "The support model answers 61 % of tickets; with the new data we expect 70 %, measured on a held-out month."
)
REASON = "Within the plan of the quarter, and the held-out month makes it measurable."
HOURS_FIRST, HOURS_THEN = "1000", "3000"


@dataclass
class Walk:
    """One person in one browser."""

    page: Page
    url: str

    def sign_in(self, name: str, path: str = "/") -> None:
        """Open `path`, be sent to sign in, and arrive there."""
        self.page.goto(self.url + path)
        self.page.get_by_label("E-mail").fill(f"{name}@example.com")
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in", exact=True).click()

    def open_form(self) -> None:
        self.page.get_by_role("link", name="New request").first.click()
        self.page.get_by_role("heading", name="New request").wait_for()

    def answer_workload(self, *, scripted: bool = True) -> None:
        """Step 1. The questions of a workload appear by themselves, or at the next press of the button."""
        page = self.page
        page.locator("#id_title").fill(TITLE)
        page.locator("#id_project").select_option("long-context")
        page.locator("#id_workload").select_option("fine_tuning")
        page.locator('input[name="sizing"][value="cap"]').check()
        if not scripted:
            self.go_on()
        page.locator("#id_work-parameters_billion").wait_for()
        page.locator("#id_work-parameters_billion").fill("13")
        page.locator("#id_work-tokens_billion").fill("10")
        self.go_on()

    def answer_size(self, hours: str = HOURS_THEN) -> None:
        """Step 2."""
        page = self.page
        page.locator("#id_accelerator").select_option("h100-sxm5-80gb")
        page.locator("#id_accelerator_count").fill("16")
        page.locator("#id_gpu_hours_cap").fill(hours)

    def answer_place(self, today: date) -> None:
        """Step 3."""
        page = self.page
        page.locator('input[name="place"][value^="coreweave~on_demand"]').check()
        page.locator("#id_country").select_option("SE")
        page.locator("#id_start_on").fill(today.isoformat())
        page.locator("#id_end_on").fill((today + timedelta(days=13)).isoformat())
        page.locator("#id_access_countries").fill("Ireland")

    def answer_purpose(self) -> None:
        """Step 4."""
        page = self.page
        page.locator("#id_purpose").select_option("research")
        page.locator("#id_justification").fill(JUSTIFICATION)
        page.locator('input[name="data_class"][value="internal"]').check()
        page.locator("#id_exposure_of_output").select_option("internal")

    def go_on(self) -> None:
        """The one primary button of the step."""
        self.page.get_by_role("button", name="Continue to").click()

    def answer_all(self, today: date, *, scripted: bool = True) -> None:
        """Steps 1 to 4, up to the review."""
        self.answer_workload(scripted=scripted)
        self.answer_size()
        self.go_on()
        self.answer_place(today)
        self.go_on()
        self.answer_purpose()
        self.go_on()
        self.page.get_by_role("button", name="Submit", exact=True).wait_for()
