"""A mail as its reader sees it."""

from __future__ import annotations

import re
from datetime import datetime
from email.header import decode_header, make_header
from email.message import EmailMessage
from typing import Any

from governance.channels import email as emails
from governance.models import Alert
from tests.cast import NOW


def written(kind: str, name: str, *, now: datetime = NOW) -> EmailMessage:
    """The mail of a kind to somebody, as it would leave now."""
    alert = Alert.objects.select_related("recipient").get(kind=kind, recipient__name=name)
    return emails.compose(alert, now=now).message()  # type: ignore[return-value]


def text_of(message: Any) -> str:
    return _part(message, "text/plain")


def html_of(message: Any) -> str:
    return _part(message, "text/html")


def subject_of(message: Any) -> str:
    return re.sub(r"\s+", " ", str(make_header(decode_header(message["Subject"]))))


def _part(message: Any, kind: str) -> str:
    found = next(part for part in message.walk() if part.get_content_type() == kind)
    return str(found.get_payload(decode=True).decode())
