"""From the form to the grant through the running product: web server, worker, beat, database, queue and SMTP."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

import pytest

from governance.models import Alert, ApprovalDecision, Grant, ProvisioningRequest
from governance.services.requests import submission
from tests.browser.walk import HOURS_FIRST, HOURS_THEN, JUSTIFICATION, REASON, TITLE, Walk
from tests.cast import Cast, reviewed
from tests.house import broken_promises
from tests.plugins.processes import LiveStack, wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

LINK = re.compile(r"https?://[^\s<>\"]+")


def text_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def test_an_ask_travels_from_the_form_to_the_grant(
    page: Page, visitors: Callable[..., Page], stack: tuple[LiveStack, Cast]
) -> None:
    product, _ = stack
    alice = Walk(page, product.url)

    # Alice asks. The panel beside the form answers while she types.
    alice.sign_in("alice")
    alice.open_form()
    alice.answer_workload()
    preview = page.locator("#preview")
    alice.answer_size(HOURS_FIRST)
    page.get_by_text("1,000 USD").first.wait_for()
    before = preview.inner_text()
    page.locator("#id_gpu_hours_cap").fill(HOURS_THEN)
    page.wait_for_function("before => document.querySelector('#preview').innerText !== before", arg=before)
    alice.go_on()
    alice.answer_place(datetime.now(UTC).date())
    alice.go_on()
    alice.answer_purpose()
    alice.go_on()
    assert "3,000" in preview.inner_text()
    assert "Bob" in preview.inner_text(), "the preview names who would have to decide"
    page.get_by_role("button", name="Submit", exact=True).click()
    page.get_by_role("heading", name=TITLE).wait_for()
    assert "In review" in page.inner_text("main")

    # Bob gets one mail with one link, follows it, signs in, reads and approves.
    mail = product.mail.wait_for("bob@example.com", "Decide by")
    links = set(LINK.findall(text_of(mail)))
    assert len(links) == 1, links
    assert JUSTIFICATION[:40] in re.sub(r"\s+", " ", text_of(mail).replace("\n> ", " "))
    desk = visitors()
    bob = Walk(desk, product.url)
    bob.sign_in("bob", links.pop().removeprefix(product.url))
    desk.get_by_role("heading", name=TITLE).wait_for()
    body = desk.inner_text("main")
    for shown in (JUSTIFICATION[:40], "3,000", "AL-2", "Alice", "Headroom", "Long context"):
        assert shown in body, f"the decision page does not show `{shown}`"
    # A decision without a reason is not one, and says so beside the field.
    desk.get_by_role("button", name="Approve").click()
    assert desk.locator("#reason-error").inner_text()
    assert not ApprovalDecision.objects.exists()
    desk.get_by_label("Reason").fill(REASON)
    desk.get_by_role("button", name="Approve").click()
    desk.get_by_text("You approved").wait_for()

    # The grant exists, is announced once, and Alice sees it.
    grant = Grant.objects.get()
    assert grant.gpu_hours_cap == float(HOURS_THEN)
    assert grant.cost_cap_micro == 3_000_000_000
    assert ProvisioningRequest.objects.get().state == "granted"
    final = product.mail.wait_for("alice@example.com", "Ready")
    assert grant.reference in text_of(final)
    wait_for(_nothing_waits, 30, "the last mail")
    copies = Counter(str(message["Message-ID"]) for message in product.mail.messages)
    assert set(copies.values()) == {1}, copies
    assert len(product.mail.to("alice@example.com")) == 1
    page.reload()
    main = page.inner_text("main")
    assert "Granted" in main
    assert REASON in main, "the requester reads the reason as it was written"
    page.get_by_role("link", name=f"Open {grant.reference}").click()
    page.get_by_role("heading", name=TITLE).wait_for()
    assert "3,000" in page.inner_text("main")

    assert broken_promises() == []
    assert _complaints(page) == []
    assert _complaints(desk) == []


def test_a_mail_scanner_that_opens_every_link_decides_nothing(
    stack: tuple[LiveStack, Cast], visitors: Callable[..., Page]
) -> None:
    """Links in mails are followed by machines before people see them: opening changes nothing, signed in or not."""
    product, cast = stack
    now = datetime.now(UTC)
    submission.create_and_submit(
        actor=cast.alice, now=now, content=reviewed(start_on=now.date().isoformat(), end_on=None, title=TITLE)
    )
    mail = product.mail.wait_for("bob@example.com", "Decide by")
    (link,) = set(LINK.findall(text_of(mail)))
    scanner = visitors()
    scanner.goto(link)
    scanner.get_by_role("button", name="Sign in", exact=True).wait_for()
    Walk(scanner, product.url).sign_in("bob", link.removeprefix(product.url))
    scanner.goto(link)
    scanner.reload()
    assert ProvisioningRequest.objects.get().state == "in_review"
    assert not ApprovalDecision.objects.exists()


def _nothing_waits() -> bool:
    return not Alert.objects.filter(state__in=("pending", "sending")).exists()


def _complaints(page: Any) -> list[str]:
    # A refused decision answers 400 on purpose; the browser notes every such answer.
    return [text for text in page.complaints if "status of 400" not in text]
