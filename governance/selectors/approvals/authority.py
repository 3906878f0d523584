"""Who may approve: the one computation behind planning, queue, pages, mails, decision, API and last check."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.db.models import Q

from governance.domain.approvals.routing import Directory
from governance.domain.states.approvals import LapseReason, Verdict
from governance.models import (
    ApprovalDecision,
    ApprovalLimit,
    ApprovalStage,
    Delegation,
    ModelLineage,
    Project,
    ProvisioningRequest,
    Role,
    RoleAssignment,
    User,
)
from governance.selectors.people.duties import AUDITOR
from governance.selectors.people.people import scope_of


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
        return cls(
            role_id=stage.role_id,
            project_id=project.pk,
            team_path=project.team.path_ids,
            exposure_micro=request.exposure_micro,
            never=never_deciding(
                requester=request.requester, beneficiary_id=request.beneficiary_id, lineage=request.lineage
            ),
        )


def never_deciding(*, requester: User, beneficiary_id: int | None, lineage: ModelLineage | None) -> frozenset[int]:
    """Person ids that never approve a request: who made it, and who benefits."""
    people = (requester.person_id, beneficiary_id, lineage.owner_id if lineage else None)
    return frozenset(person for person in people if person is not None)


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


class Limits:
    """Every approval limit in force at one instant; asking it costs no query."""

    def __init__(self, *, now: datetime) -> None:
        self._by_role: dict[int, list[ApprovalLimit]] = defaultdict(list)
        for limit in ApprovalLimit.objects.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=now), valid_from__lte=now):
            self._by_role[limit.role_id].append(limit)

    @property
    def role_ids(self) -> list[int]:
        return list(self._by_role)

    def nearest(self, role_id: int, team_path: Sequence[int]) -> ApprovalLimit | None:
        """The limit nearest to the end of a path of team ids; of two in one team the larger."""
        depth = {team: index for index, team in enumerate(team_path)}
        within = [limit for limit in self._by_role.get(role_id, ()) if limit.team_id in depth]
        return max(within, key=lambda limit: (depth[limit.team_id], limit.amount_micro_max), default=None)

    def cover(self, role_id: int, team_path: Sequence[int], exposure_micro: int | None) -> bool:
        """Whether holders of a role may approve an amount there. A role without a limit approves any amount."""
        limit = self.nearest(role_id, team_path)
        return exposure_micro is None or limit is None or limit.amount_micro_max >= exposure_micro


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
        project: Project | None = None,
        with_delegations: bool = True,
    ) -> None:
        """Read what the roles' holders may do.

        Args:
            role_ids: roles of the stages in question; None reads every role. Inactive accounts and service accounts
                hold none.
            person_id: read only this person and those who delegated to them; None reads everyone.
            project: read only assignments that reach it, with its `team`; None reads all.
            with_delegations: False where only the holders themselves count.
        """
        self.project = project
        self.scopes: dict[int, list[Scope]] = defaultdict(list)
        self._delegations: dict[int, list[Delegation]] = defaultdict(list)
        self._limits: Limits | None = None
        roles = None if role_ids is None else set(role_ids)
        if roles is not None and not roles:
            return
        if with_delegations:
            self._read_delegations(roles, person_id, now)
        self._read_scopes(roles, person_id, project, now)
        self._limits = Limits(now=now) if self.scopes else None

    def _read_delegations(self, roles: set[int] | None, person_id: int | None, now: datetime) -> None:
        rows = Delegation.objects.filter(
            valid_from__lte=now,
            valid_to__gt=now,
            revoked_at__isnull=True,
            delegator__is_active=True,
            delegate__is_active=True,
            delegate__users__is_active=True,
            delegate__users__is_service_account=False,
        ).select_related("delegate")
        if roles is not None:
            rows = rows.filter(role_id__in=roles)
        if person_id is not None:
            rows = rows.filter(delegate_id=person_id)
        for delegation in rows:
            self._delegations[delegation.role_id].append(delegation)

    def _read_scopes(
        self, roles: set[int] | None, person_id: int | None, project: Project | None, now: datetime
    ) -> None:
        deciding = Q(role__may_approve=True, user__is_service_account=False)
        if roles is not None:
            deciding &= Q(role_id__in=roles)
        if project is not None:
            deciding &= scope_of(project)
        if person_id is not None:
            # A delegator counts in the role that they delegated, in no other.
            own = Q(user__person_id=person_id)
            for role, delegations in self._delegations.items():
                own |= Q(role_id=role, user__person_id__in=[each.delegator_id for each in delegations])
            deciding &= own
        delegates = {each.delegate_id for delegations in self._delegations.values() for each in delegations}
        if delegates:
            deciding |= Q(role__slug=AUDITOR, user__person_id__in=delegates)
        rows = RoleAssignment.objects.in_force(now).filter(deciding).order_by("user__person__name")
        auditors: set[int] = set()
        for slug, decides, role, person, name, team, path, at_project in rows.values_list(
            "role__slug",
            "role__may_approve",
            "role_id",
            "user__person_id",
            "user__person__name",
            "team_id",
            "team__path",
            "project_id",
        ):
            if slug == AUDITOR:
                auditors.add(person)
            if decides:
                self.scopes[role].append(Scope(person, name, team, path, at_project))
        # Whoever audits stands in for nobody.
        for role, delegations in self._delegations.items():
            self._delegations[role] = [each for each in delegations if each.delegate_id not in auditors]
        if person_id in auditors:
            for role, scopes in self.scopes.items():
                self.scopes[role] = [each for each in scopes if each.person_id == person_id]

    def is_within_limit(self, case: Case) -> bool:
        """Whether the approval limit nearest to the project's team covers the amount; no limit covers everything."""
        return self._limits is None or self._limits.cover(case.role_id, case.team_path, case.exposure_micro)

    def in_role(self, case: Case) -> dict[int, Holder]:
        """Whoever holds the role for the project, by person id, whatever the amount; never who asked or benefits."""
        found: dict[int, Holder] = {}
        for scope in self.scopes[case.role_id]:
            if scope.person_id not in case.never and scope.reaches(case):
                found.setdefault(scope.person_id, Holder(scope.person_id, scope.name))
        return found

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
        own = {person: holder for person, holder in self.in_role(case).items() if person not in blocked}
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

    def holder(self, case: Case, person_id: int, *, busy: Iterable[int] = ()) -> Holder | None:
        """This person as somebody who may decide the stage, or None."""
        return next((each for each in self.holders_of(case, busy=busy) if each.person_id == person_id), None)


class Directories:
    """Who could fill each role on one project at one instant, for a request of any size.

    Three queries at the first question, one where the authority was read before; none afterwards.
    """

    def __init__(
        self,
        project: Project,
        *,
        now: datetime,
        standing: Mapping[str, Iterable[int]] | None = None,
        read: Authority | None = None,
    ) -> None:
        """Remember what to ask about; nothing is read yet.

        Args:
            standing: by role, person ids whose approval in it counts already, even if the role has ended since.
            read: the authority of every role, when the caller has it for this instant; over another project it is
                read again.
        """
        self._project = project
        self._now = now
        self._standing = standing or {}
        self._read = read

    @cached_property
    def _authority(self) -> Authority:
        if self._read is not None and self._read.project == self._project:
            return self._read
        return Authority(None, now=self._now, project=self._project, with_delegations=False)

    @cached_property
    def _roles(self) -> list[tuple[int, str, str | None]]:
        return list(Role.objects.values_list("pk", "slug", "fallback__slug"))

    def __call__(self, excluded: Iterable[int], exposure_micro: int | None) -> Directory:
        """The people for a request.

        Args:
            excluded: person ids that never count: the requester and whoever benefits.
            exposure_micro: the assessed amount; a role whose approval limit is lower has nobody.
        """
        path = self._project.team.path_ids
        people: dict[str, frozenset[int]] = {}
        for pk, slug, _ in self._roles:
            case = Case(pk, self._project.pk, path, exposure_micro, frozenset())
            holding = {*self._authority.in_role(case), *self._standing.get(slug, ())}
            if holding:
                people[slug] = frozenset(holding) if self._authority.is_within_limit(case) else frozenset()
        return Directory(people, {slug: fallback for _, slug, fallback in self._roles}, frozenset(excluded))


# ---------------------------------------------------------------- approvals that were given


def counting(revision_id: int) -> list[ApprovalDecision]:
    """The approvals of a revision that were not found to have lapsed, with stage, role and people."""
    rows = ApprovalDecision.objects.filter(stage__revision_id=revision_id, verdict=Verdict.APPROVE, lapse__isnull=True)
    return list(rows.select_related("stage__role", "user", "person", "for_person").order_by("decided_at", "pk"))


def people_who_decided(revision_id: int) -> set[int]:
    """Everyone who has filled a role on this revision, delegators included; an approval that lapsed fills none."""
    rows = ApprovalDecision.objects.filter(stage__revision_id=revision_id, lapse__isnull=True)
    return {person for pair in rows.values_list("person_id", "for_person_id") for person in pair if person is not None}


def lapsed(approvals: Iterable[ApprovalDecision], request: ProvisioningRequest, *, now: datetime) -> dict[int, str]:
    """Approvals that no longer count, by id, with the reason: a key of `LAPSE_REASONS`. Three queries.

    An approval counts by what was in force when it was given, less what was revoked, lowered or deactivated since. A
    role or delegation that ended by its own date afterwards is not missed.

    Args:
        approvals: of one request, as `counting` reads them.
        request: with its `project.team`, `requester` and `lineage` loaded.
    """
    given = list(approvals)
    if not given:
        return {}
    past = _Past(given)
    limits = Limits(now=now)
    found: dict[int, str] = {}
    for approval in given:
        case = Case.of(approval.stage, request)
        why = past.why_lapsed(approval, case)
        if not why and case is not None and not limits.cover(case.role_id, case.team_path, case.exposure_micro):
            why = LapseReason.LIMIT_LOWERED
        if why:
            found[approval.pk] = why
    return found


class _Past:
    """What the approvals rested on, as far as nobody took it away since."""

    def __init__(self, approvals: Sequence[ApprovalDecision]) -> None:
        roles = {approval.stage.role_id for approval in approvals}
        holders = {approval.for_person_id or approval.person_id for approval in approvals}
        self._assignments = list(
            RoleAssignment.objects.filter(
                role_id__in=roles,
                user__person_id__in=holders,
                user__is_service_account=False,
                user__is_active=True,
                user__person__is_active=True,
                revoked_at__isnull=True,
            ).values_list("role_id", "user__person_id", "team_id", "project_id", "valid_from", "valid_to")
        )
        self._delegations = list(
            Delegation.objects.filter(role_id__in=roles, delegator_id__in=holders, revoked_at__isnull=True)
            if any(approval.for_person_id for approval in approvals)
            else ()
        )

    def why_lapsed(self, approval: ApprovalDecision, case: Case | None) -> str:
        """The reason, or nothing while it counts. Limits are looked at elsewhere."""
        if case is None:
            return "role_removed"
        # Whoever decided for somebody counts through both of them.
        both = [approval.person, *([approval.for_person] if approval.for_person else [])]
        if not approval.user.is_active or not all(person.is_active for person in both):
            return "person_deactivated"
        if any(person.pk in case.never for person in both):
            return "benefits"
        if not self._held_the_role(approval, case):
            return "role_removed"
        if approval.for_person_id and not self._was_delegated(approval, case):
            return "delegation_revoked"
        return ""

    def _held_the_role(self, approval: ApprovalDecision, case: Case) -> bool:
        holder = approval.for_person_id or approval.person_id
        return any(
            (role, person) == (case.role_id, holder)
            and (project == case.project_id or team in case.team_path)
            and start <= approval.decided_at
            and (end is None or approval.decided_at < end)
            for role, person, team, project, start, end in self._assignments
        )

    def _was_delegated(self, approval: ApprovalDecision, case: Case) -> bool:
        return any(
            (each.role_id, each.delegator_id, each.delegate_id)
            == (case.role_id, approval.for_person_id, approval.person_id)
            and each.valid_from <= approval.decided_at < each.valid_to
            and each.amount_micro_max >= (case.exposure_micro or 0)
            for each in self._delegations
        )
