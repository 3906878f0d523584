"""The mailbox of `make run`: every mail that the local SMTP server took, for anyone at this machine.

It exists only where `settings.MAILBOX_DIR` is set, which no production environment does.
"""

from __future__ import annotations

import mailbox
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.utils import getaddresses, parsedate_to_datetime

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp, csp_update
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from governance.domain.maildir import delivery_order

SHOWN_MAX = 200
SANDBOX = "allow-popups allow-top-navigation-by-user-activation"
"""A mail may lead the reader somewhere when clicked; it may not run, submit or read anything."""

_headers = BytesHeaderParser(policy=policy.default)


@dataclass(frozen=True)
class Line:
    """One mail in the list."""

    key: str
    sender: str
    recipients: str
    subject: str
    sent_at: datetime | None


def _box() -> mailbox.Maildir:
    folder = settings.MAILBOX_DIR
    if folder is None:
        raise Http404("this installation delivers its mail elsewhere")
    return mailbox.Maildir(folder, create=True)


def _newest_first(box: mailbox.Maildir) -> Iterator[Line]:
    for key in sorted(box.keys(), key=delivery_order, reverse=True):
        try:
            headers = _headers.parsebytes(box.get_bytes(key))
        except KeyError:  # just removed to make room
            continue
        yield _line(key, headers)


def _line(key: str, headers: EmailMessage) -> Line:
    return Line(
        key=key,
        sender=str(headers["From"] or ""),
        recipients=str(headers["X-Envelope-To"] or headers["To"] or ""),
        subject=str(headers["Subject"] or "(no subject)"),
        sent_at=_sent_at(str(headers["Date"] or "")),
    )


def _sent_at(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except (TypeError, ValueError):
        return None


def _find(key: str) -> EmailMessage:
    try:
        return message_from_bytes(_box().get_bytes(key), policy=policy.default)
    except KeyError:
        raise Http404("no such mail") from None


def _content(mail: EmailMessage, kind: str) -> str | None:
    part = mail.get_body(preferencelist=(kind,))
    return str(part.get_content()) if part is not None else None


@require_safe
@never_cache
def message_list(request: HttpRequest) -> HttpResponse:
    """The newest mails, or those to one address."""
    wanted = request.GET.get("to", "").strip().lower()[:200]
    lines: list[Line] = []
    addresses: set[str] = set()
    for line in _newest_first(_box()):
        here = {address.lower() for _, address in getaddresses([line.recipients]) if address}
        addresses |= here
        if len(lines) < SHOWN_MAX and (not wanted or wanted in here):
            lines.append(line)
    context = {"lines": lines, "wanted": wanted, "addresses": sorted(addresses), "shown_max": SHOWN_MAX}
    return render(request, "mailbox/list.html", context)


@require_safe
@never_cache
@csp_update({"frame-src": [SELF]})  # type: ignore[arg-type]  # its stub knows views without arguments only
def message_detail(request: HttpRequest, key: str) -> HttpResponse:
    """One mail: as its reader sees it, and as plain text."""
    mail = _find(key)
    context = {
        "line": _line(key, mail),
        "message_id": mail["Message-ID"],
        "text": _content(mail, "plain"),
        "has_html": mail.get_body(preferencelist=("html",)) is not None,
        "sandbox": SANDBOX,
    }
    return render(request, "mailbox/detail.html", context)


@require_safe
@never_cache
@xframe_options_sameorigin
@csp(  # type: ignore[arg-type]
    {
        "default-src": [NONE],
        "style-src": [UNSAFE_INLINE],
        "img-src": ["data:"],
        "form-action": [NONE],
        "frame-ancestors": [SELF],
        "sandbox": SANDBOX.split(),
    }
)
def message_body(request: HttpRequest, key: str) -> HttpResponse:
    """The HTML of one mail, alone: it runs nothing, loads nothing, and its links leave the frame."""
    html = _content(_find(key), "html")
    if html is None:
        raise Http404("this mail has no HTML part")
    return HttpResponse('<base target="_top">' + html)


urlpatterns = [
    path("", message_list, name="mailbox"),
    path("<str:key>/", message_detail, name="mailbox-message"),
    path("<str:key>/body/", message_body, name="mailbox-body"),
]
