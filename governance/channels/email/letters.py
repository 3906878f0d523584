"""What one mail says, before it becomes text and HTML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from governance.display import dates
from governance.models import Person

QUOTE_CHARS_MAX = 600
# What mail programs turn into a link by themselves: addresses with a scheme or a path, and names under a common ending.
# Endings that are words or file names as well (it, in, py, md) are left: a reason stays as it was written.
_ENDINGS = (
    "com|org|net|io|ai|co|dev|app|info|biz|xyz|top|shop|site|online|link|click|live|icu|club|store|cloud|page|tech"
    "|eu|de|uk|us|cn|ru|fr|nl|ch|ie|pl|jp|kr|br|ca|au|tk|gg|ly|tv"
)
_DOT = r"[.\u3002\uff0e\uff61]"
_LINK = re.compile(
    rf"(?i)\b[a-z][a-z0-9+.-]*://\S+|\bwww{_DOT}\S+|\bmailto:\S+"
    rf"|\b[\w-]+(?:{_DOT}[\w-]+)*{_DOT}(?:[a-z]{{2,}}/\S*|(?:{_ENDINGS})\b\S*)"
)


class Moot(Exception):
    """There is nothing left to say: the mail is skipped, with this reason."""


class Undeliverable(Exception):
    """Nobody may get this mail any more: it is given up, with this reason."""


@dataclass(frozen=True, slots=True)
class Reader:
    """To whom the mail goes: names and times are theirs."""

    person: Person
    now: datetime

    @property
    def zone(self) -> ZoneInfo:
        return dates.zone_named(self.person.time_zone)

    @property
    def today(self) -> date:
        """The date where the reader is."""
        return self.now.astimezone(self.zone).date()

    def day(self, value: date | datetime, *, weekday: bool = True) -> str:
        local = value.astimezone(self.zone).date() if isinstance(value, datetime) else value
        return dates.day(local, today=self.today, weekday=weekday)

    def moment(self, at: datetime) -> str:
        return dates.moment(at, zone=self.zone, now=self.now)


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a digest."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Letter:
    """One fact, one link.

    Args:
        subject: enough by itself on a phone.
        reference: what people call the thing, such as REQ-0134; with the heading, the first line.
        heading: says the figure and the date.
        preview: what a phone shows below the subject.
        lead: one paragraph.
        quote: what a person wrote, as written; links in it are taken out.
        rows: label and text.
        action, path: the one link.
        note: what opening does, and what comes next.
        why: why the reader gets this, and how to stop it.
        thread: mails with the same thread stand together; empty stands alone.
        unsubscribe_path: where a mail program's own button leads; digests only.
        to: another address than the reader's present one; for mails about a change of it.
    """

    subject: str
    reference: str
    heading: str
    lead: str
    action: str
    path: str
    why: str
    preview: str = ""
    quote: str = ""
    rows: tuple[tuple[str, str], ...] = ()
    items: tuple[Item, ...] = ()
    note: str = ""
    thread: str = ""
    unsubscribe_path: str = ""
    to: str = ""
    is_demonstration: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


def unlinked(text: str) -> str:
    """A person's text without anything that a mail program would make clickable: the one link is ours."""
    return _LINK.sub("[link left out]", text)


def quoted(text: str, longest: int = QUOTE_CHARS_MAX) -> str:
    """A person's words, cut to what a mail carries; first cut, then searched for links, so that length costs nothing.

    Args:
        longest: characters, before links are taken out.
    """
    words = text.strip()
    return unlinked(words if len(words) <= longest else words[:longest].rsplit(None, 1)[0] + " …")
