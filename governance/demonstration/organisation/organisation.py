"""Founds the organisation: teams, projects, people with accounts and roles, approval limits."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.hashers import make_password

from governance.demonstration import data
from governance.demonstration.calendar import FOUNDED_DAYS, Calendar
from governance.demonstration.organisation.cast import Cast
from governance.demonstration.organisation.world import within
from governance.domain.money.money import MICRO_PER_UNIT
from governance.models import Role, Team, User
from governance.selectors.people.people import system_actor
from governance.services.approvals import limits
from governance.services.messages import digests
from governance.services.people import people, roles

PASSWORD = "comptroller-demo"  # printed beside the accounts: it protects nothing
ROOT = "organisation"
TIME_ZONES = {"IE": "Europe/Dublin", "SE": "Europe/Stockholm", "CA": "America/Toronto"}
TRAININGS = ["acceptable use", "export control"]


def found(calendar: Calendar) -> Cast:
    """Add everybody and everything that requests refer to, on the day the organisation was founded."""
    plain = data.read("organisation")
    cast = Cast(calendar=calendar, system=system_actor())
    now = calendar.founded
    _add_teams(cast, plain, now)
    _add_projects(cast, plain, now)
    _add_people(cast, plain, now)
    _add_staff(cast, plain, now)
    _give_roles(cast, plain, now)
    _set_limits(cast, plain, now)
    return cast


def tour() -> list[str]:
    """The addresses of the few accounts with which a newcomer sees everything, in order."""
    plain = data.read("organisation")
    return [f"{key}@{plain['mail_domain']}" for key in plain["tour"]]


def _add_teams(cast: Cast, plain: dict[str, Any], now: datetime) -> None:
    root = Team.objects.get(parent=None)
    cast.teams[ROOT] = within(people.change_team, actor=cast.system, team_id=root.pk, name=plain["name"], now=now)
    for team in plain["teams"]:
        cast.teams[team["slug"]] = within(
            people.create_team, actor=cast.system, parent=cast.teams[ROOT], now=now, **team
        )


def _add_projects(cast: Cast, plain: dict[str, Any], now: datetime) -> None:
    founded_on = cast.calendar.day(-FOUNDED_DAYS)
    for part in ("projects", "everyday_projects"):
        for team, names in plain[part].items():
            for slug, name in names.items():
                cast.projects[slug] = within(
                    people.create_project, actor=cast.system, slug=slug, name=name, team=cast.teams[team],
                    started_on=founded_on, now=now,
                )  # fmt: skip
    cast.everyday = {
        team: [cast.projects[slug] for slug in names] for team, names in plain["everyday_projects"].items()
    }


def _add_people(cast: Cast, plain: dict[str, Any], now: datetime) -> None:
    deciding = set(Role.objects.filter(may_approve=True).values_list("slug", flat=True))
    deciding |= {"auditor", "policy_officer", "catalogue_editor", "administrator"}
    # No service sets a password but by a link to its owner. One hash for all: everybody's is the same printed word.
    password = make_password(PASSWORD)
    for each in plain["people"]:
        user: User = within(
            people.add_person, actor=cast.system, name=each["name"], email=f"{each['key']}@{plain['mail_domain']}",
            job_title=each["title"], team=cast.teams[each["team"]], country=each["country"],
            time_zone=TIME_ZONES[each["country"]], requester_type=each.get("type", "employee"), trainings=TRAININGS,
            is_staff=any(role.split("@")[0] in deciding for role in each["roles"]), now=now,
        )  # fmt: skip
        user.password, user.is_superuser = password, "administrator" in each["roles"]
        user.save(update_fields=["password", "is_superuser"])
        cast.people[each["key"]] = user
    for each in plain["service_accounts"]:
        cast.people[each["key"]] = within(
            people.add_service_account, actor=cast.system, person=cast.people[each["person"]].person,
            email=f"{each['key']}@{plain['mail_domain']}", now=now,
        )  # fmt: skip


def _add_staff(cast: Cast, plain: dict[str, Any], now: datetime) -> None:
    """Colleagues who requested in the past year: their accounts have no password, and they read no morning mail."""
    firsts, lasts = plain["staff_first_names"], plain["staff_last_names"]
    names = [
        f"{first} {lasts[(index + 7 * lap) % len(lasts)]}" for lap in range(4) for index, first in enumerate(firsts)
    ]
    teams = [team for team, count in plain["staff_count"].items() for _ in range(count)]
    for name, team, country in zip(names, teams, ["IE", "SE", "CA"] * len(teams), strict=False):
        user = within(
            people.add_person, actor=cast.system, name=name,
            email=f"{name.lower().replace(' ', '.')}@{plain['mail_domain']}", job_title="Engineer",
            team=cast.teams[team], country=country, time_zone=TIME_ZONES[country], trainings=TRAININGS, now=now,
        )  # fmt: skip
        within(digests.choose, actor=user, wants_digest=False, now=now)
        cast.staff.setdefault(team, []).append(user)


def _give_roles(cast: Cast, plain: dict[str, Any], now: datetime) -> None:
    by_slug = {role.slug: role for role in Role.objects.all()}
    for each in (*plain["people"], *plain["service_accounts"]):
        for spelled in each["roles"]:
            slug, _, scope = spelled.partition("@")
            within(
                roles.assign_role, actor=cast.system, user=cast.people[each["key"]], role=by_slug[slug],
                team=None if scope in cast.projects else cast.teams[scope or ROOT], project=cast.projects.get(scope),
                now=now,
            )  # fmt: skip
            if slug == "team_lead":
                cast.leads[scope] = cast.people[each["key"]]
    for team, users in cast.staff.items():
        for user in users:
            within(
                roles.assign_role, actor=cast.system, user=user, role=by_slug["requester"], team=cast.teams[team],
                now=now,
            )  # fmt: skip


def _set_limits(cast: Cast, plain: dict[str, Any], now: datetime) -> None:
    by_slug = {role.slug: role for role in Role.objects.all()}
    for each in plain["approval_limits"]:
        within(
            limits.set_limit, actor=cast.system, role=by_slug[each["role"]], team=cast.teams[each["team"]],
            amount_micro_max=each["usd"] * MICRO_PER_UNIT, now=now,
        )  # fmt: skip
