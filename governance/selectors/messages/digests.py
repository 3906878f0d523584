"""What one person should know this morning: what they have to decide or answer, what ends, what was flagged."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from textwrap import shorten

from django.db.models import Exists, OuterRef, Q, QuerySet

from governance.display.dates import zone_named
from governance.domain.periods import is_working_day
from governance.domain.states.grants import GrantState
from governance.domain.states.requests import State
from governance.models import Flag, Grant, Person, PolicyActivation, ProvisioningRequest, User
from governance.selectors.approvals import queues
from governance.selectors.approvals.queues import QueueItem
from governance.selectors.requests.story import conversations
from governance.selectors.rules import activations

SENT_FROM = time(8, 0)
"""Local time from which a day's digest goes out."""
SENT_UNTIL = time(18, 0)
"""After an outage it is still sent until then; later it would only say what tomorrow's says better."""
ENDING_DAYS = 7
FLAG_DAYS = 7
ENTRIES_MAX = 40
TITLE_CHARS_MAX = 120
QUOTE_CHARS_MAX = 80


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that waits for the person.

    Args:
        kind: decide, answer, reply, ends, flag or activate.
        due_at: when it is too late, or from when a policy version would rule; None for neither.
    """

    kind: str
    reference: str
    title: str
    amount_micro: int
    due_at: datetime | None
    detail: str = ""

    def weight(self, now: datetime) -> float:
        """Money over the hours that are left: what is large and soon comes first, what is late before all."""
        hours = (self.due_at - now).total_seconds() / 3600 if self.due_at else ENDING_DAYS * 24.0
        return (self.amount_micro + 1) / max(hours, 1.0)


@dataclass(frozen=True, slots=True)
class Digest:
    entries: list[Entry] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not self.entries

    def of(self, kind: str) -> list[Entry]:
        return [entry for entry in self.entries if entry.kind == kind]


def digest_for(person: Person, *, now: datetime) -> Digest:
    """Everything that waits for a person, ordered by money × due; then policy versions that wait for their yes."""
    user = User.objects.filter(person=person, is_active=True, is_service_account=False).order_by("pk").first()
    entries = [
        *(_to_decide(item) for item in (queues.approver_queue(user, now) if user else [])),
        *_to_answer(person),
        *_to_reply(person),
        *_ending(person, now),
        *_flags(person, now),
    ]
    first = sorted(entries, key=lambda entry: -entry.weight(now))[:ENTRIES_MAX]
    # There are few of them and no money tells how much they weigh: they come last, and nothing crowds them out.
    return Digest([*first, *(_to_activate(each, now) for each in activations.waiting_for(person, now=now))])


def readers() -> QuerySet[Person]:
    """People who get digests: active, with an account to sign in with, and not opted out."""
    accounts = User.objects.filter(person=OuterRef("pk"), is_active=True, is_service_account=False)
    return Person.objects.filter(Exists(accounts), is_active=True, wants_digest=True)


def due_zones(zones: Iterable[str], *, now: datetime, holidays: Collection[date] = ()) -> dict[str, date]:
    """Zones in which it is time for a working day's digest, with their local date."""
    found = {}
    for zone in zones:
        local = now.astimezone(zone_named(zone))
        if SENT_FROM <= local.time() < SENT_UNTIL and is_working_day(local.date(), holidays):
            found[zone] = local.date()
    return found


def _to_decide(item: QueueItem) -> Entry:
    request = item.request
    project = request.project.name if request.project else ""
    return Entry(
        "decide", request.reference, request.title, item.exposure_micro or 0, item.due_at,
        f"{project}, {request.requester.person.name}",
    )  # fmt: skip


def _to_answer(person: Person) -> list[Entry]:
    rows = ProvisioningRequest.objects.filter(requester__person=person, state=State.CHANGES_REQUESTED.value)
    return [
        Entry("answer", row.reference, row.title, row.exposure_micro or 0, None)
        for row in rows.order_by("-number")[:ENTRIES_MAX]
    ]


def _to_reply(person: Person) -> list[Entry]:
    return [
        Entry(
            "reply", each.request.reference, each.request.title, each.request.exposure_micro or 0, None,
            f"{each.by}: {shorten(each.text, QUOTE_CHARS_MAX, placeholder='…')}",
        )
        for each in conversations.unanswered_by(person, limit=ENTRIES_MAX)
    ]  # fmt: skip


def _to_activate(activation: PolicyActivation, now: datetime) -> Entry:
    version = activation.version
    starts = activation.effective_at if activation.effective_at > now else None
    title = shorten(version.reason.strip().partition("\n")[0], TITLE_CHARS_MAX, placeholder="…") or "a new version"
    return Entry(
        "activate", f"{version.policy_set.name} version {version.number}", title, 0, starts,
        f"requested by {activation.asked_by.person.name}",
    )  # fmt: skip


def _ending(person: Person, now: datetime) -> list[Entry]:
    rows = Grant.objects.filter(
        owner=person, state=GrantState.ACTIVE, ends_at__gt=now, ends_at__lte=now + timedelta(days=ENDING_DAYS)
    )
    return [
        Entry("ends", row.reference, row.title, row.cost_cap_micro, row.ends_at.astimezone(UTC))
        for row in rows.order_by("ends_at")[:ENTRIES_MAX]
    ]


def _flags(person: Person, now: datetime) -> list[Entry]:
    mine = Q(provisioning_request__requester__person=person) | Q(grant__owner=person) | Q(budget__owner=person)
    rows = Flag.objects.filter(mine, closed_at__isnull=True, raised_at__gt=now - timedelta(days=FLAG_DAYS))
    rows = rows.select_related("provisioning_request", "grant", "budget").order_by("-raised_at")[:ENTRIES_MAX]
    return [Entry("flag", _flagged(row), row.sentence, 0, None) for row in rows]


def _flagged(flag: Flag) -> str:
    return str(flag.grant or flag.provisioning_request or flag.budget or "")
