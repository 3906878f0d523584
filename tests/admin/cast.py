"""The people of the desk's tests and their teams, written straight into the tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from governance.models import Budget, Person, Project, Provider, Role, RoleAssignment, Team, User
from governance.selectors.people.people import system_actor
from governance.services.money import budgets

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
USD = 1_000_000


@dataclass
class Cast:
    """Alice asks, Bob leads the team, Carol owns the budget, Dave is elsewhere, Grace governs, Erin audits."""

    root: Team
    research: Team
    other: Team
    project: Project
    elsewhere: Project
    budget: Budget
    people: dict[str, User]

    def __getattr__(self, name: str) -> User:
        try:
            return self.__dict__["people"][name]
        except KeyError:
            raise AttributeError(name) from None


def make_cast() -> Cast:
    """The organisation, a team with a project and a budget, a team elsewhere, and who is what."""
    root = Team.objects.get(parent=None)
    research = make_team("research", root)
    other = make_team("other", root)
    project = Project.objects.create(slug="long-context", name="Long context", team=research, started_on=NOW.date())
    elsewhere = Project.objects.create(slug="vision", name="Vision", team=other, started_on=NOW.date())
    people = {
        name: make_user(name, team)
        for name, team in (
            ("alice", research), ("bob", research), ("carol", research), ("dave", other), ("grace", root),
            ("erin", root), ("ada", root), ("finn", root), ("cate", root), ("pia", root), ("vic", root),
        )
    }  # fmt: skip
    for name, role, team in (
        ("alice", "requester", research), ("bob", "team_lead", research), ("carol", "budget_owner", research),
        ("dave", "team_lead", other), ("grace", "ai_governance", root), ("erin", "auditor", root),
        ("ada", "administrator", root), ("finn", "finance", root), ("cate", "catalogue_editor", root),
        ("pia", "policy_officer", root), ("vic", "vendor_manager", root), ("dave", "requester", other),
    ):  # fmt: skip
        give(people[name], role, team)
    people["root"] = User.objects.create_superuser(email="root@example.org", password="correct horse battery")
    start, end = NOW - timedelta(days=180), NOW + timedelta(days=365)
    top = budgets.create_budget(
        actor=system_actor(), slug="all", name="Organisation", limit_micro=1_000_000 * USD, period_start=start,
        period_end=end, now=NOW, team=root,
    )  # fmt: skip
    budget = budgets.create_budget(
        actor=system_actor(), slug="research", name="Research", limit_micro=200_000 * USD, period_start=start,
        period_end=end, now=NOW, team=research, parent=top,
    )  # fmt: skip
    return Cast(root, research, other, project, elsewhere, budget, people)


def make_team(slug: str, parent: Team) -> Team:
    team = Team.objects.create(slug=slug, name=slug.title(), parent=parent, cost_centre="4300")
    team.path = f"{parent.path}{team.pk}."
    team.save(update_fields=["path"])
    return team


def make_user(name: str, team: Team, *, is_staff: bool = True) -> User:
    person = Person.objects.create(name=name.title(), email=f"{name}@example.org", team=team, country="IE")
    return User.objects.create_user(
        email=f"{name}@example.org", person=person, password="correct horse battery", is_staff=is_staff
    )


def give(user: User, role: str, team: Team) -> RoleAssignment:
    return RoleAssignment.objects.create(
        user=user, role=Role.objects.get(slug=role), team=team, valid_from=NOW - timedelta(days=30)
    )


def make_provider() -> Provider:
    return Provider.objects.create(
        slug="coreweave", name="CoreWeave", provider_type="specialist", hq_country="US", is_approved=True,
        has_data_processing_agreement=True, terms_reviewed_on=NOW.date() - timedelta(days=30),
    )  # fmt: skip
