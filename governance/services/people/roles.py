"""Gives and ends roles, and keeps the list of roles of the organisation."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from governance.display import dates
from governance.domain.errors import IllegalTransition, InvalidInput, SeparationOfDuties
from governance.domain.limits import FALLBACK_DEPTH_MAX
from governance.models import Project, Role, RoleAssignment, Team, User
from governance.selectors.approvals import separation
from governance.selectors.people import accounts
from governance.selectors.people.duties import is_system, require_duty
from governance.selectors.people.people import standing_assignment
from governance.services.messages import alerts
from governance.services.record import audit
from governance.services.register.edits import Errors, assign, is_this_minute, lock_row, period_in_log


@transaction.atomic(durable=True)
def assign_role(
    *,
    actor: User,
    user: User,
    role: Role,
    now: datetime,
    team: Team | None = None,
    project: Project | None = None,
    valid_from: datetime | None = None,
    valid_to: datetime | None = None,
) -> RoleAssignment:
    """Give an account a role in a team and everything below it, or on one project.

    Giving a role that decides also opens the desk to the account. The same role in the same scope again moves the
    period of the assignment that exists: its end to a later one, or its start to an earlier one while it has not
    begun. Exactly the same again changes nothing.

    Args:
        valid_from: now when None.
        valid_to: None for as long as nobody ends it.

    Raises:
        NotAllowed: the actor does not keep people, or the account is out of their reach.
        SeparationOfDuties: deciding for oneself, by a service account, a superuser, or beside auditing.
        InvalidInput: not one scope, a start that has passed, an end before the start, or an end earlier than the one
            that the assignment has.
    """
    require_duty(actor, "people", now=now)
    start = now if valid_from is None or is_this_minute(valid_from, now) else valid_from
    errors = Errors()
    if (team is None) == (project is None):
        errors.add("team", "assign the role in a team or on a project, not both")
    if start < now:
        errors.add("valid_from", f"`{dates.full_moment(start)}` has passed: what was decided until now stays as it is")
    if valid_to is not None and valid_to <= start:
        errors.add("valid_to", f"`{dates.full_moment(valid_to)}` is not after the start")
    errors.raise_any()
    # The role's row keeps two administrators from giving it twice at the same moment.
    role = lock_row(Role, role.pk)
    _refuse_a_second_hat(actor, user, role, start=start, end=valid_to)
    same = standing_assignment(
        user=user, role=role, team=team, project=project, valid_from=start, valid_to=valid_to, now=now
    )
    if same is not None:
        return _give_again(same, actor=actor, start=start, end=valid_to, now=now)
    assignment = RoleAssignment.objects.create(
        user=user, role=role, team=team, project=project, valid_from=start, valid_to=valid_to
    )
    if role.may_approve and not user.is_staff:
        user.is_staff = True
        user.save(update_fields=["is_staff"])
    alerts.tell_role_changed(assignment, change="given", actor=actor, now=now)
    audit.record(
        "role.assigned", actor=actor, subject=assignment, now=now, role=role.slug, user=user.pk,
        team=team.pk if team else None, project=project.pk if project else None,
    )  # fmt: skip
    return assignment


def _give_again(
    assignment: RoleAssignment, *, actor: User, start: datetime, end: datetime | None, now: datetime
) -> RoleAssignment:
    """Widen an assignment to the period that is asked for; never silently shorten it."""
    assignment = lock_row(RoleAssignment, assignment.pk)
    had = assignment.valid_to
    if had is not None and had <= now:
        raise IllegalTransition("this role was ended at the same moment: look at it again, nothing was changed")
    if end is not None and (had is None or end < had):
        until = f"until {dates.full_moment(had)}" if had else "without an end date"
        raise InvalidInput(
            {
                "valid_to": [
                    f"{assignment.user.person.name} holds this role here {until}: end it earlier on its own page"
                ]
            }
        )
    return _move(assignment, actor=actor, start=min(assignment.valid_from, start), end=end, now=now)


def _move(
    assignment: RoleAssignment, *, actor: User, start: datetime, end: datetime | None, now: datetime
) -> RoleAssignment:
    was = (assignment.valid_from, assignment.valid_to)
    changed = assign(assignment, {"valid_from": start, "valid_to": end})
    if changed:
        is_shorter = end is not None and (was[1] is None or end < was[1])
        alerts.tell_role_changed(assignment, change="shortened" if is_shorter else "extended", actor=actor, now=now)
        audit.record(
            "role.period_changed", actor=actor, subject=assignment, now=now, role=assignment.role.slug,
            user=assignment.user_id, was=period_in_log(*was), becomes=period_in_log(start, end),
        )  # fmt: skip
    return assignment


@transaction.atomic(durable=True)
def change_role_end(*, actor: User, assignment_id: int, valid_to: datetime | None, now: datetime) -> RoleAssignment:
    """Move the end of an assignment, later or earlier, or take it away.

    An approval given before an earlier end keeps counting: only ending a role now takes approvals along.

    Args:
        valid_to: None for as long as nobody ends it.

    Raises:
        NotAllowed, SeparationOfDuties: as `assign_role`.
        InvalidInput: it has ended, ends then already, or the new end has passed.
    """
    require_duty(actor, "people", now=now)
    assignment = lock_row(RoleAssignment, assignment_id)
    _refuse_a_second_hat(actor, assignment.user, assignment.role, start=now, end=valid_to)
    errors = Errors()
    if assignment.valid_to is not None and assignment.valid_to <= now:
        errors.add("valid_to", f"it ended on {dates.full_moment(assignment.valid_to)}: give the role again")
    elif valid_to is not None and valid_to <= max(now, assignment.valid_from):
        errors.add("valid_to", f"`{dates.full_moment(valid_to)}` is not after the start, or has passed")
    elif valid_to == assignment.valid_to:
        errors.add("valid_to", "is the end that it has already: nothing was changed")
    errors.raise_any()
    return _move(assignment, actor=actor, start=assignment.valid_from, end=valid_to, now=now)


def _refuse_a_second_hat(actor: User, user: User, role: Role, *, start: datetime, end: datetime | None) -> None:
    """Roles that decide are given by somebody else, to a human being, who neither audits nor maintains everything."""
    decides = role.may_approve
    if decides and user.person_id == actor.person_id and not is_system(actor):
        raise SeparationOfDuties(f"somebody else has to assign you the role `{role.name}`, because it decides requests")
    if decides and user.is_service_account:
        raise SeparationOfDuties(f"`{user.email}` is a service account and cannot decide requests")
    if decides and User.objects.filter(person_id=user.person_id, is_superuser=True).exists():
        raise SeparationOfDuties(f"{user.person.name} is a superuser and cannot decide requests")
    accounts.require_reach(actor, user.person)
    found = separation.clash(user.person_id, role, start=start, end=end)
    if found:
        raise SeparationOfDuties(f"{user.person.name} is {found} already: an auditor cannot decide requests")


@transaction.atomic(durable=True)
def end_role(*, actor: User, assignment_id: int, now: datetime) -> RoleAssignment:
    """End an assignment now; one that has not begun is taken back. Ending twice changes nothing.

    Open stages that relied on it stay open: whoever still holds the role decides. Approvals that rested on it no
    longer count, as the last check finds, unlike those under an assignment that ended by its own date.
    """
    require_duty(actor, "people", now=now)
    assignment = lock_row(RoleAssignment, assignment_id)
    if assignment.valid_to is not None and assignment.valid_to <= now:
        return assignment
    accounts.require_reach(actor, assignment.user.person)
    if assignment.valid_from >= now:
        # It never was in force, so no decision rests on it.
        assignment.delete()
        assignment.pk = assignment_id
    else:
        assignment.valid_to = assignment.revoked_at = now
        assignment.save(update_fields=["valid_to", "revoked_at"])
    alerts.tell_role_changed(assignment, change="ended", actor=actor, now=now)
    audit.record(
        "role.revoked", actor=actor, subject=assignment, now=now, role=assignment.role.slug, user=assignment.user_id
    )
    return assignment


@transaction.atomic(durable=True)
def create_role(
    *,
    actor: User,
    slug: str,
    name: str,
    now: datetime,
    fallback: Role | None = None,
    may_approve: bool = True,
    sees_subtree: bool = True,
) -> Role:
    """Add a role of the organisation's own, which rules may then require.

    Args:
        fallback: the role that stands in when too few people could fill a stage.
    """
    require_duty(actor, "people", now=now)
    errors = Errors()
    errors.slug("slug", slug, Role)
    if len(slug) > 40:
        errors.add("slug", "has more than 40 characters")
    name = errors.text("name", name, 80)
    errors.raise_any()
    role = Role.objects.create(
        slug=slug, name=name, fallback=fallback, may_approve=may_approve, sees_subtree=sees_subtree
    )
    audit.record("role.created", actor=actor, subject=role, now=now, slug=slug, may_approve=may_approve)
    return role


@transaction.atomic(durable=True)
def change_role(*, actor: User, role_id: int, name: str, fallback: Role | None, now: datetime) -> Role:
    """Rename a role or name another one that stands in for it.

    Raises:
        InvalidInput: the fallbacks would go round in a circle, or too far.
    """
    require_duty(actor, "people", now=now)
    errors = Errors()
    name = errors.text("name", name, 80)
    role = lock_row(Role, role_id)
    step: Role | None = fallback
    for _ in range(FALLBACK_DEPTH_MAX):
        if step is None or step.pk == role.pk:
            break
        step = step.fallback
    if step is not None:
        errors.add("fallback", f"`{fallback}` leads back to `{role.name}`, or is too many steps away")
    errors.raise_any()
    changed = assign(role, {"name": name, "fallback": fallback})
    if changed:
        audit.record("role.changed", actor=actor, subject=role, now=now, fields=changed)
    return role
