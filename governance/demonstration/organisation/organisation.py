"""Founds the organisation: teams, projects, people with accounts and roles, approval limits."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.hashers import make_password

from governance.demonstration import data
from governance.demonstration.calendar import FOUNDED_DAYS, Calendar
from governance.demonstration.chain import Chain
from governance.demonstration.organisation.cast import Cast
from governance.domain.money.money import MICRO_PER_UNIT
from governance.models import ApprovalLimit, Person, Project, Role, RoleAssignment, Team, User
from governance.selectors.people.people import system_actor

PASSWORD = "comptroller-demo"  # printed beside the accounts: it protects nothing
ROOT = "organisation"
TIME_ZONES = {"IE": "Europe/Dublin", "SE": "Europe/Stockholm", "CA": "America/Toronto"}
TRAININGS = ["acceptable use", "export control"]


def found(calendar: Calendar, chain: Chain) -> Cast:
    """Write everybody and everything that requests refer to, as of the day the organisation was founded."""
    plain = data.read("organisation")
    cast = Cast(calendar=calendar, system=system_actor())
    now = calendar.founded
    _add_teams(cast, plain, chain, now)
    _add_projects(cast, plain, chain, now)
    _add_people(cast, plain, chain, now)
    _add_staff(cast, plain, chain, now)
    _give_roles(cast, plain, chain, now)
    _set_limits(cast, plain, chain, now)
    return cast


def tour() -> list[str]:
    """The addresses of the few accounts with which a newcomer sees everything, in order."""
    plain = data.read("organisation")
    return [f"{key}@{plain['mail_domain']}" for key in plain["tour"]]


def _add_teams(cast: Cast, plain: dict[str, Any], chain: Chain, now: datetime) -> None:
    root = Team.objects.get(parent=None)
    root.name = plain["name"]
    root.save(update_fields=["name"])
    chain.record("team.changed", actor=cast.system, model=Team, row=root.pk, at=now, fields=["name"])
    cast.teams[ROOT] = root
    rows = Team.objects.bulk_create(
        [Team(slug=t["slug"], name=t["name"], cost_centre=t["cost_centre"], parent=root) for t in plain["teams"]]
    )
    for team in rows:
        team.path = f"{root.path}{team.pk}."
        cast.teams[team.slug] = team
        chain.record("team.created", actor=cast.system, model=Team, row=team.pk, at=now, parent=root.pk, slug=team.slug)
    Team.objects.bulk_update(rows, ["path"])


def _add_projects(cast: Cast, plain: dict[str, Any], chain: Chain, now: datetime) -> None:
    founded_on = cast.calendar.day(-FOUNDED_DAYS)
    rows = [
        Project(slug=slug, name=name, team=cast.teams[team], started_on=founded_on)
        for part in ("projects", "everyday_projects")
        for team, names in plain[part].items()
        for slug, name in names.items()
    ]
    for project in Project.objects.bulk_create(rows):
        cast.projects[project.slug] = project
        chain.record(
            "project.created", actor=cast.system, model=Project, row=project.pk, at=now, team=project.team_id,
            slug=project.slug,
        )  # fmt: skip
    cast.everyday = {
        team: [cast.projects[slug] for slug in names] for team, names in plain["everyday_projects"].items()
    }


def _add_people(cast: Cast, plain: dict[str, Any], chain: Chain, now: datetime) -> None:
    # One hash for all: everybody's password is the same printed word, and hashing it forty times takes seconds.
    password = make_password(PASSWORD)
    deciding = set(Role.objects.filter(may_approve=True).values_list("slug", flat=True))
    deciding |= {"auditor", "policy_officer", "catalogue_editor", "administrator"}
    people = Person.objects.bulk_create(
        [
            Person(
                name=each["name"], email=f"{each['key']}@{plain['mail_domain']}", job_title=each["title"],
                team=cast.teams[each["team"]], country=each["country"], time_zone=TIME_ZONES[each["country"]],
                requester_type=each.get("type", "employee"), trainings=TRAININGS,
            )
            for each in plain["people"]
        ]
    )  # fmt: skip
    users = User.objects.bulk_create(
        [
            User(
                email=person.email, person=person, password=password,
                is_staff=any(role.split("@")[0] in deciding for role in each["roles"]),
                is_superuser="administrator" in each["roles"],
            )
            for each, person in zip(plain["people"], people, strict=True)
        ]
    )  # fmt: skip
    for each, user in zip(plain["people"], users, strict=True):
        cast.people[each["key"]] = user
        _tell_added(cast, user, chain, now)
    for each in plain["service_accounts"]:
        answers = cast.people[each["person"]].person
        cast.people[each["key"]] = User.objects.create(
            email=f"{each['key']}@{plain['mail_domain']}", person=answers, password=make_password(None),
            is_service_account=True,
        )  # fmt: skip
        chain.record(
            "person.changed", actor=cast.system, model=Person, row=answers.pk, at=now, fields=["service_account"],
            user=cast.people[each["key"]].pk,
        )  # fmt: skip


def _add_staff(cast: Cast, plain: dict[str, Any], chain: Chain, now: datetime) -> None:
    """Colleagues who asked in the past year: their accounts have no password."""
    firsts, lasts = plain["staff_first_names"], plain["staff_last_names"]
    names = [
        f"{first} {lasts[(index + 7 * lap) % len(lasts)]}" for lap in range(4) for index, first in enumerate(firsts)
    ]
    teams = [team for team, count in plain["staff_count"].items() for _ in range(count)]
    people = Person.objects.bulk_create(
        [
            Person(
                name=name, email=f"{name.lower().replace(' ', '.')}@{plain['mail_domain']}", job_title="Engineer",
                team=cast.teams[team], country=country, time_zone=TIME_ZONES[country], trainings=TRAININGS,
                wants_digest=False,
            )
            for name, team, country in zip(names, teams, ["IE", "SE", "CA"] * len(teams), strict=False)
        ]
    )  # fmt: skip
    unusable = make_password(None)
    users = User.objects.bulk_create([User(email=p.email, person=p, password=unusable) for p in people])
    for team, user in zip(teams, users, strict=True):
        cast.staff.setdefault(team, []).append(user)
        _tell_added(cast, user, chain, now)


def _tell_added(cast: Cast, user: User, chain: Chain, now: datetime) -> None:
    chain.record(
        "person.added", actor=cast.system, model=Person, row=user.person_id, at=now, user=user.pk,
        team=user.person.team_id,
    )  # fmt: skip


def _give_roles(cast: Cast, plain: dict[str, Any], chain: Chain, now: datetime) -> None:
    roles = {role.slug: role for role in Role.objects.all()}
    rows = []
    for each in (*plain["people"], *plain["service_accounts"]):
        for spelled in each["roles"]:
            slug, _, scope = spelled.partition("@")
            rows.append(
                RoleAssignment(
                    user=cast.people[each["key"]],
                    role=roles[slug],
                    team=None if scope in cast.projects else cast.teams[scope or ROOT],
                    project=cast.projects.get(scope),
                    valid_from=now,
                )
            )
    for team, users in cast.staff.items():
        rows += [
            RoleAssignment(user=user, role=roles["requester"], team=cast.teams[team], valid_from=now) for user in users
        ]
    for row in RoleAssignment.objects.bulk_create(rows):
        chain.record(
            "role.assigned", actor=cast.system, model=RoleAssignment, row=row.pk, at=now, role=row.role.slug,
            user=row.user_id, team=row.team_id, project=row.project_id,
        )  # fmt: skip


def _set_limits(cast: Cast, plain: dict[str, Any], chain: Chain, now: datetime) -> None:
    roles = {role.slug: role for role in Role.objects.all()}
    rows = ApprovalLimit.objects.bulk_create(
        [
            ApprovalLimit(
                role=roles[each["role"]], team=cast.teams[each["team"]],
                amount_micro_max=each["usd"] * MICRO_PER_UNIT, valid_from=now,
            )
            for each in plain["approval_limits"]
        ]
    )  # fmt: skip
    for row in rows:
        chain.record(
            "limit.set", actor=cast.system, model=ApprovalLimit, row=row.pk, at=now, role=row.role.slug,
            team=row.team_id, amount_micro_max=row.amount_micro_max, valid_from=now.isoformat(),
        )  # fmt: skip
