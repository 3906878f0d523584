"""What a request may name: projects, grants and lineages of others read like ones that do not exist."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import CharField, Exists, ExpressionWrapper, F, OuterRef, Q
from django.db.models.functions import Length

from governance.display import dates
from governance.domain.errors import InvalidRequest
from governance.domain.requests.parse import RequestContent
from governance.domain.states.grants import GrantState
from governance.models import (
    Grant,
    ModelLineage,
    Project,
    Provider,
    ProvisioningRequest,
    Purpose,
    RoleAssignment,
    Team,
    User,
)

RENEWABLE_DAYS = 28
"""Days after its end during which a grant can be renewed: its utilisation is read over as many days."""


@dataclass(frozen=True, slots=True)
class References:
    """The records that one request names, each of which its requester may name."""

    project: Project
    provider: Provider
    lineage: ModelLineage | None = None
    related_grant: Grant | None = None
    team_path: Sequence[str] = ()
    """Slugs of the teams from the root to the project's."""
    roles: Sequence[str] = ()
    """Slugs of the roles that the requester holds where the project is."""
    providers: Mapping[str, Provider] = field(default_factory=dict)
    """Every provider of the register, by short name: a request may be advised to go to another one."""


@dataclass(frozen=True)
class Reach:
    """For what one person may make requests: the teams and projects where they hold any role. One query."""

    person_id: int
    held: Sequence[tuple[str, str | None, int | None]]
    """Each role: its slug, and the team path or the project where it is held."""

    @classmethod
    def of(cls, user: User, *, now: datetime) -> Reach:
        rows = RoleAssignment.objects.in_force(now).filter(user__person_id=user.person_id)
        return cls(user.person_id, list(rows.values_list("role__slug", "team__path", "project_id")))

    @cached_property
    def paths(self) -> frozenset[str]:
        return frozenset(path for _, path, _ in self.held if path)

    @cached_property
    def project_ids(self) -> frozenset[int]:
        return frozenset(project for _, _, project in self.held if project)

    def roles_on(self, project: Project) -> list[str]:
        """Slugs of the roles that are held on a project, its team or a team above it. Needs `team` joined."""
        return sorted(
            {
                slug
                for slug, path, at_project in self.held
                if at_project == project.pk or (path and project.team.path.startswith(path))
            }
        )

    def covers(self, project: Project | None) -> bool:
        """Whether the person may make requests for a project, were it open. Needs `team` joined."""
        if project is None:
            return False
        return project.pk in self.project_ids or any(project.team.path.startswith(path) for path in self.paths)

    def within(self, prefix: str = "") -> Q:
        """The same as a condition on projects, or on what belongs to one.

        Args:
            prefix: the path to the project, such as `project__`.
        """
        found = Q(**{f"{prefix}pk__in": self.project_ids})
        for path in self.paths:
            found |= Q(**{f"{prefix}team__path__startswith": path})
        return found


def requestable_projects(user: User, *, now: datetime) -> list[Project]:
    """Open projects for which this person may ask: those in whose team path, or on which, they hold any role."""
    rows = Project.objects.filter(Reach.of(user, now=now).within(), is_open=True)
    return list(rows.select_related("team"))


def requestable_project(slug: object, user: User, *, now: datetime) -> Project | None:
    """The open project of this name, if the person may make requests for it."""
    if not isinstance(slug, str):
        return None
    project = Project.objects.select_related("team").filter(slug=slug, is_open=True).first()
    return project if Reach.of(user, now=now).covers(project) else None


def nameable_lineages(user: User, *, now: datetime) -> list[ModelLineage]:
    """Lineages that the person may name: their own, and those of projects for which they may make requests."""
    reach = Reach.of(user, now=now)
    rows = ModelLineage.objects.filter(Q(owner_id=reach.person_id) | reach.within("project__"))
    return list(rows.only("slug", "name"))


def named_by(content: RequestContent, *, requester: User, now: datetime) -> References:
    """The records that a request names.

    Raises:
        InvalidRequest: one does not exist, or the requester may not name it, in the same words; or the grant does not
            fit the request.
    """
    reach = Reach.of(requester, now=now)
    errors: dict[str, list[str]] = {}
    project, team_path, has_purpose = _project(content, slug=content.project)
    if project is None or not reach.covers(project):
        project = None
        errors["project"] = [f"`{content.project}` is not a project that you can ask for"]
    providers = known_providers()
    provider = providers.get(content.provider or "")
    if provider is None:
        errors["provider"] = [f"`{content.provider}` is not a provider that this organisation knows"]
    lineage = _lineage(content, reach)
    if content.lineage and lineage is None:
        errors["lineage"] = [f"`{content.lineage}` is not a registered model lineage that you can name"]
    grant = _grant(content, reach)
    if content.related_grant and grant is None:
        errors["related_grant"] = [f"`{content.related_grant}` is not a grant that you can name: write it like G-0108"]
    elif grant is not None and (mismatch := _mismatch(grant, content, now=now)):
        errors["related_grant"] = [mismatch]
    errors |= _unfit(content, project, has_purpose)
    if errors or project is None or provider is None:
        raise InvalidRequest(errors)
    return References(project, provider, lineage, grant, team_path, reach.roles_on(project), providers)


def named_when_submitted(request: ProvisioningRequest, content: RequestContent, *, now: datetime) -> References:
    """The records that a submitted request names: its requester might name them when it was submitted.

    What became of the requester's own right since is not for the approver to mend.

    Raises:
        InvalidRequest: the project was closed since, or the provider or purpose is gone.
    """
    project, team_path, has_purpose = _project(content, pk=request.project_id)
    providers = known_providers()
    provider = providers.get(content.provider or "")
    errors = _unfit(content, project, has_purpose)
    if provider is None:
        errors["provider"] = [f"`{content.provider}` is not a provider that this organisation knows"]
    if errors or project is None or provider is None:
        raise InvalidRequest(errors)
    roles = Reach.of(request.requester, now=now).roles_on(project)
    return References(project, provider, request.lineage, request.related_grant, team_path, roles, providers)


def known_providers() -> dict[str, Provider]:
    """The register of providers, by short name. One query."""
    return {provider.slug: provider for provider in Provider.objects.all()}


def _project(content: RequestContent, **which: Any) -> tuple[Project | None, Sequence[str], bool]:
    """A project with its `team`, the slugs of its teams from the root, and whether the purpose is on the list."""
    purposes = Purpose.objects.filter(slug=content.purpose)
    below = ExpressionWrapper(OuterRef("team__path"), output_field=CharField())
    above = Team.objects.alias(below=below).filter(below__startswith=F("path")).order_by(Length("path"))
    rows = Project.objects.select_related("team").annotate(
        team_path=ArraySubquery(above.values("slug")), has_purpose=Exists(purposes)
    )
    found: Any = rows.filter(**which).first()
    if found is None:
        return None, (), purposes.exists()
    return found, found.team_path, found.has_purpose


def _unfit(content: RequestContent, project: Project | None, has_purpose: bool) -> dict[str, list[str]]:
    """What stands against a request whatever its requester may name: a closed project, a purpose off the list."""
    errors: dict[str, list[str]] = {}
    if project is not None and not project.is_open:
        errors["project"] = [f"`{project.name}` is closed"]
    if not has_purpose:
        errors["purpose"] = [f"`{content.purpose}` is not on the purpose list"]
    return errors


def _lineage(content: RequestContent, reach: Reach) -> ModelLineage | None:
    """A lineage of one's own or of a project for which one may make requests: a stranger's compute is not read."""
    if not content.lineage:
        return None
    lineage = ModelLineage.objects.select_related("project__team").filter(slug=content.lineage).first()
    is_theirs = lineage is not None and (lineage.owner_id == reach.person_id or reach.covers(lineage.project))
    return lineage if is_theirs else None


def _grant(content: RequestContent, reach: Reach) -> Grant | None:
    """One's own grant, or one of a project for which one may make requests."""
    number = grant_number(content.related_grant or "")
    if number is None:
        return None
    grant = Grant.objects.select_related("project__team").filter(number=number).first()
    is_theirs = grant is not None and (grant.owner_id == reach.person_id or reach.covers(grant.project))
    return grant if is_theirs else None


def grant_number(reference: str) -> int | None:
    """The number in a reference such as G-0108; None when it is not one."""
    digits = reference.removeprefix("G-")
    is_reference = reference != digits and digits.isascii() and digits.isdigit() and len(digits) <= 9
    return int(digits) if is_reference else None


def _mismatch(grant: Grant, content: RequestContent, *, now: datetime) -> str:
    """Why a request of this kind cannot be about this grant, as a sentence; empty when it can."""
    kind = content.kind_of_request
    if not kind.is_on_grant:
        # Such a request says only that they belong together; nothing is read from the grant.
        return ""
    reference = grant.reference
    is_running = grant.state == GrantState.ACTIVE and grant.ends_at > now
    has_just_ended = grant.state in (GrantState.ACTIVE, GrantState.ENDED) and now < grant.ends_at + timedelta(
        days=RENEWABLE_DAYS
    )
    if not is_running and not (kind.replaces_grant and has_just_ended):
        state = GrantState(grant.state)
        was_cut_short = state in (GrantState.RETURNED, GrantState.REVOKED)
        over = f"was {state.label.lower()}" if was_cut_short else f"ended on {dates.full_day(grant.ends_at)}"
        return f"{reference} {over}, so there is nothing to {kind.verb}: make a new request"
    if kind.moves_grant:
        return f"{reference} belongs to `{content.project}` already" if grant.project.slug == content.project else ""
    if grant.project.slug != content.project:
        return f"{reference} belongs to `{grant.project.slug}`: a {kind.name} stays in its project"
    if kind.is_for_same_machines:
        return _other_machines(grant, content, kind.name)
    return ""


def _other_machines(grant: Grant, content: RequestContent, kind: str) -> str:
    pairs: Iterable[tuple[str, str, str]] = (
        ("at", grant.provider, content.provider or ""),
        ("for", grant.accelerator, content.accelerator or ""),
    )
    for word, was, becomes in pairs:
        if was != becomes:
            return (
                f"{grant.reference} is {word} `{was or 'none'}`: a {kind} {word} `{becomes or 'none'}` "
                "is a new request or a change"
            )
    return ""
