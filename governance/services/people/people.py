"""Keeps who there is: teams, projects, people and their accounts."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import available_timezones

from django.db import transaction

from governance.domain.limits import TEAM_DEPTH_MAX
from governance.models import Person, Project, Team, User
from governance.models.people.people import RequesterType
from governance.selectors.people import accounts
from governance.selectors.people.duties import require_duty
from governance.services.messages import alerts
from governance.services.people import credentials
from governance.services.record import audit
from governance.services.register.edits import Errors, assign, lock_row


@transaction.atomic(durable=True)
def create_team(
    *, actor: User, slug: str, name: str, parent: Team, cost_centre: str | None = None, now: datetime
) -> Team:
    """Add a team below another one.

    Raises:
        NotAllowed: the actor does not keep people.
        InvalidInput: the short name is taken or malformed, or the tree would become too deep.
    """
    require_duty(actor, "people", now=now)
    errors = Errors()
    errors.slug("slug", slug, Team)
    name = errors.text("name", name, 120)
    cost_centre = errors.optional_text("cost_centre", cost_centre, 20)
    if len(parent.path_ids) >= TEAM_DEPTH_MAX:
        errors.add("parent", f"`{parent.name}` is {TEAM_DEPTH_MAX} levels deep already: choose a team above it")
    errors.raise_any()
    team = Team.objects.create(slug=slug, name=name, parent=parent, cost_centre=cost_centre)
    team.path = f"{parent.path}{team.pk}."
    team.save(update_fields=["path"])
    audit.record("team.created", actor=actor, subject=team, now=now, parent=parent.pk, slug=slug)
    return team


@transaction.atomic(durable=True)
def change_team(*, actor: User, team_id: int, name: str, cost_centre: str | None = None, now: datetime) -> Team:
    """Rename a team or move its costs. Its place in the tree stays: budgets and decisions refer to it."""
    require_duty(actor, "people", now=now)
    errors = Errors()
    name = errors.text("name", name, 120)
    cost_centre = errors.optional_text("cost_centre", cost_centre, 20)
    errors.raise_any()
    team = lock_row(Team, team_id)
    changed = assign(team, {"name": name, "cost_centre": cost_centre})
    if changed:
        audit.record("team.changed", actor=actor, subject=team, now=now, fields=changed)
    return team


@transaction.atomic(durable=True)
def create_project(
    *, actor: User, slug: str, name: str, team: Team, started_on: date | None = None, now: datetime
) -> Project:
    """Add a project to a team.

    Raises:
        NotAllowed, InvalidInput.
    """
    require_duty(actor, "people", now=now)
    errors = Errors()
    errors.slug("slug", slug, Project)
    name = errors.text("name", name, 120)
    errors.day("started_on", started_on)
    errors.raise_any()
    project = Project.objects.create(slug=slug, name=name, team=team, started_on=started_on or now.date())
    audit.record("project.created", actor=actor, subject=project, now=now, team=team.pk, slug=slug)
    return project


@transaction.atomic(durable=True)
def change_project(*, actor: User, project_id: int, name: str, is_open: bool, now: datetime) -> Project:
    """Rename, close or reopen a project. A closed one takes no new requests; what runs goes on."""
    require_duty(actor, "people", now=now)
    errors = Errors()
    name = errors.text("name", name, 120)
    errors.raise_any()
    project = lock_row(Project, project_id)
    changed = assign(project, {"name": name, "is_open": is_open})
    if changed:
        audit.record("project.changed", actor=actor, subject=project, now=now, fields=changed, is_open=is_open)
    return project


@transaction.atomic(durable=True)
def add_person(
    *,
    actor: User,
    name: str,
    email: str,
    team: Team,
    country: str,
    now: datetime,
    requester_type: str = RequesterType.EMPLOYEE,
    job_title: str = "",
    time_zone: str = "UTC",
    trainings: list[str] | None = None,
    is_staff: bool = False,
) -> User:
    """Add a person together with their own account, and send them a link to set its password.

    Args:
        country: where they work, ISO 3166-1 alpha-2; export rules read it.
        is_staff: may enter the desk; giving a role that decides sets it as well.

    Returns:
        The account; its `person` is the new row.

    Raises:
        NotAllowed, InvalidInput.
    """
    require_duty(actor, "people", now=now)
    errors = Errors()
    email = errors.email("email", email)
    values = _person_values(
        errors, name=name, country=country, requester_type=requester_type, job_title=job_title, time_zone=time_zone
    )
    kept = errors.texts("trainings", trainings or (), "people.trainings_valid")
    errors.raise_any()
    person = Person.objects.create(email=email, team=team, trainings=kept, **values)
    user = User.objects.create_user(email=email, person=person, password=None, is_staff=is_staff)
    alerts.tell_password_link(user, why="new", by=actor.person_id, now=now)
    audit.record("person.added", actor=actor, subject=person, now=now, user=user.pk, team=team.pk)
    return user


@transaction.atomic(durable=True)
def change_person(
    *,
    actor: User,
    person_id: int,
    now: datetime,
    name: str,
    team: Team,
    country: str,
    requester_type: str,
    job_title: str,
    time_zone: str,
    is_active: bool,
    is_staff: bool,
    trainings: list[str] | None = None,
) -> Person:
    """Change what is known about a person. An inactive one cannot sign in, and their roles stop counting at once.

    What their accounts held ends for good: password, links, sessions and API tokens. Somebody who becomes active again
    is sent a link to set a new password.

    Raises:
        NotAllowed, InvalidInput.
    """
    require_duty(actor, "people", now=now)
    errors = Errors()
    values = _person_values(
        errors, name=name, country=country, requester_type=requester_type, job_title=job_title, time_zone=time_zone
    )
    if not is_active and actor.person_id == person_id:
        errors.add("is_active", "your own account can only be deactivated by somebody else")
    if trainings is not None:
        values["trainings"] = errors.texts("trainings", trainings, "people.trainings_valid")
    errors.raise_any()
    person = lock_row(Person, person_id)
    accounts.require_reach(actor, person)
    was_active = person.is_active
    changed = assign(person, {**values, "team": team, "is_active": is_active})
    users = User.objects.filter(person=person)
    # The session of somebody who was switched off ends with the next click: Django asks the account each time.
    users.exclude(is_active=is_active).update(is_active=is_active)
    if users.filter(is_service_account=False).exclude(is_staff=is_staff).update(is_staff=is_staff):
        changed.append("is_staff")
    if was_active and not is_active:
        credentials.end_access(person)
    own = accounts.own_account(person)
    if is_active and not was_active and own is not None:
        alerts.tell_password_link(own, why="reactivated", by=actor.person_id, now=now)
    if changed:
        audit.record("person.changed", actor=actor, subject=person, now=now, fields=changed, is_active=is_active)
    return person


@transaction.atomic(durable=True)
def add_service_account(*, actor: User, person: Person, email: str, now: datetime) -> User:
    """Add an account for a program. The person answers for what it asks; it never decides and never logs in."""
    require_duty(actor, "people", now=now)
    errors = Errors()
    email = errors.email("email", email)
    errors.raise_any()
    accounts.require_reach(actor, person)
    user = User.objects.create_user(email=email, person=person, password=None, is_service_account=True)
    audit.record("person.changed", actor=actor, subject=person, now=now, fields=["service_account"], user=user.pk)
    return user


def _person_values(errors: Errors, **given: str) -> dict[str, Any]:
    if given["requester_type"] not in RequesterType.values:
        errors.add("requester_type", f"choose one of: {', '.join(RequesterType.values)}")
    if given["time_zone"] not in available_timezones():
        errors.add("time_zone", f"`{given['time_zone'][:40]}` is not an IANA time zone such as Europe/Dublin")
    return {
        "name": errors.text("name", given["name"], 120),
        "country": errors.country("country", given["country"]),
        "requester_type": str(given["requester_type"]),
        "job_title": errors.text("job_title", given["job_title"], 120, required=False),
        "time_zone": given["time_zone"],
    }
