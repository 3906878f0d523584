"""`make run` reaches ready, serves, and ends every process when told to."""

from __future__ import annotations

import signal
import smtplib
import urllib.request
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.plugins.launched import Launchers, wait_gone
from tests.plugins.processes import wait_for

PATH = "/usr/bin:/bin"
SUBJECT = "A mail with a link"


@pytest.mark.browser
def test_a_mail_can_be_read_in_the_browser_and_its_link_leaves_the_frame(product: Launchers, page: Any) -> None:
    launched = product.running(PATH=PATH)
    page.goto(launched.url + "/mailbox/")
    page.get_by_text("No emails yet").wait_for()
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "c@example.com", "alice@example.com", SUBJECT
    mail.set_content("plain words")
    link = f'<p style="color: green">rich words</p><a href="{launched.url}/healthz">Open</a><script>alert(1)</script>'
    mail.add_alternative(link, subtype="html")
    where = urlsplit(launched.endpoints["variables"]["EMAIL_URL"])
    with smtplib.SMTP(str(where.hostname), int(where.port or 0)) as server:
        server.send_message(mail)

    page.goto(launched.url + "/mailbox/")
    page.get_by_role("link", name=SUBJECT).click()
    frame = page.frame_locator("iframe")
    frame.get_by_text("rich words").wait_for()
    page.get_by_text("plain words").wait_for()
    assert frame.get_by_text("rich words").evaluate("node => getComputedStyle(node).color") == "rgb(0, 128, 0)"
    frame.get_by_role("link", name="Open").click()
    page.wait_for_url(launched.url + "/healthz")
    complaints = [text for text in page.complaints if "script" not in text]  # the mail's script was refused
    assert complaints == []


def test_one_start_serves_everything_and_one_signal_ends_it(product: Launchers) -> None:
    launched = product.running(PATH=PATH)
    wait_for(lambda: launched.health() == {"database": "ok", "queue": "ok", "workers": "ok"}, 30, "all parts ok")
    with urllib.request.urlopen(launched.url + "/mailbox/", timeout=10) as response:  # noqa: S310 - our own address
        mailbox = response.read().decode()
    assert "No emails yet" in mailbox or SUBJECT in mailbox

    private = ("secrets.json", "endpoints.json")
    assert all((product.data / name).stat().st_mode & 0o077 == 0 for name in private)
    assert launched.url in launched.log

    children = launched.children
    assert len(children) == 6  # PostgreSQL, Valkey, mailbox, web server, worker, beat
    assert launched.end(signal.SIGTERM) == 0
    wait_gone(children, seconds=5)
    assert not (product.data / "endpoints.json").exists()
    assert "stopped; the data is kept" in launched.log
