"""From an administrator's click to a first sign-in, and a password and an address changed: no page has a fault."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from governance.channels import email as emails
from governance.models import Alert
from tests.browser.walk import Walk
from tests.cast import PASSWORD, Cast, add_person
from tests.mail.reading import text_of
from tests.mail.test_letters import LINK
from tests.plugins.axe import OF_COLOUR, violations

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NEW = "seven quiet lamps 42"


def link_in(kind: str, site: str) -> str:
    """The newest link of a kind, at the address of this site."""
    alert = Alert.objects.filter(kind=kind).latest("pk")
    [link] = LINK.findall(text_of(emails.compose(alert, now=timezone.now()).message()))
    return link.replace("http://testserver", site)


def looked_at(page: Page, name: str) -> None:
    """Nothing for axe, no sideways scrolling on a phone, in light and dark."""
    for scheme, options in (("light", None), ("dark", OF_COLOUR)):
        for width in (1440, 390):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, scheme, width)

        serious = [each for each in violations(page, options) if each["impact"] in ("serious", "critical")]
        assert serious == [], (name, scheme, serious)
    page.set_viewport_size({"width": 1440, "height": 900})


def test_a_person_gets_in_by_a_link_and_keeps_their_own_credentials(
    site: tuple[str, Cast], page: Page, visitors: Callable[..., Page]
) -> None:
    url, cast = site
    add_person("ada", team=cast.root, roles=["administrator"], scope=cast.root)
    desk = visitors()
    Walk(desk, url).sign_in("ada", f"/admin/governance/person/{cast.alice.person_id}/change/")
    looked_at(desk, "person")
    desk.get_by_role("link", name="Send a set-password link").click()
    looked_at(desk, "send-link")
    desk.get_by_role("button", name="Send a set-password link").click()
    desk.get_by_text("Link sent").wait_for()
    assert desk.locator("text=Set a password").count() == 0

    page.goto(link_in("password_link", url))
    looked_at(page, "set-password")
    page.get_by_label("New password", exact=True).fill("short")
    page.get_by_label("New password again").fill("short")
    page.get_by_role("button", name="Set password").click()
    page.get_by_text("at least 12 characters").first.wait_for()
    looked_at(page, "set-password-refused")
    page.get_by_label("New password", exact=True).fill(NEW)
    page.get_by_label("New password again").fill(NEW)
    page.get_by_role("button", name="Set password").click()
    page.get_by_text("Your password is set").wait_for()
    looked_at(page, "sign-in")
    page.goto(link_in("password_link", url).replace("-", "-x", 1))
    looked_at(page, "link-ended")
    page.get_by_role("link", name="Get another link").click()
    looked_at(page, "request-link")
    page.get_by_label("E-mail").fill("alice@example.com")
    page.get_by_role("button", name="Send a link").click()
    page.get_by_role("heading", name="Check your email").wait_for()
    looked_at(page, "link-requested")

    page.goto(f"{url}/sign-in/")
    page.get_by_label("E-mail").fill("alice@example.com")
    page.get_by_label("Password").fill(NEW)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("link", name="Alice").click()
    looked_at(page, "account")
    page.get_by_role("link", name="Change password").click()
    looked_at(page, "change-password")
    page.get_by_label("Current password").fill(NEW)
    page.get_by_label("New password", exact=True).fill(f"{NEW} again")
    page.get_by_label("New password again").fill(f"{NEW} again")
    page.get_by_role("button", name="Change password").click()
    page.get_by_text("Your password is changed").wait_for()
    looked_at(page, "account-changed")
    page.get_by_role("link", name="Change address").click()
    looked_at(page, "change-address")
    page.get_by_label("New e-mail address").fill("byrne@example.org")
    page.get_by_label("Your password").fill(f"{NEW} again")
    page.get_by_role("button", name="Send a link").click()
    page.get_by_text("A link is on its way").wait_for()
    page.goto(link_in("address_confirm", url))
    looked_at(page, "confirm-address")
    page.get_by_role("button", name="Use this address").click()
    page.get_by_text("Your address is now byrne@example.org").wait_for()
    assert page.complaints == []  # type: ignore[attr-defined]

    stranger = visitors()
    for number in range(6):
        stranger.goto(f"{url}/sign-in/")
        stranger.get_by_label("E-mail").fill("bob@example.com")
        stranger.get_by_label("Password").fill(f"{PASSWORD}{number}")
        stranger.get_by_role("button", name="Sign in", exact=True).click()
    stranger.get_by_role("heading", name="Too many tries").wait_for()
    looked_at(stranger, "too-many")
