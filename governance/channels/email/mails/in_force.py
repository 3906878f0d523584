"""Mail 15 to every policy officer and every auditor: what decides for everybody has changed, by whom, by which channel.

None of them is ever moot: an answer that came before the mail left is what they are told of.
"""

from __future__ import annotations

from datetime import datetime

from governance.channels.email import pages
from governance.channels.email.letters import Letter, Reader, quoted, unlinked
from governance.display.numbers import NBSP
from governance.models import (
    AcceptableUsePublication,
    Alert,
    AuditEvent,
    PolicyActivation,
    PolicyException,
    PolicyVersion,
    User,
)
from governance.selectors.rules import officers

NAME_CHARS_MAX = 60
TITLE_CHARS_MAX = 120
_WHY = (
    "You receive this because you are a policy officer or an auditor. Changes to policies are announced to all of you; "
    "this email cannot be turned off."
)
_NOTE = "If you did not expect this, ask the people named above."
_BY = {"web": "on the web", "desk": "on the desk", "api": "through the API", "command": "on the command line"}


def policy(alert: Alert, reader: Reader) -> Letter:
    """A version came into force."""
    version = PolicyVersion.objects.select_related("policy_set").get(pk=alert.payload["version"])
    before = PolicyVersion.objects.filter(pk=alert.payload["before"]).first()
    activation = (
        PolicyActivation.objects.select_related("asked_by__person", "answered_by__person")
        .filter(pk=alert.payload["activation"])
        .first()
    )
    name = f"{quoted(version.policy_set.name, NAME_CHARS_MAX)} version{NBSP}{version.number}"
    at = datetime.fromisoformat(alert.payload["at"])
    replaces = f"{version.number}; replaces version{NBSP}{before.number}" if before else "the first"
    return _letter(
        subject=f"In force: {name} ({_names(activation, alert)})",
        reference=name,
        heading=f"In force since {reader.moment(at)}",
        lead=f"{name} is now in force." + ("" if before else " No version of this policy was in force before."),
        quote=quoted(activation.reason) if activation else "",
        rows=(
            ("Version", replaces),
            ("What changes", quoted(version.reason.strip().partition("\n")[0], TITLE_CHARS_MAX) or "not stated"),
            *_two(activation, version, alert),
        ),
        path=pages.version_page(version),
        thread=f"activation.{activation.pk}" if activation else "",
    )


def exception(alert: Alert, reader: Reader) -> Letter:
    """A rule holds no more somewhere, until a day."""
    row = PolicyException.objects.select_related("team", "project", "asked_by__person", "approved_by__person").get(
        pk=alert.payload["exception"]
    )
    where = unlinked(str(row.team or row.project))
    events = officers.channels("policyexception", row.pk)
    asked = _who(row.asked_by, events.get("policy.exception_asked"))
    approved = _who(row.approved_by, events.get("policy.exception_granted"))
    return _letter(
        subject=f"Exception in force: {unlinked(row.rule_id)} for {where} until {reader.day(row.valid_to)}",
        reference=unlinked(row.rule_id),
        heading=f"{unlinked(row.rule_id)} is suspended for {where} until {reader.moment(row.valid_to)}",
        lead=f"Rule {unlinked(row.rule_id)} is suspended for {where}.",
        quote=quoted(row.reason),
        rows=(
            ("From", reader.moment(row.valid_from)),
            ("Until", reader.moment(row.valid_to)),
            ("Requested by", asked),
            ("Approved by", approved),
        ),
        path=pages.exception_page(row),
    )


def publication(alert: Alert, reader: Reader) -> Letter:
    """An acceptable-use version was published."""
    row = AcceptableUsePublication.objects.select_related(
        "statement", "version", "asked_by__person", "answered_by__person"
    ).get(pk=alert.payload["publication"])
    version = row.version
    number = version.number if version else 0
    name = f"{quoted(row.statement.name, NAME_CHARS_MAX)} version{NBSP}{number}"
    asked = officers.channels("acceptableusepublication", row.pk).get("aup.publication_asked")
    answered = officers.channels("acceptableuseversion", version.pk if version else 0).get("aup.published")
    starts = version.effective_from if version else row.asked_at
    return _letter(
        subject=f"Published: {name}, to be accepted by {reader.day(row.consent_due)}",
        reference=name,
        heading=f"In effect from {reader.moment(starts)}; to be accepted by {reader.moment(row.consent_due)}",
        lead="People who have not accepted it by then cannot submit requests. Everybody affected is notified.",
        quote=quoted(row.reason),
        rows=(
            ("Requested by", _who(row.asked_by, asked)),
            ("Approved by", _who(row.answered_by, answered)),
        ),
        path=pages.publication_page(row),
    )


def _letter(**words: object) -> Letter:
    defaults: dict[str, object] = {"action": "Open the record", "why": _WHY, "note": _NOTE}
    return Letter(**(defaults | words))  # type: ignore[arg-type]


def _names(activation: PolicyActivation | None, alert: Alert) -> str:
    if activation is None or activation.answered_by is None:
        by = User.objects.select_related("person").filter(pk=alert.payload["by"]).first()
        return unlinked(by.person.name) if by else "the installation"
    return f"{unlinked(activation.asked_by.person.name)}, {unlinked(activation.answered_by.person.name)}"


def _two(activation: PolicyActivation | None, version: PolicyVersion, alert: Alert) -> tuple[tuple[str, str], ...]:
    if activation is None:
        return (("Put in force by", f"{_names(None, alert)} alone, as the first version of an installation"),)
    events = officers.channels("policyversion", version.pk, activation=activation.pk)
    answered = events.get("policy.activation_agreed") or events.get("policy.activated")
    return (
        ("Requested by", _who(activation.asked_by, events.get("policy.activation_asked"))),
        ("Approved by", _who(activation.answered_by, answered)),
    )


def _who(user: User | None, event: AuditEvent | None) -> str:
    """`Grace, on the desk`; of a command also who ran it."""
    if user is None:
        return "nobody"
    name = unlinked(user.person.name)
    if event is None or event.channel not in _BY:
        return name
    ran = f", run as {unlinked(event.origin)}" if event.channel == "command" and event.origin else ""
    return f"{name}, {_BY[event.channel]}{ran}"
