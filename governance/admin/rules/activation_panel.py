"""What the panel beside a policy version shows: each thing that activation asks for, and how far it is.

The same panel stands on the version's page and on the page of its backtest. A page gives its template
`panel = activation_panel.of(version, person)`, and the template says
`{% include "admin/desk/activation_panel.html" with panel=panel %}`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import models
from django.urls import reverse
from django.utils import timezone

from governance.admin.access import Access
from governance.admin.wording import day, moment
from governance.display import numbers
from governance.domain.prose import sentence
from governance.domain.states.rules import ActivationState, VersionState
from governance.models import PolicyVersion
from governance.selectors.people.duties import people_with
from governance.selectors.rules import activations, officers
from governance.selectors.rules.activations import BacktestStanding, Standing


@dataclass(frozen=True, slots=True)
class Step:
    """One line: what, a remark under it, and the shape and word of its state."""

    title: str
    remark: str
    mark: str
    word: str


@dataclass(frozen=True, slots=True)
class Panel:
    """The panel.

    Args:
        lead: who still has to do what, in a sentence.
        missing: what is in the way of asking.
        can_request, can_answer, can_withdraw: whether this person may do it now.
        why_not: why an officer may not answer what somebody else asks; empty otherwise.
        request_url, answer_url, withdraw_url: where the forms go.
        request_label: what the button says.
    """

    version: PolicyVersion
    title: str
    lead: str
    steps: tuple[Step, ...]
    missing: tuple[str, ...]
    can_request: bool
    can_answer: bool
    why_not: str
    can_withdraw: bool
    request_url: str
    answer_url: str
    withdraw_url: str
    request_label: str
    reason_label: str
    request_reason: str


def of(version: PolicyVersion, person: Access) -> Panel:
    """The panel of a version, as this person may use it."""
    me, is_officer = person.user.person_id, "policies" in person.duties
    standing = activations.standing_of(version, now=person.now, asker=person.user if is_officer else None)
    open_one = standing.open_activation
    is_asked = open_one is not None and open_one.state == ActivationState.ASKED
    # Named where nobody else keeps policies, superusers included.
    others = {pk: name for pk, name in people_with("policies", now=person.now).items() if pk != me}
    only = next(iter(others.values())) if len(others) == 1 and set(others) <= set(standing.officers) else ""
    rules = version.state != VersionState.ACTIVE
    return Panel(
        version=version,
        title="Activate" if rules else "In force",
        lead=_lead(standing, person, only),
        steps=_steps(standing, person.now),
        missing=tuple(sentence(each) for each in standing.missing) if rules and open_one is None else (),
        can_request=is_officer and rules and open_one is None and not standing.missing,
        can_answer=is_asked and me in standing.officers,
        why_not=_why_not(standing, person) if is_asked and is_officer else "",
        can_withdraw=is_officer and open_one is not None,
        request_url=_url("request", version),
        answer_url=_url("answer", version),
        withdraw_url=_url("withdraw", version),
        request_label=f"Ask {only.split()[0]} to approve" if only else "Request approval",
        reason_label=f"Reason, for {only.split()[0]} and the audit log"
        if only
        else "Reason, for the second officer and the audit log",
        request_reason=open_one.reason if open_one is not None else "",
    )


def _why_not(standing: Standing, person: Access) -> str:
    open_one = standing.open_activation
    if open_one is None or open_one.asked_by.person_id == person.user.person_id:
        return ""
    tie = officers.tie_between("policies", asked_by=open_one.asked_by, other=person.user, now=person.now)
    return sentence(f"{tie}: another officer approves") if tie else ""


def _url(slug: str, row: models.Model) -> str:
    return reverse(f"admin:governance_policyversion_{slug}", args=[row.pk])


def _lead(standing: Standing, person: Access, only: str) -> str:
    version, open_one = standing.version, standing.open_activation
    if version.state == VersionState.ACTIVE:
        since = f" since {day(timezone.localtime(version.activated_at))}" if version.activated_at else ""
        return f"This version is in force{since}."
    if open_one is not None and open_one.state == ActivationState.AGREED:
        return f"Two officers approved it. It takes effect on {moment(open_one.effective_at)}."
    if open_one is not None:
        asker, is_ahead = open_one.asked_by.person.name, open_one.effective_at > person.now
        # Without an instant of its own it holds the one at which it was asked for, which says nothing to a reader.
        starts = f"on {moment(open_one.effective_at)}" if is_ahead else "when a second officer approves"
        return f"{asker} requested activation. It takes effect {starts}."
    if standing.may_rule_again:
        return "It was in force before: restoring it needs a second officer but no backtest."
    if version.created_by.person_id == person.user.person_id:
        return "You wrote this version, so a second policy officer approves it."
    return "One officer requests activation, another approves."


def _steps(standing: Standing, now: datetime) -> tuple[Step, ...]:
    version = standing.version
    written = Step(f"Written: {version.created_by.person.name}", day(version.created_at), "ok", "Done")
    return (written, _checks(standing), _backtest(standing), _shadow(standing, now), _second(standing))


def _checks(standing: Standing) -> Step:
    checks, title = standing.checks, "Cases and checks"
    if checks is None:
        return Step(title, "", "draft", "Not run")
    remark = f"{numbers.count(checks.passed_count)} of {numbers.count(checks.case_count)}"
    if not checks.are_cases_green:
        lacking = f"; {len(checks.missing)} rules have no case" if checks.missing else ""
        return Step(title, remark + lacking, "deny", "Fail")
    if standing.unexplained:
        count = len(standing.unexplained)
        return Step(title, f"{remark}; {count} finding{'' if count == 1 else 's'} not explained", "review", "Review")
    return Step(title, remark, "ok", "Pass")


def _backtest(standing: Standing) -> Step:
    run = standing.backtest
    seen = ""
    if run is not None and run.seen_at is not None and run.seen_by is not None:
        rows = int(run.result.get("rows", 0))
        span = f"since {day(run.since)}" if run.since else "all that are stored"
        seen = (
            f"{run.seen_by.person.name} reviewed it, {day(run.seen_at)}: "
            f"{numbers.count(rows)} decision{'' if rows == 1 else 's'}, {span}"
        )
    match standing.backtest_standing:
        case BacktestStanding.SEEN:
            return Step("Backtest", seen, "ok", "Reviewed")
        case BacktestStanding.NOT_NEEDED:
            return Step("Backtest", "This version was in force before", "ok", "Not needed")
        case BacktestStanding.UNSEEN:
            return Step("Backtest", "Finished; open it", "review", "Not reviewed")
        case BacktestStanding.STALE:
            return Step("Backtest", "Other rules have come into force since", "review", "Too old")
        case BacktestStanding.SHORT:
            return Step("Backtest", "The period is too short", "review", "Too short")
        case BacktestStanding.RUNNING:
            return Step("Backtest", "", "wait", "Running")
    return Step("Backtest", "", "draft", "Not run")


def _shadow(standing: Standing, now: datetime) -> Step:
    summary, since = standing.shadow, standing.version.shadow_since
    if summary.judged:
        count = summary.flipped
        remark = f"{numbers.count(count)} of {numbers.count(summary.judged)} outcomes would differ"
        if summary.otherwise:
            remark += f", {numbers.count(summary.otherwise)} in people, deadlines, obligations or flags"
        if summary.errors:
            remark += f"; {numbers.count(summary.errors)} could not be evaluated"
    else:
        remark = "No submission yet" if since else "Optional"
    if since is not None:
        days = max(0, (now - since).days)
        return Step(f"Shadow, {days} day{'' if days == 1 else 's'}", remark, "wait", "Running")
    return Step("Shadow", remark, "ok" if summary.judged else "draft", "Done" if summary.judged else "Not run")


def _second(standing: Standing) -> Step:
    last = standing.activation
    if last is None:
        return Step("Second officer", "", "draft", "Not requested")
    title = f"Second officer: {last.answered_by.person.name}" if last.answered_by is not None else "Second officer"
    remark = last.answer_reason[:120]
    # One that is in force was approved as well: this step is about the officer.
    state = ActivationState.AGREED if last.state == ActivationState.IN_FORCE else ActivationState(last.state)
    mark = {
        ActivationState.ASKED: "wait",
        ActivationState.AGREED: "ok",
        ActivationState.REFUSED: "deny",
        ActivationState.WITHDRAWN: "draft",
        ActivationState.LAPSED: "deny",
    }[state]
    return Step(title, remark, mark, state.label)
