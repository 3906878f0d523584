"""Who may see what, read from the roles in force; and the account in whose name the product acts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from django.db.models import Q

from governance.models import Person, Project, Role, RoleAssignment, Team, User, Visibility

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


def scope_of(project: Project) -> Q:
    """Assignments that reach a project: on itself, its team, or any team above."""
    return Q(team_id__in=project.team.path_ids) | Q(project=project)


def standing_assignment(
    *,
    user: User,
    role: Role,
    team: Team | None,
    project: Project | None,
    valid_from: datetime,
    valid_to: datetime | None,
    now: datetime,
) -> RoleAssignment | None:
    """The assignment of the role in this very scope that is not over and meets or touches a period; the first one."""
    rows = RoleAssignment.objects.filter(user=user, role=role, team=team, project=project).filter(
        Q(valid_to__isnull=True) | Q(valid_to__gte=valid_from, valid_to__gt=now)
    )
    if valid_to is not None:
        rows = rows.filter(valid_from__lte=valid_to)
    return rows.select_related("user__person", "role").order_by("valid_from").first()


def names_of(person_ids: Iterable[int]) -> dict[int, str]:
    """Names by person id, one query."""
    return dict(Person.objects.filter(pk__in=set(person_ids)).values_list("pk", "name"))


@lru_cache(maxsize=1)
def role_labels() -> dict[str, str]:
    """Role names by slug; a process reads them once."""
    return dict(Role.objects.values_list("slug", "name"))
