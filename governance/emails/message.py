"""Turns a letter into a message: text, HTML, and the headers by which mail programs keep it in its place."""

from __future__ import annotations

import re

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from governance.domain.prose import NBSP
from governance.emails.letters import Letter
from governance.models import Alert

SUBJECT_CHARS_MAX = 160


def build(alert: Alert, letter: Letter) -> EmailMultiAlternatives:
    """The message of one alert. Its Message-ID is the alert's own, whoever sends it and however often."""
    context = {"letter": letter, "person": alert.recipient, "url": settings.SITE_URL + letter.path}
    message = EmailMultiAlternatives(
        subject=one_line(letter.subject),
        body=render_to_string("mail/letter.txt", context),
        to=[alert.recipient.email],
        headers=_headers(alert, letter),
    )
    message.attach_alternative(render_to_string("mail/letter.html", context), "text/html")
    return message


def one_line(subject: str) -> str:
    """A subject without line breaks (they would start a header of somebody else's), with plain spaces."""
    line = re.sub(r"\s+", " ", subject.replace(NBSP, " ")).strip()
    return line if len(line) <= SUBJECT_CHARS_MAX else line[: SUBJECT_CHARS_MAX - 2].rstrip() + " …"


def _headers(alert: Alert, letter: Letter) -> dict[str, str]:
    headers = {
        "Message-ID": alert.message_id,
        # No holiday replies to us, and no loops between two machines.
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
    }
    if letter.thread:
        root = f"<{letter.thread}@{alert.message_id.rstrip('>').rsplit('@', 1)[-1]}>"
        headers |= {"References": root, "In-Reply-To": root}
    if letter.unsubscribe_path:
        headers["List-Unsubscribe"] = f"<{settings.SITE_URL}{letter.unsubscribe_path}>"
    return headers | dict(letter.headers)
