"""Who else holds a role: those to whom its changes are announced."""

from __future__ import annotations

from datetime import datetime

from governance.models import Role, RoleAssignment

WATCHING = frozenset({"auditor", "administrator", "policy_officer"})
"""Roles that decide no request and decide over everything else."""


def is_announced(role: Role) -> bool:
    """Whether everybody who holds the role hears who else gets it."""
    return role.may_approve or role.slug in WATCHING


def co_holders(assignment: RoleAssignment, *, now: datetime) -> set[int]:
    """Person ids of everybody who holds the same role anywhere today; empty for a role that is not announced."""
    if not is_announced(assignment.role):
        return set()
    rows = RoleAssignment.objects.in_force(now).filter(role_id=assignment.role_id, user__is_service_account=False)
    return set(rows.values_list("user__person_id", flat=True))
