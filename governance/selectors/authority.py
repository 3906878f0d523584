"""Who holds which role where, read once for many stages: the queue, the list and the detail page share it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from governance.models import ApprovalLimit, ApprovalStage, Delegation, Project, ProvisioningRequest, RoleAssignment


@dataclass(frozen=True, slots=True)
class Holder:
    """A person who may decide a stage, for themselves or for the one who delegated to them."""

    person_id: int
    name: str
    for_person_id: int | None = None
    for_name: str = ""


@dataclass(frozen=True, slots=True)
class _Scope:
    """One assignment: a team with everything below it, or one project."""

    person_id: int
    name: str
    team_id: int | None
    project_id: int | None

    def reaches(self, project: Project) -> bool:
        return self.project_id == project.pk or self.team_id in project.team.path_ids


class Authority:
    """Roles, delegations and approval limits in force at one instant, for a few roles.

    Three queries, whatever the number of stages; asking it afterwards costs none.
    """

    def __init__(
        self, role_ids: Iterable[int], *, now: datetime, person_id: int | None = None, with_limits: bool = True
    ) -> None:
        """Read what the roles' holders may do.

        Args:
            role_ids: roles of the stages in question; inactive accounts and service accounts hold none.
            person_id: read only this person and those who delegated to them; None reads everyone.
            with_limits: False to say who has a stage: it was opened for a role whose limit covered the amount.
        """
        roles = set(role_ids)
        self._scopes: dict[int, list[_Scope]] = defaultdict(list)
        self._delegations: dict[int, list[Delegation]] = defaultdict(list)
        self._limits: dict[int, list[tuple[int, int]]] = defaultdict(list)
        if not roles:
            return
        delegations = Delegation.objects.filter(
            role_id__in=roles,
            valid_from__lte=now,
            valid_to__gt=now,
            revoked_at__isnull=True,
            delegator__is_active=True,
            delegate__is_active=True,
        ).select_related("delegate")
        assignments = RoleAssignment.objects.in_force(now).filter(
            role_id__in=roles, role__may_approve=True, user__is_service_account=False
        )
        if person_id is not None:
            delegations = delegations.filter(delegate_id=person_id)
        for delegation in delegations:
            self._delegations[delegation.role_id].append(delegation)
        if person_id is not None:
            people = {person_id} | {row.delegator_id for rows in self._delegations.values() for row in rows}
            assignments = assignments.filter(user__person_id__in=people)
        for role, person, name, team, project in assignments.order_by("user__person__name").values_list(
            "role_id", "user__person_id", "user__person__name", "team_id", "project_id"
        ):
            self._scopes[role].append(_Scope(person, name, team, project))
        if not with_limits:
            return
        limits = ApprovalLimit.objects.filter(
            Q(valid_to__isnull=True) | Q(valid_to__gt=now), valid_from__lte=now, role_id__in=roles
        )
        for role, team, amount in limits.values_list("role_id", "team_id", "amount_micro_max"):
            self._limits[role].append((team, amount))

    def is_within_limit(self, role_id: int, project: Project, exposure_micro: int | None) -> bool:
        """Whether the approval limit nearest to the project's team covers the amount; no limit covers everything."""
        if exposure_micro is None:
            return True
        depth = {team: index for index, team in enumerate(project.team.path_ids)}
        found = [(depth[team], amount) for team, amount in self._limits[role_id] if team in depth]
        return not found or max(found)[1] >= exposure_micro

    def holders(self, stage: ApprovalStage, request: ProvisioningRequest, *, busy: Iterable[int] = ()) -> list[Holder]:
        """People who may still decide the stage, those who stand in for another included, in order of name.

        Args:
            request: with its `project.team`, `requester` and `lineage` loaded.
            busy: person ids that have filled a role on this revision already.
        """
        project = request.project
        if project is None or not self.is_within_limit(stage.role_id, project, request.exposure_micro):
            return []
        never = {request.requester.person_id, request.beneficiary_id}
        never |= {request.lineage.owner_id} if request.lineage else set()
        blocked = never | set(busy)
        own: dict[int, Holder] = {}
        for scope in self._scopes[stage.role_id]:
            if scope.person_id not in blocked and scope.reaches(project):
                own.setdefault(scope.person_id, Holder(scope.person_id, scope.name))
        found = dict(own)
        for delegation in self._delegations[stage.role_id]:
            delegator = own.get(delegation.delegator_id)
            covers = delegation.amount_micro_max >= (request.exposure_micro or 0)
            if delegator and covers and delegation.delegate_id not in blocked and delegation.delegate_id not in own:
                found.setdefault(
                    delegation.delegate_id,
                    Holder(delegation.delegate_id, delegation.delegate.name, delegator.person_id, delegator.name),
                )
        return sorted(found.values(), key=lambda holder: holder.name)
