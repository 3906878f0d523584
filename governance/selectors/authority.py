"""Who holds which role where, read once for many stages: the queue, the list and the detail page share it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from governance.models import ApprovalLimit, ApprovalStage, Delegation, ProvisioningRequest, RoleAssignment


@dataclass(frozen=True, slots=True)
class Holder:
    """A person who may decide a stage, for themselves or for the one who delegated to them."""

    person_id: int
    name: str
    for_person_id: int | None = None
    for_name: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """What decides who may decide one stage, and nothing else of it: light enough for a thousand at a time.

    Args:
        team_path: team ids from the root to the project's team.
        never: person ids that asked or benefit.
    """

    role_id: int
    project_id: int
    team_path: Sequence[int]
    exposure_micro: int | None
    never: frozenset[int]

    @classmethod
    def of(cls, stage: ApprovalStage, request: ProvisioningRequest) -> Case | None:
        """From rows with `project.team`, `requester` and `lineage` loaded; None without a project."""
        project = request.project
        if project is None:
            return None
        owner = request.lineage.owner_id if request.lineage else None
        never = (request.requester.person_id, request.beneficiary_id, owner)
        return cls(
            role_id=stage.role_id,
            project_id=project.pk,
            team_path=project.team.path_ids,
            exposure_micro=request.exposure_micro,
            never=frozenset(person for person in never if person is not None),
        )


@dataclass(frozen=True, slots=True)
class Scope:
    """One assignment: a team with everything below it, or one project."""

    person_id: int
    name: str
    team_id: int | None
    team_path: str | None
    project_id: int | None

    def reaches(self, case: Case) -> bool:
        return self.project_id == case.project_id or self.team_id in case.team_path


class Authority:
    """Roles, delegations and approval limits in force at one instant.

    Three queries, whatever the number of stages; asking it afterwards costs none.
    """

    def __init__(
        self,
        role_ids: Iterable[int] | None,
        *,
        now: datetime,
        person_id: int | None = None,
        with_limits: bool = True,
    ) -> None:
        """Read what the roles' holders may do.

        Args:
            role_ids: roles of the stages in question; None reads every role. Inactive accounts and service accounts
                hold none.
            person_id: read only this person and those who delegated to them; None reads everyone.
            with_limits: False to say who has a stage: it was opened for a role whose limit covered the amount.
        """
        self.scopes: dict[int, list[Scope]] = defaultdict(list)
        self._delegations: dict[int, list[Delegation]] = defaultdict(list)
        self._limits: dict[int, list[tuple[int, int]]] = defaultdict(list)
        roles = None if role_ids is None else set(role_ids)
        if roles is not None and not roles:
            return
        self._read_delegations(roles, person_id, now)
        self._read_scopes(roles, person_id, now)
        if with_limits:
            self._read_limits(now)

    def _read_delegations(self, roles: set[int] | None, person_id: int | None, now: datetime) -> None:
        rows = Delegation.objects.filter(
            valid_from__lte=now,
            valid_to__gt=now,
            revoked_at__isnull=True,
            delegator__is_active=True,
            delegate__is_active=True,
        ).select_related("delegate")
        if roles is not None:
            rows = rows.filter(role_id__in=roles)
        if person_id is not None:
            rows = rows.filter(delegate_id=person_id)
        for delegation in rows:
            self._delegations[delegation.role_id].append(delegation)

    def _read_scopes(self, roles: set[int] | None, person_id: int | None, now: datetime) -> None:
        rows = RoleAssignment.objects.in_force(now).filter(role__may_approve=True, user__is_service_account=False)
        if roles is not None:
            rows = rows.filter(role_id__in=roles)
        if person_id is not None:
            # A delegator counts in the role that they delegated, in no other.
            own = Q(user__person_id=person_id)
            for role, delegations in self._delegations.items():
                own |= Q(role_id=role, user__person_id__in=[each.delegator_id for each in delegations])
            rows = rows.filter(own)
        for role, person, name, team, path, project in rows.order_by("user__person__name").values_list(
            "role_id", "user__person_id", "user__person__name", "team_id", "team__path", "project_id"
        ):
            self.scopes[role].append(Scope(person, name, team, path, project))

    def _read_limits(self, now: datetime) -> None:
        if not self.scopes:
            return
        rows = ApprovalLimit.objects.filter(
            Q(valid_to__isnull=True) | Q(valid_to__gt=now), valid_from__lte=now, role_id__in=list(self.scopes)
        )
        for role, team, amount in rows.values_list("role_id", "team_id", "amount_micro_max"):
            self._limits[role].append((team, amount))

    def is_within_limit(self, case: Case) -> bool:
        """Whether the approval limit nearest to the project's team covers the amount; no limit covers everything."""
        if case.exposure_micro is None:
            return True
        depth = {team: index for index, team in enumerate(case.team_path)}
        found = [(depth[team], amount) for team, amount in self._limits[case.role_id] if team in depth]
        return not found or max(found)[1] >= case.exposure_micro

    def holders(self, stage: ApprovalStage, request: ProvisioningRequest, *, busy: Iterable[int] = ()) -> list[Holder]:
        """People who may still decide the stage, those who stand in for another included, in order of name.

        Args:
            request: with its `project.team`, `requester` and `lineage` loaded.
            busy: person ids that have filled a role on this revision already.
        """
        case = Case.of(stage, request)
        return [] if case is None else self.holders_of(case, busy=busy)

    def holders_of(self, case: Case, *, busy: Iterable[int] = ()) -> list[Holder]:
        """`holders` for what was read without its rows."""
        if not self.is_within_limit(case):
            return []
        blocked = case.never | set(busy)
        own: dict[int, Holder] = {}
        for scope in self.scopes[case.role_id]:
            if scope.person_id not in blocked and scope.reaches(case):
                own.setdefault(scope.person_id, Holder(scope.person_id, scope.name))
        found = dict(own)
        for delegation in self._delegations[case.role_id]:
            delegator = own.get(delegation.delegator_id)
            covers = delegation.amount_micro_max >= (case.exposure_micro or 0)
            if delegator and covers and delegation.delegate_id not in blocked and delegation.delegate_id not in own:
                found.setdefault(
                    delegation.delegate_id,
                    Holder(delegation.delegate_id, delegation.delegate.name, delegator.person_id, delegator.name),
                )
        return sorted(found.values(), key=lambda holder: holder.name)
