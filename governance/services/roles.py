"""Gives and ends roles, and keeps the list of roles of the organisation."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from governance.domain.errors import SeparationOfDuties
from governance.domain.limits import FALLBACK_DEPTH_MAX
from governance.models import Project, Role, RoleAssignment, Team, User
from governance.selectors import accounts, separation
from governance.selectors.duties import is_system, require_duty
from governance.services import alerts, audit
from governance.services.edits import Errors, assign, lock_row


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

    Giving a role that decides also opens the desk to the account. The same role in the same scope again is the
    assignment that exists.

    Args:
        valid_from: now when None.
        valid_to: None for as long as nobody ends it.

    Raises:
        NotAllowed: the actor does not keep people, or the account is out of their reach.
        SeparationOfDuties: deciding for oneself, by a service account, a superuser, or beside auditing.
        InvalidInput: not one scope, or an end before the start.
    """
    require_duty(actor, "people", now=now)
    start = valid_from or now
    errors = Errors()
    if (team is None) == (project is None):
        errors.add("team", "give the role in a team or on a project, not both")
    if valid_to is not None and valid_to <= start:
        errors.add("valid_to", f"`{valid_to:%d %b %Y, %H:%M}` is not after the start")
    errors.raise_any()
    # The role's row keeps two administrators from giving it twice at the same moment.
    role = lock_row(Role, role.pk)
    _refuse_a_second_hat(actor, user, role, start=start, end=valid_to)
    same = RoleAssignment.objects.filter(
        Q(valid_to__isnull=True) | Q(valid_to__gt=start), user=user, role=role, team=team, project=project
    ).first()
    if same is not None:
        return same
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


def _refuse_a_second_hat(actor: User, user: User, role: Role, *, start: datetime, end: datetime | None) -> None:
    """Roles that decide are given by somebody else, to a human being, who neither audits nor maintains everything."""
    decides = role.may_approve
    if decides and user.person_id == actor.person_id and not is_system(actor):
        raise SeparationOfDuties(f"somebody else gives you the role `{role.name}`, because it decides")
    if decides and user.is_service_account:
        raise SeparationOfDuties(f"`{user.email}` is a service account: it never decides")
    if decides and User.objects.filter(person_id=user.person_id, is_superuser=True).exists():
        raise SeparationOfDuties(f"{user.person.name} maintains everything as superuser, and so decides nothing")
    accounts.require_reach(actor, user.person)
    found = separation.clash(user.person_id, role, start=start, end=end)
    if found:
        raise SeparationOfDuties(f"{user.person.name} is {found} already: whoever audits does not decide")


@transaction.atomic(durable=True)
def end_role(*, actor: User, assignment_id: int, now: datetime) -> RoleAssignment:
    """End an assignment now; one that has not begun is taken back. Ending twice changes nothing.

    Open stages that relied on it stay open: whoever still holds the role decides, and the last check counts again.
    """
    require_duty(actor, "people", now=now)
    assignment = lock_row(RoleAssignment, assignment_id)
    if assignment.valid_to is not None and assignment.valid_to <= now:
        return assignment
    accounts.require_reach(actor, assignment.user.person)
    alerts.tell_role_changed(assignment, change="ended", actor=actor, now=now)
    if assignment.valid_from >= now:
        # It never was in force, so no decision rests on it.
        assignment.delete()
        assignment.pk = assignment_id
    else:
        assignment.valid_to = now
        assignment.save(update_fields=["valid_to"])
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
