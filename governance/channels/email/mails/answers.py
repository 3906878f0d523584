"""Mails to the person who asked: the answer (2), a wish for changes (3), the grant (5)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC

from governance.channels.email import pages, phrases
from governance.channels.email.letters import Letter, Moot, Reader, quoted, unlinked
from governance.display import dates, durations, numbers, why
from governance.display.numbers import NBSP
from governance.domain import prose
from governance.domain.limits import HOLD_DAYS_MAX
from governance.domain.states.grants import GrantState
from governance.domain.states.requests import State
from governance.models import Alert, ApprovalDecision, Grant
from governance.selectors.messages import alerts
from governance.selectors.messages.alerts import Case

REASON_SHOWN_MAX = 60
WHY = "You receive this because you made this request. One email is sent per decision; it cannot be turned off."


def denied(alert: Alert, reader: Reader) -> Letter:
    """Mail 2 when a rule said no: the rule in words, the distance, the nearest request that would pass."""
    case = _case(alert)
    if not case.is_current or case.request.state != State.DENIED:
        raise Moot("the request changed before the mail left")
    told = why.denied(case.decision, case.assessment.gaps)
    # A rule may go on to say what it would allow; the subject has room for what is wrong.
    first = unlinked(told[0].text.split(". ")[0].rstrip(".")) if told else "no rule allows it"
    return _letter(
        case,
        subject=f"Denied: {case.request.reference}, {first}",
        heading=f"Denied on {_answered(case, reader)}: {phrases.money_for(case)}",
        preview=first,
        lead=f"{unlinked(case.request.title)}, {phrases.about(case)}: denied by policy.",
        rows=(
            ("Reason", phrases.reasons(told)),
            ("Nearest change", phrases.nearest_change(case, now=reader.now)),
            ("Budget", "no money is held for this request"),
        ),
        action="Change the request",
        note="Change what the reason names and submit the request again. What you entered is kept.",
    )


def rejected(alert: Alert, reader: Reader) -> Letter:
    """Mail 2 when a person said no, in their words."""
    decision, case = _decided(alert)
    by = unlinked(decision.person.name)
    return _letter(
        case,
        subject=f"Rejected: {case.request.reference}, {_short(decision.reason)} ({by})",
        heading=f"Rejected on {reader.day(decision.decided_at)}: {phrases.money_for(case)}",
        preview=f"{by}, {prose.within(decision.stage.role.name)}, rejected it.",
        lead=f"{by}, {prose.within(decision.stage.role.name)}, rejected {unlinked(case.request.title)}, "
        f"{phrases.about(case)}:",
        quote=quoted(decision.reason),
        rows=(
            ("Budget", "the held money is released"),
            ("Next", "clone the request, address the reason and submit it"),
        ),
        action="Open the request",
    )


def expired(alert: Alert, reader: Reader) -> Letter:
    """Mail 2 when nobody answered in time."""
    case = _case(alert)
    if case.request.state != State.EXPIRED:
        raise Moot("the request changed before the mail left")
    return _letter(
        case,
        subject=f"Expired: {case.request.reference}, no decision in {HOLD_DAYS_MAX} days, "
        f"{phrases.counts_as(case)} released",
        heading=f"Expired on {_answered(case, reader)}: {phrases.money_for(case)}",
        preview="The held money is released.",
        lead=f"{unlinked(case.request.title)}, {phrases.about(case)}: "
        f"nobody decided within {HOLD_DAYS_MAX} days, so the hold ended.",
        rows=(("Budget", "the held money is released"), ("Next", "clone the request and submit it again")),
        action="Open the request",
    )


def changes_wanted(alert: Alert, reader: Reader) -> Letter:
    """Mail 3: the exact question, where to answer, and that the due date stands still."""
    decision, case = _decided(alert)
    if case.request.state != State.CHANGES_REQUESTED or not case.is_current:
        raise Moot("the request changed before the mail left")
    by, question = unlinked(decision.person.name), _short(decision.reason)
    return _letter(
        case,
        subject=f"{by.split(' ')[0]} asked for changes to {case.request.reference}: {question} (deadline paused)",
        heading=f"Changes requested on {reader.day(decision.decided_at)}: {phrases.money_for(case)}",
        preview=f"{by}, {prose.within(decision.stage.role.name)}, asked for changes. The deadline is paused.",
        lead=f"{by}, {prose.within(decision.stage.role.name)}, asked for changes to {unlinked(case.request.title)}, "
        f"{phrases.about(case)}:",
        quote=quoted(decision.reason),
        rows=(
            ("Deadline", "paused; a new one starts when you resubmit"),
            ("Budget", "no money is held until you resubmit"),
        ),
        action="Change the request",
        note="Change the request and submit it again.",
    )


def grant_issued(alert: Alert, reader: Reader) -> Letter:
    """Mail 5, the yes: what to put on jobs, what caps it, when it ends, how to return it."""
    grant = alerts.grant_of(alert.payload["grant"])
    if grant.state != GrantState.ACTIVE:
        raise Moot(f"{grant.reference} is over")
    case = Case(grant.provisioning_request_id, grant.revision.number)
    is_owner = grant.owner_id == reader.person.pk
    if not is_owner and reader.person.pk not in alerts.role_holders(
        alerts.INFRASTRUCTURE_ROLE, grant.project, now=reader.now
    ):
        raise Moot("the reader no longer manages its infrastructure")
    window = f"{reader.day(grant.starts_at.astimezone(UTC).date(), weekday=False)} to {_last_day(grant, reader)}"
    machines = phrases.machines(case)
    unit = f"{case.accelerator_name or 'GPU'}-hours"
    hours = f" and {numbers.scaled(grant.gpu_hours_cap)}{NBSP}{unit}" if grant.gpu_hours_cap else ""
    if lasts := durations.on_accelerators(grant.gpu_hours_cap, grant.accelerator_count):
        hours += f" ({lasts})"
    until, cap = _last_day(grant, reader), prose.money_in_full(grant.cost_cap_micro)
    owner, project = unlinked(grant.owner.name), unlinked(grant.project.name)
    role = "because you made this request" if is_owner else f"because you manage infrastructure for {project}"
    said = alerts.yeses(grant.revision_id)
    return _letter(
        case,
        subject=f"Ready: {machines}, {window}, grant {grant.reference}",
        heading=f"Approved until {until}: {cap}, grant {grant.reference}",
        preview=f"Label every job with {grant.reference}.",
        lead=f"{unlinked(grant.title)}: {machines}, {window}, for {project}. Owner: {owner}."
        + (f" {unlinked(said[-1].person.name)} wrote:" if said else ""),
        quote=quoted(said[-1].reason) if said else "",
        rows=(
            ("Approved by", _who_said_yes(said)),
            ("Label for jobs", grant.reference),
            ("Cap", f"{cap}{hours}; jobs above it are flagged"),
            ("Ends", f"{_last_day(grant, reader, weekday=True)}, end of the day UTC"),
            ("Return early", "open the grant and choose Return; unspent money goes back to the budget immediately"),
        ),
        action="Open the grant",
        path=pages.grant_page(grant),
        why=f"You receive this {role}. One email is sent per grant; it cannot be turned off.",
    )


def _letter(case: Case, **words: object) -> Letter:
    request = case.request
    defaults: dict[str, object] = {
        "reference": request.reference,
        "thread": f"request.{request.pk}",
        "is_demonstration": request.is_demonstration,
        "path": pages.request_page(request),
        "why": WHY,
    }
    return Letter(**(defaults | words))  # type: ignore[arg-type]


def _case(alert: Alert) -> Case:
    """The revision that a rule or the clock answered."""
    if alert.provisioning_request_id is None:
        raise Moot("it names no request")
    return Case(alert.provisioning_request_id, alert.payload.get("revision"))


def _decided(alert: Alert) -> tuple[ApprovalDecision, Case]:
    decision = ApprovalDecision.objects.select_related("person", "stage__role", "stage__revision").get(
        pk=alert.payload["decision"]
    )
    revision = decision.stage.revision
    return decision, Case(revision.provisioning_request_id, revision.number)


def _answered(case: Case, reader: Reader) -> str:
    return reader.day(case.request.answered_at or case.request.changed_at)


def _last_day(grant: Grant, reader: Reader, *, weekday: bool = False) -> str:
    # A window ends at midnight UTC of the day after; in the reader's zone that could read as another day.
    return reader.day(dates.last_day(grant.ends_at), weekday=weekday)


def _who_said_yes(said: Sequence[ApprovalDecision]) -> str:
    """Names with roles, the one who is quoted last."""
    names = [f"{unlinked(each.person.name)}, {prose.within(each.stage.role.name)}" for each in said]
    return "; ".join(names) or "policy, automatically"


def _short(reason: str) -> str:
    """The first words of a reason, for a subject."""
    return quoted(" ".join(reason.split()), REASON_SHOWN_MAX)
