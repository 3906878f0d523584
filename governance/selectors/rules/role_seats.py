"""How many people could fill a stage of each role, wherever they hold it: for lint, not for routing one request."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import datetime

from governance.domain.limits import FALLBACK_DEPTH_MAX
from governance.models import Role, RoleAssignment


def has_holders(*, now: datetime) -> bool:
    """Whether anybody holds a role that may approve: before that, every stage of every rule is empty."""
    return RoleAssignment.objects.in_force(now).filter(role__may_approve=True).exists()


def seats_by_role(*, now: datetime) -> Callable[[str], int]:
    """Role to how many different people could fill it now: its own holders, or those of the first fallback with more.

    Two queries; asking the answer costs none. Who asks is unknown here, so nobody is taken off.
    """
    people: dict[str, set[int]] = defaultdict(set)
    rows = RoleAssignment.objects.in_force(now).filter(role__may_approve=True, user__is_service_account=False)
    for role, person in rows.values_list("role__slug", "user__person_id"):
        people[role].add(person)
    fallbacks = dict(Role.objects.values_list("slug", "fallback__slug"))

    def seats(role: str) -> int:
        found, step = 0, role
        for _ in range(FALLBACK_DEPTH_MAX):
            found = max(found, len(people.get(step, ())))
            following = fallbacks.get(step)
            if following is None:
                break
            step = following
        return found

    return seats
