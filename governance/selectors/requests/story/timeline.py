"""What happened to a request, newest first, in words, read from the audit log with everybody's own sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import BigIntegerField, OuterRef, Subquery, TextField
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from governance.domain.money.money import to_units
from governance.domain.prose import within
from governance.domain.record.actions import ACTIONS
from governance.domain.states.approvals import LapseReason
from governance.models import (
    ApprovalDecision,
    AuditEvent,
    Person,
    ProvisioningRequest,
    RequestComment,
    Role,
)
from governance.policy.bundle.effects import Outcome
from governance.policy.decisions.wording import format_value
from governance.selectors.people.people import SYSTEM_EMAIL

ENTRIES_MAX = 500
"""Events that one page shows; a request with more has them in the audit log."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the story.

    Args:
        shape: beside it: ok, review, deny, run, wait, flag or note.
        title: who did what.
        text: what followed from it.
        quote: what the person wrote, as written.
        anchor: its name in the page's address.
    """

    at: datetime
    shape: str
    title: str
    text: str = ""
    quote: str = ""
    anchor: str = ""


def timeline(
    request: ProvisioningRequest, *, viewer_id: int | None = None, refusals: Mapping[int, str] | None = None
) -> list[Entry]:
    """Everything that the audit log says about the request, newest first. One query.

    Args:
        viewer_id: person id of the reader, who is called "you".
        refusals: per revision number, why the rules did not allow it.
    """
    number = BigIntegerField()
    events = (
        AuditEvent.objects.filter(request_id=request.pk)
        .select_related("person", "actor")
        .annotate(
            decision_id=Cast(KT("data__decision"), number),
            comment_id=Cast(KT("data__comment"), number),
            for_person_id=Cast(KT("data__for_person"), number),
            role_slug=Cast(KT("data__role"), TextField()),
        )
        .annotate(
            decision_reason=Subquery(ApprovalDecision.objects.filter(pk=OuterRef("decision_id")).values("reason")),
            decided_by=Subquery(ApprovalDecision.objects.filter(pk=OuterRef("decision_id")).values("person__name")),
            comment_text=Subquery(RequestComment.objects.filter(pk=OuterRef("comment_id")).values("text")),
            for_name=Subquery(Person.objects.filter(pk=OuterRef("for_person_id")).values("name")),
            role_name=Subquery(Role.objects.filter(slug=OuterRef("role_slug")).values("name")),
        )
        .order_by("-seq")[:ENTRIES_MAX]
    )
    # Asking at once starts a draft and submits it in one instant: the beginning stays the beginning.
    ordered = sorted(events, key=lambda event: (event.at, event.action not in _BEGINNINGS, event.seq), reverse=True)
    return [_entry(event, viewer_id, refusals or {}) for event in ordered]


_BEGINNINGS = ("request.created", "request.cloned")


def _entry(event: Any, viewer_id: int | None, refusals: Mapping[int, str]) -> Entry:
    who = _who(event, viewer_id)
    tell = _TELLERS.get(event.action)
    if tell is None:
        return Entry(event.at, "note", f"{ACTIONS.get(event.action, event.action)}, {who}")
    return tell(event, who, refusals)


def _who(event: Any, viewer_id: int | None) -> str:
    if event.actor.email == SYSTEM_EMAIL:
        return "Comptroller"
    name = "You" if event.person_id == viewer_id else event.person.name
    return f"{name}, through a service account," if event.actor.is_service_account else name


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _usd(micro: Any) -> str:
    return format_value(to_units(micro), "USD") if isinstance(micro, int) else "an unknown amount"


def _submitted(event: Any, who: str, refusals: Mapping[int, str]) -> Entry:
    data = event.data
    revision = data.get("revision", 1)
    if data.get("outcome") == Outcome.DENY:
        why = refusals.get(revision, "").rstrip(".")
        text = f"{why}. Nothing was held." if why else "Nothing was held."
        return Entry(event.at, "deny", f"Revision {revision} denied.", _capital(text))
    held = data.get("held_micro")
    money = f"{_usd(held)} held." if held else "The price is unknown, so nothing is held."
    verb = "submitted" if revision == 1 else "submitted again,"
    if data.get("outcome") == Outcome.ALLOW:
        return Entry(event.at, "ok", f"{who} {verb} revision {revision}: approved automatically.", money)
    return Entry(event.at, "note", f"{who} {verb} revision {revision}.", money)


def _decided(shape: str, words: str) -> Callable[[Any, str, Mapping[int, str]], Entry]:
    def tell(event: Any, who: str, refusals: Mapping[int, str]) -> Entry:
        role = within(event.role_name or event.role_slug or "")
        name = f"{who} ({role})" if role else who
        behalf = f", as delegate of {event.for_name}," if event.for_name else ""
        return Entry(event.at, shape, f"{name}{behalf} {words}", quote=event.decision_reason or "")

    return tell


def _plain(shape: str, words: str, text: str = "") -> Callable[[Any, str, Mapping[int, str]], Entry]:
    return lambda event, who, refusals: Entry(event.at, shape, f"{who} {words}", text)


def _commented(event: Any, who: str, refusals: Mapping[int, str]) -> Entry:
    return Entry(event.at, "note", f"{who} wrote", quote=event.comment_text or "", anchor=f"comment-{event.comment_id}")


def _withdrawn(event: Any, who: str, refusals: Mapping[int, str]) -> Entry:
    reason = event.data.get("reason") or ""
    return Entry(event.at, "note", f"{who} withdrew it.", "Nothing is held.", quote=reason)


def _expired(event: Any, who: str, refusals: Mapping[int, str]) -> Entry:
    released = _usd(event.data.get("released_micro"))
    return Entry(event.at, "review", "The hold expired without a decision.", f"{released} are released.")


def _lapsed(event: Any, who: str, refusals: Mapping[int, str]) -> Entry:
    role = within(event.role_name or event.role_slug or "")
    why = next((reason.label for reason in LapseReason if reason == event.data.get("why")), "")
    return Entry(
        event.at, "review", f"The approval of {event.decided_by} ({role}) no longer counts.", _capital(f"{why}.")
    )


def _issued(event: Any, who: str, refusals: Mapping[int, str]) -> Entry:
    cap = _usd(event.data.get("cost_cap_micro"))
    return Entry(event.at, "ok", f"Grant {event.data.get('grant', '')} issued.", f"At most {cap}.")


def _flagged(event: Any, who: str, refusals: Mapping[int, str]) -> Entry:
    return Entry(event.at, "flag", f"{who} closed a flag:", str(event.data.get("kind", "")).replace("_", " "))


_TELLERS: dict[str, Callable[[Any, str, Mapping[int, str]], Entry]] = {
    "request.created": _plain("note", "started a draft"),
    "request.cloned": _plain("note", "started a draft from another request"),
    "request.revised": _plain("note", "withdrew it from review to change it.", "The held money is released."),
    "request.discarded": _plain("note", "discarded the draft"),
    "request.submitted": _submitted,
    "request.withdrawn": _withdrawn,
    "request.commented": _commented,
    "request.expired": _expired,
    "stage.approved": _decided("ok", "approved"),
    "stage.rejected": _decided("deny", "rejected"),
    "stage.changes_asked": _decided("review", "asked for changes"),
    "approval.lapsed": _lapsed,
    "grant.issued": _issued,
    "grant.ended": _plain("note", "ended the grant.", "Unspent money is released."),
    "grant.returned": _plain("note", "returned the grant.", "Unspent money is released."),
    "grant.deferred": _plain("review", "found at the final check that more approvals are needed"),
    "flag.closed": _flagged,
}
