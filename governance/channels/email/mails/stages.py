"""Mails to the people who decide: a stage opened (1), and what happens when nobody answers (4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from governance.channels.email import pages, phrases
from governance.channels.email.letters import Letter, Moot, Reader, quoted, unlinked
from governance.display import dates, numbers, why
from governance.display.lists import joined
from governance.domain import prose
from governance.domain.states.approvals import StageState
from governance.models import Alert, ApprovalStage
from governance.selectors.approvals.authority import Holder
from governance.selectors.messages import alerts
from governance.selectors.messages.alerts import Case
from governance.selectors.requests.provisioning import held_back

NAMES_SHOWN_MAX = 5


@dataclass(frozen=True, slots=True)
class _Ask:
    """One open stage as the reader of a mail finds it."""

    stage: ApprovalStage
    case: Case
    opened_at: datetime
    due_at: datetime
    holders: list[Holder]

    @property
    def role(self) -> str:
        return prose.within(self.stage.role.name)

    @property
    def waits_for_it(self) -> str:
        """What stands still until somebody answers."""
        start, budgets = self.case.content.start_on, self.case.budgets
        held = f"; {phrases.counts_as(self.case)} of {unlinked(budgets[0].name)} held" if budgets else ""
        return f"{unlinked(self.case.request.title)}, from {dates.full_day(start)}{held}"


def opened(alert: Alert, reader: Reader) -> Letter:
    """Mail 1: what is asked, what it costs, what is left after it, and why this reader."""
    content = _read(alert, reader)
    case, holder = content.case, _own_right(content, reader)
    return _letter(
        content,
        subject=f"Decide by {reader.day(content.due_at)}: {phrases.size(case)}, {_for_whom(case)}",
        heading=f"Decide by {reader.moment(content.due_at)}: {phrases.money_for(case)}",
        preview=f"{phrases.machines(case)}. Headroom after: {phrases.headroom(case)}.",
        lead=f"{phrases.requester(case)} requests {phrases.about(case)}: {unlinked(case.request.title)}.",
        quote=quoted(case.content.justification),
        rows=(
            ("Cost", phrases.cost(case)),
            ("Headroom after", phrases.headroom(case)),
            ("Why it needs approval", _why_this_stage(content)),
            ("Compute", phrases.compute(case)),
            ("Cheaper option", phrases.cheaper(case, now=reader.now)),
        ),
        action="Open the decision",
        path=pages.decision_page(content.stage),
        note=f"Opening the link does not record a decision. {_what_comes_next(content)}",
        why=_why_the_reader(content, holder),
    )


def reminded(alert: Alert, reader: Reader) -> Letter:
    """Mail 4 when half of the time is gone."""
    content = _read(alert, reader)
    case, holder = content.case, _own_right(content, reader)
    is_late = content.due_at <= reader.now
    when = "Due now" if is_late else f"Due in {_span(content.due_at - reader.now)}"
    return _letter(
        content,
        subject=f"{when}: {case.request.reference}, {phrases.counts_as(case)}, {_for_whom(case)}",
        heading=f"{when}, {reader.moment(content.due_at)}: {phrases.money_for(case)}",
        preview="Half of the time to decide has passed.",
        lead=f"{phrases.requester(case)} has been waiting since {reader.moment(content.opened_at)} "
        f"for a decision on {phrases.about(case)}.",
        rows=(
            ("Has not decided", _names(content.holders)),
            ("Waiting on this", content.waits_for_it),
            ("If you are away", "delegate the role: your delegate can then decide"),
        ),
        action="Open the decision",
        path=pages.decision_page(content.stage),
        note=f"Opening the link does not record a decision. {_what_happens_when_overdue(content)}",
        why=_why_the_reader(content, holder),
    )


def escalated(alert: Alert, reader: Reader) -> Letter:
    """Mail 4 when the stage is overdue: to the people of the role that stands in.

    Raises:
        Moot: the reader does not hold that role any more.
    """
    content = _read(alert, reader)
    case, fallback = content.case, content.stage.role.fallback
    if fallback is None or reader.person.pk not in alerts.standing_in(content.stage, case.request, now=reader.now):
        raise Moot("the reader no longer holds the fallback role")
    late = _span(max(reader.now - content.due_at, timedelta(minutes=1)))
    may_decide = any(holder.person_id == reader.person.pk for holder in content.holders)
    return _letter(
        content,
        subject=f"Escalated to you: {case.request.reference}, {late} late, {phrases.counts_as(case)}",
        heading=f"{late} late, was due {reader.moment(content.due_at)}: {phrases.money_for(case)}",
        preview=f"Nobody has decided as {content.role}.",
        lead=f"{phrases.requester(case)} requests {phrases.about(case)}. Nobody has decided as {content.role}.",
        rows=(
            ("Has not decided", _names(content.holders)),
            ("Waiting on this", content.waits_for_it),
            ("Next", f"remind one of them, or have the role {content.role} delegated to somebody who is available"),
        ),
        action="Open the decision" if may_decide else "Read the request",
        path=pages.decision_page(content.stage) if may_decide else pages.request_page(case.request),
        note="Opening the link does not record a decision.",
        why=f"You receive this because {prose.within(fallback.name)} is the fallback for {content.role}. "
        "It is sent once per stage.",
    )


def _span(time: timedelta) -> str:
    return numbers.duration(time / timedelta(hours=1))


def _read(alert: Alert, reader: Reader) -> _Ask:
    """The stage with its case.

    Raises:
        Moot: it is decided, closed or was opened anew.
    """
    stage = alerts.open_stage(alert.payload["stage"], opened_at=alert.payload["opened_at"])
    if stage is None or stage.opened_at is None or stage.due_at is None:
        raise Moot("the stage was closed before the mail left")
    case = Case(stage.provisioning_request_id, stage.revision.number)
    if not case.is_current:
        raise Moot("the request changed before the mail left")
    holders = alerts.stage_holders([stage], case.request, now=reader.now)[stage.pk]
    return _Ask(stage, case, stage.opened_at, stage.due_at, holders)


def _own_right(content: _Ask, reader: Reader) -> Holder:
    """By what right the reader decides.

    Raises:
        Moot: they have decided, or the role was taken away since.
    """
    for holder in content.holders:
        if holder.person_id == reader.person.pk:
            return holder
    raise Moot("the reader has decided already, or can no longer decide")


def _letter(content: _Ask, **words: object) -> Letter:
    request = content.case.request
    return Letter(
        reference=request.reference,
        thread=f"request.{request.pk}",
        is_demonstration=request.is_demonstration,
        **words,  # type: ignore[arg-type]
    )


def _for_whom(case: Case) -> str:
    return f"{phrases.project(case)} ({phrases.requester(case)})"


def _why_this_stage(content: _Ask) -> str:
    case = content.case
    return phrases.reasons(
        why.reviewed(
            case.decision,
            case.assessment.gaps,
            held_back=held_back(case.assessment, case.estimate, case.revision.content),
            is_priced=case.request.exposure_micro is not None,
            rule_ids=content.stage.rule_ids,
        )
    )


def _what_comes_next(content: _Ask) -> str:
    others = [stage for stage in content.case.stages() if stage.pk != content.stage.pk]
    later = [prose.within(stage.role.name) for stage in others if stage.state == StageState.WAITING]
    beside = [prose.within(stage.role.name) for stage in others if stage.state == StageState.OPEN]
    sentences = []
    if beside:
        sentences.append(f"Also deciding: {', '.join(beside)}.")
    sentences.append(f"Next to decide: {', '.join(later)}." if later else "The grant is issued on final approval.")
    return " ".join(sentences)


def _what_happens_when_overdue(content: _Ask) -> str:
    fallback = content.stage.role.fallback
    return f"If nobody decides by then, it is escalated to {prose.within(fallback.name)}." if fallback else ""


def _why_the_reader(content: _Ask, holder: Holder) -> str:
    where = phrases.project(content.case)
    if holder.for_person_id is not None:
        return (
            f"You receive this because {unlinked(holder.for_name)} delegated decisions as {content.role} to you. "
            "These emails stop when the delegation ends."
        )
    return (
        f"You receive this because you are {content.role} for {where}. "
        "While you are away, delegate the role: your delegate is notified too."
    )


def _names(holders: Iterable[Holder]) -> str:
    names = joined((unlinked(holder.name) for holder in holders), at_most=NAMES_SHOWN_MAX)
    return names or "nobody holds the role for this amount"
