"""The mailbox shows mails as their readers see them, and lets none of them do anything."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.urls import NoReverseMatch, reverse

import config.urls  # noqa: F401 - read now, before a test names a mailbox: addresses are fixed at first import
from config.serve import mailbox
from governance.web.messages.mailbox import SHOWN_MAX

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.platform.mailbox_urls")]


@pytest.fixture
def keeper(settings: Any, tmp_path: Path) -> mailbox.Keeper:
    """The SMTP server's hand, writing where the page reads."""
    settings.MAILBOX_DIR = tmp_path / "mailbox"
    return mailbox.Keeper(settings.MAILBOX_DIR)


def hand_over(keeper: mailbox.Keeper, envelope: Any) -> str:
    """In a thread of its own: a browser test before this one leaves an event loop in the main one."""
    with ThreadPoolExecutor(1) as thread:
        return str(thread.submit(asyncio.run, keeper.handle_DATA(None, None, envelope)).result())


def deliver(keeper: mailbox.Keeper, to: str = "alice@example.com", subject: str = "Your request", **parts: str) -> str:
    """Hand over one mail; give the key under which it is kept."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Comptroller <c@example.com>", to, subject
    mail["Date"], mail["Message-ID"] = "Sat, 21 Nov 2026 10:00:00 +0000", "<1@example.com>"
    mail.set_content(parts.get("text", "plain words"))
    if "html" in parts:
        mail.add_alternative(parts["html"], subtype="html")
    before = set(keeper.box.keys())
    envelope = SimpleNamespace(rcpt_tos=[to], content=mail.as_bytes())
    assert hand_over(keeper, envelope).startswith("250")
    [key] = set(keeper.box.keys()) - before
    return key


def get(name: str, *arguments: str, **query: str) -> Any:
    return Client().get(reverse(name, args=arguments), query)


def test_an_empty_mailbox_says_what_will_appear(keeper: mailbox.Keeper) -> None:
    assert "No emails yet" in get("mailbox").content.decode()


def test_mails_are_listed_and_found_by_recipient(keeper: mailbox.Keeper) -> None:
    deliver(keeper, "alice@example.com", "For Alice")
    deliver(keeper, "bob@example.com", "For Bob")
    everything = get("mailbox").content.decode()
    assert "For Alice" in everything
    assert "For Bob" in everything
    hers = get("mailbox", to="Alice@example.com").content.decode()
    assert "For Alice" in hers
    assert "For Bob" not in hers


def test_a_mail_is_shown_with_its_parts(keeper: mailbox.Keeper) -> None:
    key = deliver(keeper, text="plain words", html="<p>rich words</p>")
    page = get("mailbox-message", key).content.decode()
    assert "plain words" in page
    assert "&lt;1@example.com&gt;" in page
    assert reverse("mailbox-body", args=[key]) in page
    assert "<p>rich words</p>" in get("mailbox-body", key).content.decode()


def test_what_a_mail_says_is_never_markup_of_the_page(keeper: mailbox.Keeper) -> None:
    evil = "<script>alert(1)</script>"
    key = deliver(keeper, subject=evil, text=evil)
    for page in (get("mailbox"), get("mailbox-message", key)):
        assert evil not in page.content.decode()
        assert "&lt;script&gt;" in page.content.decode()


def test_the_html_of_a_mail_can_do_nothing(keeper: mailbox.Keeper) -> None:
    key = deliver(keeper, html="<script>alert(1)</script>")
    body = get("mailbox-body", key)
    policy = body["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "sandbox" in policy
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy
    assert body["X-Frame-Options"] == "SAMEORIGIN"
    page = get("mailbox-message", key)
    assert "frame-src 'self'" in page["Content-Security-Policy"]
    assert 'sandbox="allow-popups' in page.content.decode()


@pytest.mark.parametrize("key", ["nothing", "..%2F..%2Fsecrets.json", "%00", "1:2,S"])
def test_an_unknown_mail_is_404(keeper: mailbox.Keeper, key: str) -> None:
    for suffix in ("", "body/"):
        assert Client().get(f"/mailbox/{key}/{suffix}").status_code == 404


def test_a_mail_without_html_has_no_body_page(keeper: mailbox.Keeper) -> None:
    assert get("mailbox-body", deliver(keeper)).status_code == 404


def test_the_mailbox_keeps_the_newest(keeper: mailbox.Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "KEPT_MAX", 3)
    # The library writes the microseconds of a key without leading zeros: as text the second is older than the first.
    for number, fraction in enumerate((0.000005, 0.00001, 0.00002, 0.1, 0.2)):
        monkeypatch.setattr("time.time", lambda fraction=fraction: 1_800_000_000 + fraction)
        deliver(keeper, subject=f"Mail {number}")
    assert sorted(mail["Subject"] for mail in keeper.box) == ["Mail 2", "Mail 3", "Mail 4"]
    page = get("mailbox").content.decode()
    assert page.index("Mail 4") < page.index("Mail 3") < page.index("Mail 2")
    assert SHOWN_MAX > 3


def test_a_recipient_cannot_write_headers(keeper: mailbox.Keeper) -> None:
    envelope = SimpleNamespace(rcpt_tos=["a@example.com\r\nSubject: forged"], content=b"Subject: true\r\n\r\nbody\r\n")
    hand_over(keeper, envelope)
    assert "forged" not in str(keeper.box[keeper.box.keys()[0]]["Subject"])


@pytest.mark.urls("config.urls")
def test_there_is_no_mailbox_outside_make_run() -> None:
    assert Client().get("/mailbox/").status_code == 404
    with pytest.raises(NoReverseMatch):
        reverse("mailbox")
