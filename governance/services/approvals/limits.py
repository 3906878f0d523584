"""Sets approval limits: the largest exposure that a holder of a role may approve in a team and below it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from governance.display import dates, numbers
from governance.domain.money.money import AMOUNT_MICRO_MAX, CURRENCY, to_units
from governance.models import ApprovalLimit, Role, Team, User
from governance.selectors.people.duties import require_duty
from governance.services.record import audit
from governance.services.register.edits import Errors, is_this_minute, lock_row


@transaction.atomic(durable=True)
def set_limit(
    *, actor: User, role: Role, team: Team, amount_micro_max: int, now: datetime, valid_from: datetime | None = None
) -> ApprovalLimit:
    """Set the limit of a role in a team from an instant on; the one that held until then ends there.

    Limits are dated rows: what was decided earlier can still be explained. Stages that are open are judged by the
    limit in force when somebody decides, and approvals above a lowered limit no longer count.

    Raises:
        NotAllowed: the actor does not set limits.
        InvalidInput: the amount is out of range or holds then already, the role decides nothing, or the start has
            passed.
    """
    require_duty(actor, "limits", now=now)
    start = now if valid_from is None or is_this_minute(valid_from, now) else valid_from
    errors = Errors()
    if not 0 <= amount_micro_max <= AMOUNT_MICRO_MAX:
        errors.add("amount_micro_max", f"must be between 0 and {numbers.count(to_units(AMOUNT_MICRO_MAX))} {CURRENCY}")
    if not role.may_approve:
        errors.add("role", f"`{role.name}` does not decide requests, so it has no limit")
    if start < now:
        errors.add("valid_from", f"`{dates.full_day(start)}` has passed: what was decided under the old limit stays")
    errors.raise_any()
    # The role's row keeps two limits from starting at the same moment.
    role = lock_row(Role, role.pk)
    limits = ApprovalLimit.objects.filter(role=role, team=team)
    same = limits.filter(
        Q(valid_to__isnull=True) | Q(valid_to__gt=start), valid_from__lte=start, amount_micro_max=amount_micro_max
    ).first()
    if same is not None:
        until = f", until {dates.full_moment(same.valid_to)}: start there to keep it longer" if same.valid_to else ""
        errors.add("amount_micro_max", f"is the limit already{until}; nothing was changed")
        errors.raise_any()
    limits.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=start), valid_from__lt=start).update(valid_to=start)
    following = limits.filter(valid_from__gt=start).order_by("valid_from").values_list("valid_from", flat=True).first()
    limit, _ = ApprovalLimit.objects.update_or_create(
        role=role, team=team, valid_from=start, defaults={"amount_micro_max": amount_micro_max, "valid_to": following}
    )
    audit.record(
        "limit.set", actor=actor, subject=limit, now=now, role=role.slug, team=team.pk,
        amount_micro_max=amount_micro_max, valid_from=start.isoformat(),
    )  # fmt: skip
    return limit


@transaction.atomic(durable=True)
def end_limit(*, actor: User, limit_id: int, now: datetime) -> ApprovalLimit:
    """End a limit now: the next one above in the tree of teams holds, or none. Ending twice changes nothing.

    One that has not begun is taken back: the limit before it holds on.
    """
    require_duty(actor, "limits", now=now)
    # The role's row first, as in `set_limit`: neighbours in time move together.
    role_id = ApprovalLimit.objects.filter(pk=limit_id).values_list("role_id", flat=True).first()
    if role_id is not None:
        lock_row(Role, role_id)
    limit = lock_row(ApprovalLimit, limit_id)
    if limit.valid_to is not None and limit.valid_to <= now:
        return limit
    if limit.valid_from > now:
        before = ApprovalLimit.objects.filter(role_id=limit.role_id, team_id=limit.team_id, valid_to=limit.valid_from)
        before.exclude(valid_from=limit.valid_from).update(valid_to=limit.valid_to)
        limit.delete()
        limit.pk = limit_id
    else:
        limit.valid_to = now
        limit.save(update_fields=["valid_to"])
    audit.record("limit.ended", actor=actor, subject=limit, now=now, role=limit.role.slug, team=limit.team_id)
    return limit
