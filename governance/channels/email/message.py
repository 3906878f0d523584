"""Turns a letter into a message: text, HTML, and the headers by which mail programs keep it in its place."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from governance.channels.email.letters import Item, Letter, unlinked
from governance.display.numbers import NBSP
from governance.models import Alert

SUBJECT_CHARS_MAX = 160
_LINE_ENDS = re.compile("\r\n?|[\v\f\x1c-\x1e\x85\u2028\u2029]")
# Everything that separates words, except the space by which we keep a figure and its unit on one line.
_SPACES = re.compile(rf"[^\S{NBSP}]+")
# Joins the parts of one emoji; the other invisible characters only turn text around or hide it.
_ZERO_WIDTH_JOINER = "\u200d"


def build(alert: Alert, letter: Letter) -> EmailMultiAlternatives:
    """The message of one alert. Its Message-ID is the alert's own, whoever sends it and however often."""
    letter = _plain(letter)
    reader = one_line(unlinked(alert.recipient.name))
    context = {"letter": letter, "reader": reader, "url": settings.SITE_URL + letter.path}
    message = EmailMultiAlternatives(
        subject=_subject(letter.subject),
        body=render_to_string("mail/letter.txt", context),
        to=[letter.to or alert.recipient.email],
        headers=_headers(alert, letter),
    )
    message.attach_alternative(render_to_string("mail/letter.html", context), "text/html")
    return message


def visible(text: str) -> str:
    """Text without characters that nobody sees: they turn words around, hide them, or end a line in secret."""
    lines = _LINE_ENDS.sub("\n", text)
    return "".join(c for c in lines if c in f"\n\t{_ZERO_WIDTH_JOINER}" or unicodedata.category(c) not in ("Cc", "Cf"))


def one_line(text: str) -> str:
    """Visible text in one line: no sentence of ours is ended by what somebody typed into it."""
    return _SPACES.sub(" ", visible(text)).strip()


def _subject(text: str) -> str:
    """With plain spaces, and never longer than a header should be."""
    line = one_line(text.replace(NBSP, " "))
    return line if len(line) <= SUBJECT_CHARS_MAX else line[: SUBJECT_CHARS_MAX - 2].rstrip() + " …"


def _plain(letter: Letter) -> Letter:
    """The letter as it may be shown, whatever was typed into its parts; only a quote keeps its lines."""
    return replace(
        letter,
        reference=one_line(letter.reference),
        heading=one_line(letter.heading),
        lead=one_line(letter.lead),
        preview=one_line(letter.preview),
        quote=visible(letter.quote),
        rows=tuple((label, one_line(text)) for label, text in letter.rows),
        items=tuple(Item(one_line(item.title), one_line(item.text)) for item in letter.items),
        note=one_line(letter.note),
        why=one_line(letter.why),
    )


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
