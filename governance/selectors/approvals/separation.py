"""One person does not audit and decide: across all their accounts, delegations and everything given for later."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from governance.models import Delegation, Role, RoleAssignment
from governance.selectors.people.duties import AUDITOR
from governance.selectors.rules.officers import OFFICER_DUTIES, carriers


def decides(role: Role) -> bool:
    """Whether a role decides requests, or what the rules are."""
    return role.may_approve or role.slug in carriers(*OFFICER_DUTIES)


def clash(person_id: int, role: Role, *, start: datetime, end: datetime | None) -> str:
    """What a person is, or will be, beside which they cannot get a role; empty when nothing stands in the way.

    Accounts that are closed count: they may be opened again.

    Args:
        start, end: half-open; None for as long as nobody ends it.
    """
    audits = role.slug == AUDITOR
    if not audits and not decides(role):
        return ""
    rows = RoleAssignment.objects.filter(_meets(start, end), user__person_id=person_id).select_related("role")
    if not audits:
        found = rows.filter(role__slug=AUDITOR).first()
        return f"`{found.role.name}`" if found else ""
    deciding = Q(role__may_approve=True) | Q(role__slug__in=carriers(*OFFICER_DUTIES))
    if (found := rows.filter(deciding).first()) is not None:
        return f"`{found.role.name}`"
    received = Delegation.objects.filter(_meets(start, end), delegate_id=person_id, revoked_at=None)
    delegation = received.select_related("role").first()
    return f"standing in as `{delegation.role.name}`" if delegation else ""


def audits_within(person_id: int, *, start: datetime, end: datetime | None) -> bool:
    """Whether a person audits at any time of a period."""
    rows = RoleAssignment.objects.filter(_meets(start, end), user__person_id=person_id, role__slug=AUDITOR)
    return rows.exists()


def _meets(start: datetime, end: datetime | None) -> Q:
    """Periods that share an instant with this one."""
    later = Q(valid_to__isnull=True) | Q(valid_to__gt=start)
    return later if end is None else later & Q(valid_from__lt=end)
