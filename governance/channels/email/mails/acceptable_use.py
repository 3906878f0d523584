"""Mail 10 to whoever has to accept a version of acceptable use, and 13 to the officer who could publish it."""

from __future__ import annotations

from governance.channels.email import pages
from governance.channels.email.letters import Letter, Moot, Reader, quoted, unlinked
from governance.display.numbers import NBSP
from governance.domain.states.rules import PublicationState
from governance.models import AcceptableUsePublication, AcceptableUseVersion, Alert
from governance.selectors.rules import acceptable_use, officers

NAME_CHARS_MAX = 60
CLAUSES_SHOWN_MAX = 6


def asked(alert: Alert, reader: Reader) -> Letter:
    """A text waits for a second officer.

    Raises:
        Moot: it was answered or withdrawn, or the reader can no longer answer it.
    """
    row = AcceptableUsePublication.objects.select_related("statement", "asked_by__person").get(
        pk=alert.payload["publication"]
    )
    if row.state != PublicationState.ASKED:
        raise Moot("it was answered or withdrawn before the mail left")
    if reader.person.pk not in officers.seconds("acceptable_use", asked_by=row.asked_by, now=reader.now):
        raise Moot("the reader can no longer answer it")
    name, by = quoted(row.statement.name, NAME_CHARS_MAX), unlinked(row.asked_by.person.name)
    starts = row.effective_from
    return Letter(
        subject=f"Publish? {name}: to be accepted by {reader.day(row.consent_due)} ({by})",
        reference=name,
        heading=f"Requested on {reader.day(row.asked_at)}: a new version of {name}",
        preview=f"{by} asks a second officer to approve.",
        lead=f"{by} asks a second officer to approve a new version of {name}.",
        quote=quoted(row.reason),
        rows=(
            ("In effect from", reader.moment(starts) if starts else "when a second officer approves"),
            ("To be accepted by", reader.moment(row.consent_due)),
        ),
        action="Open the publication",
        path=pages.publication_page(row),
        note="Opening the link does not record a decision. Approve or reject on the page; the first answer counts.",
        why="You receive this because you can approve it and somebody else made the request. "
        "One email is sent per request; it cannot be turned off.",
        thread=f"publication.{row.pk}",
    )


def published(alert: Alert, reader: Reader) -> Letter:
    """A version was published.

    Raises:
        Moot: the reader has accepted it, or a newer one is there.
    """
    version = _owed(alert, reader)
    start = version.effective_from
    opens = f"You can accept it from {reader.moment(start)} on." if start > reader.now else "You can accept it now."
    return _letter(
        version,
        reader,
        heading=f"Published: please accept it by {reader.moment(version.consent_due)}",
        lead=f"A new version of {_name(version)} was published. {opens} Until then your earlier acceptance counts.",
    )


def due_soon(alert: Alert, reader: Reader) -> Letter:
    """Days are left.

    Raises:
        Moot: the reader has accepted it, a newer one is there, or it is due by now.
    """
    version = _owed(alert, reader)
    if version.consent_due <= reader.now:
        raise Moot("it is due by now, and another mail says so")
    return _letter(
        version,
        reader,
        heading=f"Please accept it by {reader.moment(version.consent_due)}",
        lead=f"You have not accepted {_name(version)} version{NBSP}{version.number} yet. "
        "After that you cannot submit new requests. Running grants are not affected.",
    )


def due(alert: Alert, reader: Reader) -> Letter:
    """The day has come.

    Raises:
        Moot: the reader has accepted it, or a newer one is there.
    """
    version = _owed(alert, reader)
    return _letter(
        version,
        reader,
        subject=f"You cannot submit new requests until you accept {_name(version)}",
        heading=f"Due since {reader.moment(version.consent_due)}",
        lead=f"You have not accepted {_name(version)} version{NBSP}{version.number}. "
        "You cannot submit new requests until you do. Running grants are not affected.",
    )


def _owed(alert: Alert, reader: Reader) -> AcceptableUseVersion:
    version = AcceptableUseVersion.objects.select_related("statement").get(pk=alert.payload["version"])
    if acceptable_use.has_accepted(reader.person.pk, version):
        raise Moot("the reader has accepted it")
    newest = version.statement.versions.filter(effective_from__lte=reader.now).order_by("-number").first()
    if newest is not None and newest.number > version.number:
        raise Moot("a newer version is in effect")
    return version


def _letter(version: AcceptableUseVersion, reader: Reader, **words: object) -> Letter:
    clauses = acceptable_use.changed_clauses(version, reader.person.pk)
    shown = ", ".join(f"{clause.number} {clause.title}".strip() for clause in clauses[:CLAUSES_SHOWN_MAX])
    more = f" and {len(clauses) - CLAUSES_SHOWN_MAX} more" if len(clauses) > CLAUSES_SHOWN_MAX else ""
    defaults: dict[str, object] = {
        "subject": f"Please accept {_name(version)} by {reader.day(version.consent_due)}, or new requests stop",
        "reference": f"{_name(version)} version{NBSP}{version.number}",
        "rows": (("What changed", unlinked(shown + more) or "read the whole text"),),
        "action": "Read and accept it",
        "path": pages.acceptable_use_page(),
        "note": "Opening the link does not accept it: use the button below the text.",
        "why": "You receive this because your requests need this acceptance. It is sent when a version is published, "
        "some days before acceptance is due, and when it is due.",
        "thread": f"acceptable-use.{version.pk}",
    }
    return Letter(**(defaults | words))  # type: ignore[arg-type]


def _name(version: AcceptableUseVersion) -> str:
    return quoted(version.statement.name, NAME_CHARS_MAX)
