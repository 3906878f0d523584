"""Gives and revokes delegations: one person decides for another, for a time and up to an amount."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from governance.display import dates, numbers
from governance.domain.approvals.delegation import DELEGATION_DAYS_MAX, closes_circle
from governance.domain.errors import InvalidInput, NotAllowed, SeparationOfDuties
from governance.domain.money.money import AMOUNT_MICRO_MAX, CURRENCY, to_units
from governance.models import ApprovalLimit, Delegation, Person, Role, RoleAssignment, Team, User
from governance.selectors.approvals import separation
from governance.selectors.people.duties import duties_of, is_system
from governance.services.messages import alerts
from governance.services.record import audit
from governance.services.register.edits import Errors, assign, is_this_minute, lock_row, period_in_log


@transaction.atomic(durable=True)
def give_delegation(
    *,
    actor: User,
    delegator: Person,
    delegate: Person,
    role: Role,
    amount_micro_max: int,
    valid_from: datetime,
    valid_to: datetime,
    reason: str,
    now: datetime,
) -> Delegation:
    """Let `delegate` decide for `delegator` in one role.

    Never wider than the delegator's own right: the role must be theirs for the whole time, and the amount within
    their approval limit. Both people are recorded with each decision. The same delegation again with a later end
    moves the end of the one that exists, so that revoking it takes back all of it.

    Args:
        actor: the delegator, or somebody who keeps people, when the delegator is away.
        amount_micro_max: the largest exposure, micro-units.
        valid_from, valid_to: half-open, at most `DELEGATION_DAYS_MAX` days.

    Raises:
        NotAllowed: somebody else's right.
        SeparationOfDuties: to oneself by way of others, or to somebody who audits.
        InvalidInput: each field that is wrong, or one that overlaps in time and is for another amount.
    """
    _require_right(actor, delegator, now)
    valid_from = now if is_this_minute(valid_from, now) else valid_from
    # Lock. Two people who delegate to each other at the same moment take turns here.
    role = lock_row(Role, role.pk)
    errors = Errors()
    reason = errors.text("reason", reason, 200)
    _check_period(errors, valid_from, valid_to, now)
    if delegate.pk == delegator.pk:
        errors.add("delegate", "choose somebody else: a person cannot delegate to themselves")
    if not delegate.is_active or not User.objects.filter(person=delegate, is_service_account=False).exists():
        errors.add("delegate", f"`{delegate.name}` has no account that could decide")
    _check_width(errors, delegator, role, amount_micro_max, valid_from, valid_to)
    errors.raise_any()
    _refuse_circle(delegator, delegate, role, valid_from, valid_to)
    if User.objects.filter(person=delegate, is_superuser=True).exists():
        raise SeparationOfDuties(f"{delegate.name} is a superuser and cannot decide requests")
    if separation.audits_within(delegate.pk, start=valid_from, end=valid_to):
        raise SeparationOfDuties(f"{delegate.name} is an auditor and cannot decide requests")
    standing = _standing(delegator, delegate, role, valid_from, valid_to, now)
    if standing is not None:
        return _give_again(
            standing, actor=actor, amount_micro_max=amount_micro_max, start=valid_from, end=valid_to, now=now
        )
    delegation = Delegation.objects.create(
        delegator=delegator, delegate=delegate, role=role, amount_micro_max=amount_micro_max,
        valid_from=valid_from, valid_to=valid_to, reason=reason,
    )  # fmt: skip
    User.objects.filter(person=delegate, is_service_account=False, is_staff=False).update(is_staff=True)
    alerts.tell_delegation_changed(delegation, change="given", actor=actor, now=now)
    audit.record(
        "delegation.given", actor=actor, subject=delegation, now=now, role=role.slug, delegator=delegator.pk,
        delegate=delegate.pk, amount_micro_max=amount_micro_max, until=valid_to.isoformat(),
    )  # fmt: skip
    return delegation


def _standing(
    delegator: Person, delegate: Person, role: Role, valid_from: datetime, valid_to: datetime, now: datetime
) -> Delegation | None:
    """A delegation between the same two in the same role that meets or touches the period and is not over."""
    rows = Delegation.objects.filter(
        delegator=delegator, delegate=delegate, role=role, revoked_at__isnull=True, valid_from__lte=valid_to,
        valid_to__gte=valid_from, valid_to__gt=now,
    )  # fmt: skip
    return rows.select_related("delegate").order_by("valid_from").first()


def _give_again(
    delegation: Delegation, *, actor: User, amount_micro_max: int, start: datetime, end: datetime, now: datetime
) -> Delegation:
    until = dates.full_moment(delegation.valid_to)
    if amount_micro_max != delegation.amount_micro_max:
        amount = f"{numbers.count(to_units(delegation.amount_micro_max))} {CURRENCY}"
        raise InvalidInput(
            {
                "amount_micro_max": [
                    f"{delegation.delegate.name} decides up to {amount} until {until}: revoke that, then add it again"
                ]
            }
        )
    if end <= delegation.valid_to and start >= delegation.valid_from:
        raise InvalidInput(
            {"valid_to": [f"{delegation.delegate.name} decides until {until} already: revoke it to end it earlier"]}
        )
    was = period_in_log(delegation.valid_from, delegation.valid_to)
    start, end = min(start, delegation.valid_from), max(end, delegation.valid_to)
    if end - max(start, now) > timedelta(days=DELEGATION_DAYS_MAX):
        raise InvalidInput(
            {"valid_to": [f"is more than {DELEGATION_DAYS_MAX} days ahead: for longer, assign the role"]}
        )
    assign(delegation, {"valid_from": start, "valid_to": end})
    alerts.tell_delegation_changed(delegation, change="given", actor=actor, now=now)
    audit.record(
        "delegation.period_changed", actor=actor, subject=delegation, now=now, delegate=delegation.delegate_id,
        was=was, becomes=period_in_log(start, end),
    )  # fmt: skip
    return delegation


@transaction.atomic(durable=True)
def revoke_delegation(*, actor: User, delegation_id: int, now: datetime) -> Delegation:
    """Take a delegation back at once; approvals given under it no longer count, as the last check finds.

    Revoking twice, or one that ended by its own date, changes nothing.
    """
    role_id = Delegation.objects.filter(pk=delegation_id).values_list("role_id", flat=True).first()
    if role_id is not None:
        # The role's row first, as when it is given: an extension and a revocation take turns.
        lock_row(Role, role_id)
    delegation = lock_row(Delegation, delegation_id)
    _require_right(actor, delegation.delegator, now)
    if delegation.revoked_at is None and delegation.valid_to > now:
        delegation.revoked_at = now
        delegation.save(update_fields=["revoked_at"])
        alerts.tell_delegation_changed(delegation, change="revoked", actor=actor, now=now)
        audit.record("delegation.revoked", actor=actor, subject=delegation, now=now, delegate=delegation.delegate_id)
    return delegation


def limit_micro_of(person: Person, role: Role, *, at: datetime) -> int | None:
    """The largest exposure that a person may approve in a role anywhere, micro-units; None when they do not hold it.

    A role without an approval limit above the team approves any amount.
    """
    assignments = RoleAssignment.objects.in_force(at).filter(user__person=person, role=role)
    places = [
        row.project.team if row.project else row.team for row in assignments.select_related("team", "project__team")
    ]
    teams = [team for team in places if team]
    if not teams:
        return None
    limits = dict(
        ApprovalLimit.objects.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=at), role=role, valid_from__lte=at)
        .order_by("amount_micro_max")
        .values_list("team_id", "amount_micro_max")
    )
    return max(_nearest(team, limits) for team in teams)


def _nearest(team: Team, limits: dict[int, int]) -> int:
    return next((limits[pk] for pk in reversed(team.path_ids) if pk in limits), AMOUNT_MICRO_MAX)


def _require_right(actor: User, delegator: Person, now: datetime) -> None:
    if actor.is_service_account:
        raise NotAllowed("a service account cannot delegate")
    if actor.person_id == delegator.pk or is_system(actor) or "people" in duties_of(actor, now=now):
        return
    raise NotAllowed(f"only {delegator.name}, or somebody who manages people, may do this")


def _check_period(errors: Errors, valid_from: datetime, valid_to: datetime, now: datetime) -> None:
    if valid_to <= valid_from:
        errors.add("valid_to", "the end lies after the start: choose a later day")
    elif valid_to <= now:
        errors.add("valid_to", "lies in the past: choose a later day")
    elif valid_to - valid_from > timedelta(days=DELEGATION_DAYS_MAX):
        errors.add("valid_to", f"is more than {DELEGATION_DAYS_MAX} days after the start: for longer, assign the role")


def _check_width(
    errors: Errors, delegator: Person, role: Role, amount_micro_max: int, valid_from: datetime, valid_to: datetime
) -> None:
    if not role.may_approve:
        errors.add("role", f"`{role.name}` does not decide requests, so it cannot be delegated")
        return
    if not 0 < amount_micro_max <= AMOUNT_MICRO_MAX:
        errors.add(
            "amount_micro_max", f"must be above 0 and at most {numbers.count(to_units(AMOUNT_MICRO_MAX))} {CURRENCY}"
        )
        return
    assignments = RoleAssignment.objects.in_force(valid_from).filter(user__person=delegator, role=role)
    if not assignments.exists():
        errors.add("role", f"{delegator.name} does not hold `{role.name}` from {dates.full_day(valid_from)}")
        return
    if not assignments.filter(Q(valid_to__isnull=True) | Q(valid_to__gte=valid_to)).exists():
        errors.add("valid_to", f"{delegator.name} holds `{role.name}` for a shorter time: choose an earlier day")
    limit = limit_micro_of(delegator, role, at=valid_from)
    if limit is not None and amount_micro_max > limit:
        errors.add(
            "amount_micro_max",
            f"is above what {delegator.name} may approve: at most {numbers.count(to_units(limit))} {CURRENCY}",
        )


def _refuse_circle(delegator: Person, delegate: Person, role: Role, valid_from: datetime, valid_to: datetime) -> None:
    standing = Delegation.objects.filter(
        role=role, revoked_at__isnull=True, valid_from__lt=valid_to, valid_to__gt=valid_from
    ).values_list("delegator_id", "delegate_id")
    if closes_circle(standing, delegator=delegator.pk, delegate=delegate.pk):
        raise SeparationOfDuties(
            f"{delegate.name} has delegated `{role.name}` towards {delegator.name} already: it would go in a circle"
        )
