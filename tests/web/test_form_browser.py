"""The form in Debian's Chromium: the preview follows the typing, and nothing on the way excludes anybody."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from django.utils import timezone

from governance.services.requests import drafts
from tests import cast as casting
from tests.cast import Cast
from tests.plugins.axe import OF_COLOUR, violations

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
AXE_RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}}


@pytest.fixture
def form(live_server: Any, cast: Cast, page: Page, settings: Any) -> tuple[Page, str]:
    """Alice, signed in, with a complete draft; the address of its form."""
    settings.ALLOWED_HOSTS = ["*"]
    now = timezone.now()
    today = now.date()
    dates = {"start_on": today.isoformat(), "end_on": (today + timedelta(days=13)).isoformat()}
    work = {"parameters_billion": 8, "tokens_billion": 1, "method": "lora"}
    content = casting.content(**dates, workload="fine_tuning", sizing="work", work=work, gpu_hours_cap=None)
    draft = drafts.create_draft(actor=cast.alice, content=content, now=now)
    client = Client()
    client.force_login(cast.alice)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
    return page, f"{live_server.url}/requests/{draft.number}/edit/?step="


def test_the_preview_follows_the_typing(form: tuple[Page, str]) -> None:
    page, address = form
    page.goto(address + "size")
    page.wait_for_selector("#preview >> text=Approved automatically")
    page.fill("#id_accelerator_count", "16")
    page.wait_for_selector("#preview >> text=Review: one person")
    page.fill("#id_accelerator_count", "NaN")
    page.wait_for_selector("#preview >> text=Number of accelerators")
    assert page.input_value("#id_accelerator_count") == "NaN"
    page.fill("#id_accelerator_count", "4")
    page.wait_for_selector("#preview >> text=Approved automatically")
    assert page.complaints == []  # type: ignore[attr-defined]


def test_what_is_typed_while_new_questions_are_on_their_way_stays(form: tuple[Page, str]) -> None:
    page, address = form
    page.goto(address + "workload")
    held: list[Any] = []
    page.route("**/edit/**", lambda route: held.append(route) if route.request.method == "POST" else route.continue_())
    page.check("input[name=sizing][value=cap]")
    page.wait_for_function("() => document.querySelector('.htmx-request') !== null")
    page.fill("[name=work-parameters_billion]", "13")
    page.check("input[name=sizing][value=work]")
    page.fill("[name=work-tokens_billion]", "40")
    # The second answer is asked for when the first is there: one is on its way at a time.
    held[0].continue_()
    for _ in range(100):
        page.wait_for_timeout(100)
        if len(held) == 2:
            break
    page.fill("[name=work-tokens_billion]", "41")
    page.evaluate("document.querySelector('#workload-questions').dataset.old = ''")
    held[1].continue_()
    page.wait_for_selector("#workload-questions:not([data-old])")
    assert page.input_value("[name=work-parameters_billion]") == "13"
    assert page.input_value("[name=work-tokens_billion]") == "41"
    assert page.is_checked("input[name=sizing][value=work]")


def test_another_workload_brings_its_questions_without_leaving_the_page(form: tuple[Page, str]) -> None:
    page, address = form
    page.goto(address + "workload")
    page.fill("#id_title", "Typed before")
    page.select_option("#id_workload", "inference_online")
    page.wait_for_selector("#id_work-requests_per_day")
    assert page.input_value("#id_title") == "Typed before"
    page.click("text=Continue to size")
    page.wait_for_selector("text=answers need correcting")
    page.click("#errors >> text=Requests per day")
    assert page.evaluate("document.activeElement.id") == "id_work-requests_per_day"
    assert page.complaints == []  # type: ignore[attr-defined]


def test_the_enter_key_continues(form: tuple[Page, str]) -> None:
    page, address = form
    page.goto(address + "size")
    page.press("#id_accelerator_count", "Enter")
    page.wait_for_url("**step=place")


def test_axe_finds_nothing(form: tuple[Page, str]) -> None:
    page, address = form
    found = []
    for step in ("workload", "size", "place", "purpose", "review"):
        page.goto(address + step)
        for scheme, rules in (("light", AXE_RULES), ("dark", OF_COLOUR)):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            found += [(step, scheme, rule["id"], rule["nodes"][0]["html"][:200]) for rule in violations(page, rules)]
    assert found == []


def test_a_phone_has_one_column_and_the_bar_with_verdict_and_cost(form: tuple[Page, str]) -> None:
    page, address = form
    page.set_viewport_size({"width": 390, "height": 844})
    for step in ("workload", "size", "place", "purpose", "review"):
        page.goto(address + step)
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        assert "Approved automatically" in page.inner_text("#peek")
        assert "USD" in page.inner_text("#peek")


def test_choosing_a_mixture_brings_its_question_and_another_takes_it_away(form: tuple[Page, str]) -> None:
    page, address = form
    page.goto(address + "workload")
    assert page.locator("#id_work-active_parameters_billion").count() == 0
    page.fill("[name=work-parameters_billion]", "47")
    page.focus("#id_work-architecture")
    page.select_option("#id_work-architecture", "mixture_of_experts")
    page.wait_for_selector("#id_work-active_parameters_billion")
    assert page.input_value("[name=work-parameters_billion]") == "47"
    assert page.evaluate("document.activeElement.id") == "id_work-architecture"
    assert violations(page, AXE_RULES) == []
    # The new questions listen as well.
    page.select_option("#id_work-architecture", "decoder")
    page.wait_for_selector("#id_work-active_parameters_billion", state="detached")
    page.get_by_role("button", name="Continue to size").click()
    page.wait_for_selector("#id_accelerator_count")
    assert page.complaints == []  # type: ignore[attr-defined]
