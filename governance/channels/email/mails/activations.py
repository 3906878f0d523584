"""Mails to policy officers: an activation waits for a second one (13), an agreed one does not rule (14)."""

from __future__ import annotations

from governance.channels.email import pages
from governance.channels.email.letters import Letter, Moot, Reader, quoted, unlinked
from governance.display import numbers
from governance.display.lists import joined
from governance.display.numbers import NBSP
from governance.domain.rules.backtest_result import changes_in_words, effects_in_words, nothing_newly
from governance.domain.states.rules import ActivationState, VersionState
from governance.models import Alert, PolicyActivation, PolicyBacktest
from governance.selectors.rules import activations

NAME_CHARS_MAX = 60
TITLE_CHARS_MAX = 120


def asked(alert: Alert, reader: Reader) -> Letter:
    """Mail 13: what would rule, from when, what history says of it, and who wants it.

    Raises:
        Moot: it was answered or withdrawn, or the reader can no longer answer it.
    """
    activation = activations.activation_of(alert.payload["activation"])
    if activation.state != ActivationState.ASKED:
        raise Moot("it was answered or withdrawn before the mail left")
    if reader.person.pk not in activations.answerers(activation, now=reader.now):
        raise Moot("the reader can no longer answer it")
    name, counts = _name(activation), _counts(activation.backtest)
    starts = _starts(activation, reader)
    by = unlinked(activation.asked_by.person.name)
    return Letter(
        subject=f"Approve policy change{starts}: {name}, {counts} ({by})",
        reference=name,
        heading=f"Requested on {reader.day(activation.asked_at)}: {counts}",
        preview=f"{by} asks a second officer to approve.",
        lead=f"{by} asks a second policy officer to approve the activation of {name}.",
        quote=quoted(activation.reason),
        rows=(
            ("Policy", unlinked(activation.version.policy_set.name)),
            ("Version", _replaces(activation)),
            ("What changes", _title(activation)),
            ("Takes effect", _moment(activation, reader) if starts else "when a second officer approves"),
            ("Backtest", _backtest(activation.backtest, reader)),
        ),
        action="Open the version",
        path=pages.version_page(activation.version),
        note="Opening the link does not record a decision. Approve or reject on the page; the first answer counts.",
        why="You receive this because you are a policy officer and somebody else made the request. "
        "One email is sent per request; it cannot be turned off.",
        thread=f"activation.{activation.pk}",
    )


def in_your_name(alert: Alert, reader: Reader) -> Letter:
    """Mail 13 to the one in whose name a command asked: whoever can start a command can name any officer.

    Sent also when it was answered meanwhile: then it matters most.
    """
    activation = activations.activation_of(alert.payload["activation"])
    name, ran = _name(activation), unlinked(str(alert.payload.get("origin", "")))
    return _letter(
        activation,
        subject=f"Requested in your name on the command line: {name}",
        heading=f"Requested on {reader.day(activation.asked_at)}, on the command line",
        preview="If it was not you, withdraw it.",
        lead=f"A command requested the activation of {name} in your name. It ran as {ran}.",
        quote=quoted(activation.reason),
        rows=(
            ("Version", _replaces(activation)),
            ("What changes", _title(activation)),
            ("If it was not you", "open the version, withdraw it, and tell whoever runs this installation"),
        ),
        note="It takes effect only after a second officer approves.",
        why="You receive this because a command named you. It is sent once and cannot be turned off.",
    )


def lapsed(alert: Alert, reader: Reader) -> Letter:
    """Mail 14: two officers agreed, the instant came, and it does not rule; why, and what does.

    Raises:
        Moot: the version rules after all, or the reader is no officer any more.
    """
    activation = _not_in_force(alert, reader, state=ActivationState.LAPSED)
    name = _name(activation)
    return _letter(
        activation,
        subject=f"Lapsed: {name} did not take effect on {reader.day(activation.effective_at)}",
        heading=f"Lapsed on {reader.day(alert.created_at)}: {name} is not in force",
        preview="What two officers approved was no longer valid.",
        lead=f"{name} was to take effect on {_moment(activation, reader)}. "
        "What the officers approved was no longer valid by then, so nothing was changed.",
        rows=(
            ("Reason", quoted(activation.answer_reason)),
            ("In force", _in_force(activation)),
            ("Approved by", _who(activation)),
            ("Next", "fix what the reason names, then request activation again"),
        ),
        note="A lapsed activation is not retried automatically.",
    )


def late(alert: Alert, reader: Reader) -> Letter:
    """Mail 14, while an agreed version is overdue because the program fails to put it in force.

    Raises:
        Moot: it rules, lapsed or was withdrawn since, or the reader is no officer any more.
    """
    activation = _not_in_force(alert, reader, state=ActivationState.AGREED)
    name = _name(activation)
    return _letter(
        activation,
        subject=f"Not in force yet: {name}, due since {_moment(activation, reader)}",
        heading=f"Due since {_moment(activation, reader)}: {name} is not in force",
        preview="The activation fails and is retried every minute.",
        lead=f"{name} was approved to take effect on {_moment(activation, reader)}. "
        "The activation fails and is retried every minute.",
        rows=(
            ("In force", _in_force(activation)),
            ("Approved by", _who(activation)),
            ("Reason", "see Job runs on the desk, job activate_policies"),
        ),
        note="Withdraw it on the page if it should not take effect late.",
    )


def _letter(activation: PolicyActivation, **words: object) -> Letter:
    defaults: dict[str, object] = {
        "reference": _name(activation),
        "action": "Open the version",
        "path": pages.version_page(activation.version),
        "why": "You receive this because you are a policy officer and this version was approved. "
        "It is sent once and cannot be turned off.",
        "thread": f"activation.{activation.pk}",
    }
    return Letter(**(defaults | words))  # type: ignore[arg-type]


def _not_in_force(alert: Alert, reader: Reader, *, state: str) -> PolicyActivation:
    activation = activations.activation_of(alert.payload["activation"])
    if activation.state != state or activation.version.state == VersionState.ACTIVE:
        raise Moot("it took effect or was settled otherwise before the mail left")
    if reader.person.pk not in activations.concerned(activation, now=reader.now):
        raise Moot("the reader is no longer a policy officer")
    return activation


def _name(activation: PolicyActivation) -> str:
    """`Sustainability version 2`; a long name is cut, so that a subject has room for the figures."""
    version = activation.version
    return f"{quoted(version.policy_set.name, NAME_CHARS_MAX)} version{NBSP}{version.number}"


def _replaces(activation: PolicyActivation) -> str:
    before = activations.in_force_beside(activation)
    number = activation.version.number
    if before is None:
        return f"{number}; no version of this policy is in force"
    again = ", which was in force before" if activations.has_ruled(activation.version) else ""
    return f"{number}{again}; replaces version{NBSP}{before.number}"


def _title(activation: PolicyActivation) -> str:
    """The line that its author wrote over it."""
    return quoted(activation.version.reason.strip().partition("\n")[0], TITLE_CHARS_MAX)


def _starts(activation: PolicyActivation, reader: Reader) -> str:
    """` from Thu 4 Jun`; empty when it rules as soon as somebody agrees."""
    return f" from {reader.day(activation.effective_at)}" if activation.effective_at > reader.now else ""


def _counts(run: PolicyBacktest | None) -> str:
    """`12 of 340 decisions would change`."""
    if run is None:
        return "no backtest needed"
    rows, flipped = int(run.result.get("rows", 0)), int(run.result.get("flipped", 0))
    other, empty = int(run.result.get("effect_rows", 0)), int(run.result.get("unfillable_rows", 0))
    said = f"{numbers.count(flipped)} of {numbers.counted(rows, 'decision')} would change"
    said += (
        f", {numbers.count(other)} {'keeps its' if other == 1 else 'keep their'} outcome and change in other ways"
        if other
        else ""
    )
    return said + (f", {numbers.count(empty)} would wait for a stage that nobody could fill" if empty else "")


def _backtest(run: PolicyBacktest | None, reader: Reader) -> str:
    """Its counts in one line, what would no longer be stopped first, and who looked at it."""
    if run is None:
        return "not needed: this version was in force before, or no policy is in force"
    pairs = {name: int(each["count"]) for name, each in run.result.get("pairs", {}).items()}
    changes = [f"{numbers.count(count)} {words}" for _, count, words in changes_in_words(pairs)]
    changes += [
        f"{numbers.count(count)} {words}" for _, count, words in effects_in_words(run.result.get("effects", {}))
    ]
    said = "; ".join([_counts(run), *changes])
    looked = ""
    if run.seen_by is not None and run.seen_at is not None:
        looked = f" {unlinked(run.seen_by.person.name)} reviewed it on {reader.day(run.seen_at)}."
    return f"{said}. {nothing_newly(pairs)}".rstrip() + looked


def _in_force(activation: PolicyActivation) -> str:
    before = activations.in_force_beside(activation)
    return f"version{NBSP}{before.number} stays in force" if before else "no version of this policy"


def _who(activation: PolicyActivation) -> str:
    answered = activation.answered_by
    names = [activation.asked_by.person.name, *([answered.person.name] if answered else [])]
    return joined(unlinked(name) for name in names)


def _moment(activation: PolicyActivation, reader: Reader) -> str:
    return reader.moment(activation.effective_at)
