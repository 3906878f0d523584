"""Exceptions from one rule, for a team or a project, until a day: one officer asks, another one approves."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from governance.display import dates
from governance.domain.errors import AlreadyDecided, NotReady
from governance.domain.limits import REASON_CHARS_MAX
from governance.domain.rules.policy_life import EXCEPTION_DAYS_MAX
from governance.domain.states.rules import EXCEPTION_OPEN, ExceptionEvent, ExceptionState
from governance.domain.text import clean_reason
from governance.models import PolicyException, Project, Team, User
from governance.selectors.rules.policies import rules_in_force
from governance.services.messages import alerts
from governance.services.record import audit
from governance.services.register.edits import Errors
from governance.services.rules import policies
from governance.services.rules.second_officer import gone, require_officer, require_second

ANSWERS = ("approve", "refuse")
DUTY = "policies"


@transaction.atomic(durable=True)
def request_exception(
    *,
    rule_id: str,
    reason: str,
    valid_to: datetime,
    actor: User,
    now: datetime,
    team: Team | None = None,
    project: Project | None = None,
    valid_from: datetime | None = None,
) -> PolicyException:
    """Ask another officer to take one rule's effect away for a while. Nothing changes until it is approved.

    Args:
        rule_id: a rule in force, or a table to name all its rows.
        reason: why; it is listed in each decision that the exception touches.
        valid_from: now when None; at most a year ahead.
        valid_to: at most a year after the start.

    Raises:
        NotAllowed: the actor is no policy officer.
        InvalidInput: not one scope, no such rule, no reason, or a period that is over, backwards or too long.
    """
    require_officer(actor, DUTY, now=now)
    reason = clean_reason("reason", reason, REASON_CHARS_MAX)
    policies.lock_sets()
    start = max(valid_from, now) if valid_from is not None else now
    errors = Errors()
    if (team is None) == (project is None):
        errors.add("team", "an exception holds for a team or for a project, not for both")
    if rule_id not in rules_in_force():
        errors.add("rule_id", f"`{rule_id[:40]}` is no rule in force")
    if valid_from is not None and valid_from < now.replace(second=0, microsecond=0):
        errors.add("valid_from", f"`{dates.full_moment(valid_from)}` has passed: what was decided stays decided")
    if start > now + timedelta(days=EXCEPTION_DAYS_MAX):
        # Its end is not measured from such a start: the calendar may end before it does.
        errors.add("valid_from", f"lies more than {EXCEPTION_DAYS_MAX} days ahead: ask when it is near")
    elif valid_to <= start:
        errors.add("valid_to", f"`{dates.full_moment(valid_to)}` is not after the start")
    elif valid_to > start + timedelta(days=EXCEPTION_DAYS_MAX):
        errors.add("valid_to", f"lies more than {EXCEPTION_DAYS_MAX} days after the start: a rule may need changing")
    errors.raise_any()
    row = PolicyException.objects.create(
        rule_id=rule_id, team=team, project=project, reason=reason, asked_by=actor, asked_at=now,
        valid_from=start, valid_to=valid_to,
    )  # fmt: skip
    audit.record(
        "policy.exception_asked", actor=actor, subject=row, now=now, rule=rule_id, team=team.pk if team else None,
        project=project.pk if project else None, until=valid_to.isoformat(),
    )  # fmt: skip
    return row


@transaction.atomic(durable=True)
def answer_exception(*, exception_id: int, answer: str, actor: User, now: datetime) -> PolicyException:
    """Approve an exception, or refuse it, as a second person. It counts from the next decision on.

    An approval later than the asked start counts from now: nothing is excepted backwards.

    Raises:
        NotFound, NotAllowed.
        SeparationOfDuties: the same person asked, or one of the two made the other lately (`second_officer`).
        AlreadyDecided: it was answered, or its time is over.
        InvalidInput: the rule is not in force any more.
        NotReady: whoever asked is no policy officer any more: one officer alone excepts nothing.
    """
    errors = Errors()
    if answer not in ANSWERS:
        errors.add("answer", f"`{answer[:20]}` is not one of: {', '.join(ANSWERS)}")
        errors.raise_any()
    require_officer(actor, DUTY, now=now)
    policies.lock_sets()
    row = PolicyException.objects.lock(exception_id)
    if row.state != ExceptionState.ASKED:
        raise AlreadyDecided(f"this exception is `{row.state}` already: nothing was recorded")
    if row.asked_by is not None:
        require_second(actor, DUTY, asked_by=row.asked_by, what="this exception", now=now)
    if answer == "approve":
        if row.valid_to <= now:
            raise AlreadyDecided(f"its time was over on {dates.full_day(row.valid_to)}: ask again")
        if row.rule_id not in rules_in_force():
            errors.add("rule_id", f"`{row.rule_id}` is no rule in force any more")
            errors.raise_any()
        if missing := gone(row.asked_by, DUTY, did="asked", now=now):
            # Two officers agree on the day of the approval, not on the day that it was asked for.
            raise NotReady(f"this exception cannot be approved: {missing}", missing=[missing])
        row.move(ExceptionEvent.APPROVE)
        row.approved_by, row.valid_from = actor, max(row.valid_from, now)
        action = "policy.exception_granted"
    else:
        row.move(ExceptionEvent.REFUSE)
        action = "policy.exception_refused"
    row.answered_at = now
    row.save(update_fields=["state", "approved_by", "answered_at", "valid_from"])
    if row.state == ExceptionState.APPROVED:
        alerts.tell_exception_in_force(row, now=now)
    audit.record(action, actor=actor, subject=row, now=now, rule=row.rule_id, until=row.valid_to.isoformat())
    return row


@transaction.atomic(durable=True)
def end_exception(*, exception_id: int, reason: str, actor: User, now: datetime) -> PolicyException:
    """End an exception now, or take back one that has not begun. One officer may: the rule simply holds again.

    Ending twice changes nothing; decisions that it touched keep listing it.
    """
    require_officer(actor, DUTY, now=now)
    reason = clean_reason("reason", reason, REASON_CHARS_MAX)
    policies.lock_sets()
    row = PolicyException.objects.lock(exception_id)
    if row.state not in EXCEPTION_OPEN or row.valid_to <= now:
        return row
    if row.state == ExceptionState.ASKED or row.valid_from >= now:
        row.move(ExceptionEvent.WITHDRAW)
    else:
        row.valid_to = now
    row.save(update_fields=["state", "valid_to"])
    audit.record("policy.exception_ended", actor=actor, subject=row, now=now, rule=row.rule_id, reason=reason)
    return row
