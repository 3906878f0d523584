"""What the person at the desk is: read once per HTTP request and kept on it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import cast

from django.http import HttpRequest
from django.utils import timezone

from governance.models import RoleAssignment, User, Visibility
from governance.selectors.approvals import queues
from governance.selectors.people import duties, people

_ATTRIBUTE = "_desk_access"


class Access:
    """One person at one instant: roles, duties, what they see, and what waits for them. Each is read when asked for."""

    def __init__(self, user: User, now: datetime) -> None:
        self.user = user
        self.now = now

    @cached_property
    def _assignments(self) -> Sequence[tuple[str, bool, bool, str | None, int | None]]:
        """Each role held today: slug, whether it decides, whether it sees what lies below; team path and project."""
        rows = RoleAssignment.objects.in_force(self.now).filter(user__person_id=self.user.person_id)
        return list(
            rows.values_list("role__slug", "role__may_approve", "role__sees_subtree", "team__path", "project_id")
        )

    @cached_property
    def _roles(self) -> dict[str, bool]:
        """Slug of each role held today, and whether it decides."""
        return {slug: may_approve for slug, may_approve, *_ in self._assignments}

    @property
    def roles(self) -> frozenset[str]:
        return frozenset(self._roles)

    @property
    def is_auditor(self) -> bool:
        return duties.AUDITOR in self._roles

    @cached_property
    def duties(self) -> frozenset[str]:
        return duties.duties_from(self.user, self._roles)

    @cached_property
    def visibility(self) -> Visibility:
        return people.visibility_of(
            self.user,
            now=self.now,
            scopes=[(path, project) for _, _, sees_below, path, project in self._assignments if sees_below],
        )

    @property
    def sees_everything(self) -> bool:
        """Auditors, administrators and whoever holds a role over the whole organisation."""
        return self.visibility.sees_all

    @cached_property
    def queue(self) -> queues.Queue:
        return queues.approver_queue(self.user, self.now)

    def narrow_queue(self, *, role: str, team: str, is_overdue: bool) -> queues.Queue:
        """Read the queue for these filters, before anything else on the page asks for it."""
        self.queue = queues.approver_queue(self.user, self.now, role=role, team=team, is_overdue=is_overdue)
        return self.queue


def of(request: HttpRequest) -> Access:
    """The access of the signed-in person; the instant is the same for the whole HTTP request."""
    found = getattr(request, _ATTRIBUTE, None)
    if found is None:
        found = Access(cast(User, request.user), timezone.now())
        setattr(request, _ATTRIBUTE, found)
    return cast(Access, found)
