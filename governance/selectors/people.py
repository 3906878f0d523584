"""Who may see and who may decide, read from roles, limits and delegations in force."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from django.db.models import Q

from governance.domain.routing import Directory
from governance.models import ApprovalLimit, Delegation, Person, Project, Role, RoleAssignment, Team, User, Visibility

SYSTEM_EMAIL = "system@comptroller.invalid"


def system_actor() -> User:
    """The account in whose name sweeps and deliveries act."""
    return User.objects.select_related("person").get(email=SYSTEM_EMAIL)


def visibility_of(
    user: User, *, now: datetime, scopes: Iterable[tuple[str | None, int | None]] | None = None
) -> Visibility:
    """What the person behind `user` may see: the subtrees of their teams and the projects they work in.

    Three queries at most, whatever the size of the organisation's history.

    Args:
        scopes: team path and project of each role in force with which the person sees what lies below, when the
            caller has read them already; then two queries at most.
    """
    if scopes is None:
        scopes = (
            RoleAssignment.objects.in_force(now)
            .filter(user__person_id=user.person_id, role__sees_subtree=True)
            .values_list("team__path", "project_id")
        )
    rows = list(scopes)
    paths = [path for path, _ in rows if path]
    projects = {project for _, project in rows if project}
    if any(path.count(".") == 1 for path in paths) or user.is_superuser:
        return Visibility(user.person_id, True, frozenset(), frozenset())
    if not paths:
        return Visibility(user.person_id, False, frozenset(), frozenset(projects))
    below = Q()
    for path in paths:
        below |= Q(path__startswith=path)
    teams = frozenset(Team.objects.filter(below).values_list("pk", flat=True))
    projects.update(Project.objects.filter(team_id__in=teams).values_list("pk", flat=True))
    return Visibility(user.person_id, False, teams, frozenset(projects))


def askable_projects(user: User, *, now: datetime) -> list[Project]:
    """Open projects for which this person may ask: those in whose team path, or on which, they hold any role."""
    scopes = list(
        RoleAssignment.objects.in_force(now)
        .filter(user__person_id=user.person_id)
        .values_list("team__path", "project_id")
    )
    within = Q(pk__in=[project for _, project in scopes if project])
    for path in {path for path, _ in scopes if path}:
        within |= Q(team__path__startswith=path)
    return list(Project.objects.filter(within, is_open=True).select_related("team"))


def directory_for(project: Project, *, excluded: Iterable[int], exposure_micro: int | None, now: datetime) -> Directory:
    """Who could fill each role on `project` for an ask of this size.

    Args:
        excluded: person ids that never count: the requester and whoever benefits.
        exposure_micro: the amount that the ask counts as; a role whose approval limit is lower has nobody.
    """
    people: dict[str, set[int]] = defaultdict(set)
    rows = (
        RoleAssignment.objects.in_force(now)
        .filter(scope_of(project), role__may_approve=True, user__is_service_account=False)
        .values_list("role__slug", "user__person_id")
    )
    for role, person in rows:
        people[role].add(person)
    for role in roles_over_limit(project, exposure_micro=exposure_micro, now=now):
        people[role] = set()
    fallbacks = dict(Role.objects.values_list("slug", "fallback__slug"))
    return Directory({role: frozenset(ids) for role, ids in people.items()}, fallbacks, frozenset(excluded))


def scope_of(project: Project) -> Q:
    """Assignments that reach a project: on itself, its team, or any team above."""
    return Q(team_id__in=project.team.path_ids) | Q(project=project)


def roles_over_limit(project: Project, *, exposure_micro: int | None, now: datetime) -> set[str]:
    """Roles whose approval limit nearest to the project's team lies below the amount."""
    if exposure_micro is None:
        return set()
    depth = {team: index for index, team in enumerate(project.team.path_ids)}
    nearest: dict[str, tuple[int, int]] = {}
    limits = ApprovalLimit.objects.filter(
        Q(valid_to__isnull=True) | Q(valid_to__gt=now), valid_from__lte=now, team_id__in=list(depth)
    ).values_list("role__slug", "team_id", "amount_micro_max")
    for role, team, amount in limits:
        nearest[role] = max(nearest.get(role, (-1, 0)), (depth[team], amount))
    return {role for role, (_, amount) in nearest.items() if amount < exposure_micro}


def excluded_people(*, requester: User, beneficiary_id: int | None, lineage_owner_id: int | None) -> frozenset[int]:
    """Person ids that may never approve an ask: who asked, and who benefits."""
    return frozenset(person for person in (requester.person_id, beneficiary_id, lineage_owner_id) if person is not None)


def standing_in(person_id: int, *, role_id: int, exposure_micro: int | None, now: datetime) -> list[int]:
    """Person ids for whom this person may decide in that role today, for an ask of this size."""
    return list(
        Delegation.objects.filter(
            delegate_id=person_id,
            role_id=role_id,
            valid_from__lte=now,
            valid_to__gt=now,
            revoked_at__isnull=True,
            amount_micro_max__gte=exposure_micro or 0,
            delegator__is_active=True,
        ).values_list("delegator_id", flat=True)
    )


def names_of(person_ids: Iterable[int]) -> dict[int, str]:
    """Names by person id, one query."""
    return dict(Person.objects.filter(pk__in=set(person_ids)).values_list("pk", "name"))


@lru_cache(maxsize=1)
def role_labels() -> dict[str, str]:
    """Role names by slug; a process reads them once."""
    return dict(Role.objects.values_list("slug", "name"))
