"""The morning mail of one person (12): what to decide, what to answer, what ends, what was flagged."""

from __future__ import annotations

from collections.abc import Sequence

from governance.channels.email import pages
from governance.channels.email.letters import Item, Letter, Moot, Reader, unlinked
from governance.display import dates, numbers
from governance.domain import prose
from governance.domain.money.money import to_units
from governance.models import Alert
from governance.selectors.messages.digests import Digest, Entry, digest_for

_VERBS = {
    "decide": "Decide",
    "answer": "Answer",
    "reply": "Reply on",
    "ends": "Ends",
    "flag": "Flag",
    "activate": "Approve",
}


def digest(alert: Alert, reader: Reader) -> Letter:
    """Mail 12, as things stand when it leaves: ordered by money × due, never empty.

    Raises:
        Moot: nothing waits any more, the reader stopped it since, or its day is over where they are.
    """
    if not reader.person.wants_digest:
        raise Moot("the reader turned the daily email off")
    today = reader.today.isoformat()
    if alert.payload.get("day", today) != today:
        raise Moot("its day is over: the next digest replaces it")
    found = digest_for(reader.person, now=reader.now)
    if found.is_empty:
        raise Moot("nothing needs the reader's attention any more")
    summary = ", ".join(_summary(found, reader))
    is_policy_only = len(found.of("activate")) == len(found.entries)
    return Letter(
        subject=summary,
        reference="Digest",
        heading=f"{reader.day(reader.now)}: {summary}",
        preview=unlinked(found.entries[0].title),
        lead=_lead(len(found.entries)),
        items=tuple(_item(entry, reader) for entry in found.entries),
        action="Open the activations" if is_policy_only else "Open home",
        path=pages.activations_page() if is_policy_only else pages.home_page(),
        why="You receive this each morning when something needs your attention. "
        "Turn it off on your notifications page; emails about individual decisions are still sent.",
        unsubscribe_path=pages.notifications_page(),
    )


def _summary(found: Digest, reader: Reader) -> list[str]:
    parts = []
    if decide := found.of("decide"):
        largest = max(entry.amount_micro for entry in decide)
        parts.append(f"{len(decide)} to decide" + (f" (max {numbers.money(to_units(largest))})" if largest else ""))
    if answer := found.of("answer"):
        parts.append(f"{len(answer)} to answer")
    if reply := found.of("reply"):
        parts.append(f"{numbers.counted(len(reply), 'comment')} to answer")
    if ends := found.of("ends"):
        parts.append(_ending(ends, reader))
    if flags := found.of("flag"):
        parts.append(numbers.counted(len(flags), "flag"))
    if activate := found.of("activate"):
        parts.append(f"{numbers.counted(len(activate), 'activation')} to answer")
    return parts


def _lead(count: int) -> str:
    return (
        "1 item needs your attention." if count == 1 else f"{count} items need your attention, by amount and deadline."
    )


def _ending(ends: Sequence[Entry], reader: Reader) -> str:
    days = sorted(entry.due_at for entry in ends if entry.due_at)
    last = reader.day(dates.last_day(days[-1]))
    return f"1 ends {last}" if len(ends) == 1 else f"{len(ends)} end by {last}"


def _item(entry: Entry, reader: Reader) -> Item:
    parts = [entry.detail] if entry.detail else []
    if entry.amount_micro:
        parts.insert(0, prose.money_in_full(entry.amount_micro))
    if entry.kind == "ends" and entry.due_at:
        parts.append(f"ends {reader.day(dates.last_day(entry.due_at))}")
    elif entry.kind == "activate":
        parts.append(
            f"takes effect {reader.moment(entry.due_at) if entry.due_at else 'when a second officer approves'}"
        )
    elif entry.due_at:
        late = "overdue since" if entry.due_at <= reader.now else "by"
        parts.append(f"{late} {reader.moment(entry.due_at)}")
    # A flag's sentence begins with what it is about.
    names_itself = entry.title.startswith(entry.reference)
    title = unlinked(entry.title if names_itself else f"{entry.reference}: {entry.title}")
    return Item(f"{_VERBS[entry.kind]} {title}", ", ".join(unlinked(part) for part in parts))
