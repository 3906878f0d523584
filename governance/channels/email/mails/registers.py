"""The mail to whoever keeps a register that a request could not be judged by (19)."""

from __future__ import annotations

from governance.channels.email import pages
from governance.channels.email.letters import Letter, Moot, Reader, unlinked
from governance.domain.requests.registers import gaps_in_words, register_of
from governance.models import Alert
from governance.selectors.messages import alerts
from governance.selectors.people.duties import DUTIES, people_with


def unread(alert: Alert, reader: Reader) -> Letter:
    """Mail 19: what could not be read, of which request, and what to do about it.

    Raises:
        Moot: the reader no longer maintains the register.
    """
    duty = alert.payload["duty"]
    if reader.person.pk not in people_with(duty, now=reader.now):
        raise Moot("the reader no longer maintains the register")
    case = alerts.Case(alert.payload["request"], alert.payload["revision"])
    gaps: dict[str, str] = alert.payload["gaps"]
    first = register_of(min(gaps)).words
    return Letter(
        subject=f"{case.request.reference} could not be assessed: {first}",
        reference=case.request.reference,
        heading=f"Assessed on {reader.day(alert.created_at)}: a record could not be read",
        preview=unlinked(gaps_in_words(gaps)[0]),
        lead=f"{case.request.reference} depends on a record that the rules cannot read. Rules that use it count as "
        "fired, and a person decides.",
        rows=(
            ("Record", "; ".join(unlinked(text) for text in gaps_in_words(gaps))),
            (
                "What you can do",
                "correct it on the desk; later requests are assessed with the corrected value",
            ),
        ),
        action="Open the request",
        path=pages.request_page(case.request),
        why=f"You receive this because you can {DUTIES[duty][0]}. One email is sent per revision of a request.",
        thread=f"request.{case.request.pk}",
    )
