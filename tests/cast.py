"""The cast: alice asks, bob approves, carol owns the budget, dave is a stranger, grace governs, erin audits.

A small organisation with one team, one project, 20,000 USD on it, the shipped policies, and prices of its own that
make costs exact. Tests get it by the fixtures `cast` and `cast_today`: the rows lie in their database already.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from estimator.releases import publish_rows
from governance.domain.money.money import MICRO_PER_UNIT
from governance.domain.requests import kinds
from governance.models import (
    AcceptableUseStatement,
    AcceptableUseVersion,
    Acceptance,
    ApprovalStage,
    Budget,
    Grant,
    ModelLineage,
    Person,
    Project,
    Provider,
    ProvisioningRequest,
    Role,
    RoleAssignment,
    Team,
    User,
)
from governance.selectors.people.people import system_actor
from governance.services.money import budgets
from governance.services.requests import submission
from governance.services.rules import policies

NOW = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
PASSWORD = "cast-only-password"
ACCELERATOR = "h100-sxm5-80gb"
PRICE_USD = Decimal("1.00")


@dataclass
class Cast:
    """Accounts by name, and the places where they meet."""

    root: Team
    team: Team
    project: Project
    budget: Budget
    root_budget: Budget
    now: datetime
    users: dict[str, User] = field(default_factory=dict)

    def __getattr__(self, name: str) -> User:
        try:
            return self.__dict__["users"][name]
        except KeyError:
            raise AttributeError(name) from None


def assemble(*, budget_usd: int = 20_000, now: datetime = NOW) -> Cast:
    """Write the organisation into an installation as new. A test asks for `cast` instead: it costs nothing there."""
    system = system_actor()
    policies.install_shipped(actor=system, now=now)
    root = Team.objects.get(parent=None)
    team = add_team("research", root)
    project = Project.objects.create(slug="long-context", name="Long context", team=team, started_on=date(2026, 1, 5))
    Provider.objects.update_or_create(
        slug="coreweave",
        defaults={
            "name": "CoreWeave",
            "provider_type": "specialist",
            "hq_country": "US",
            "is_approved": True,
            "has_data_processing_agreement": True,
            "terms_reviewed_on": (now - timedelta(days=30)).date(),
        },
    )
    year = {"period_start": now - timedelta(days=30), "period_end": now + timedelta(days=335)}
    root_budget = budgets.create_budget(
        actor=system, slug="organisation", name="Organisation", limit_micro=1_000_000 * MICRO_PER_UNIT, team=root,
        now=now, **year,
    )  # fmt: skip
    budget = budgets.create_budget(
        actor=system, slug="long-context", name="Long context", limit_micro=budget_usd * MICRO_PER_UNIT,
        project=project, parent=root_budget, now=now, **year,
    )  # fmt: skip
    cast = Cast(root, team, project, budget, root_budget, now)
    for name, roles, scope in (
        ("alice", ["requester"], team),
        ("bob", ["team_lead", "infra_lead"], team),
        ("carol", ["budget_owner", "exec", "finance"], root),
        ("dave", [], None),
        ("grace", ["ai_governance", "policy_officer", "dpo"], root),
        ("erin", ["auditor"], root),
        ("frank", ["team_lead", "finance", "legal"], root),
        ("heidi", ["requester"], team),
    ):
        cast.users[name] = add_person(name, team=scope or root, roles=roles, scope=scope, now=now)
    # Beside the statement that the installation ships, which is in effect from its first start only.
    statement = AcceptableUseStatement.objects.create(slug="compute", name="House rules")
    AcceptableUseVersion.objects.create(
        statement=statement, number=1, text="Use compute for what you said.", clauses=[], digest="0" * 64,
        effective_from=now - timedelta(days=60), consent_due=now - timedelta(days=30),
    )  # fmt: skip
    accept_everything(*cast.users.values(), now=now)
    add_own_price(now=now)
    return cast


def accept_everything(*users: User, now: datetime = NOW) -> None:
    """Every acceptable-use statement is accepted, three weeks ago."""
    Acceptance.objects.bulk_create(
        Acceptance(version=version, person=user.person, user=user, accepted_at=now - timedelta(days=20))
        for version in AcceptableUseVersion.objects.all()
        for user in users
    )


def assemble_today() -> Cast:
    """The cast as of now."""
    return assemble(now=timezone.now())


def set_budget(cast: Cast, *, usd: int) -> Cast:
    """Give the project's budget another limit, as its owner would."""
    budgets.change_limit(
        budget_id=cast.budget.pk, actor=system_actor(), limit_micro=usd * MICRO_PER_UNIT, reason="for a test",
        now=cast.now,
    )  # fmt: skip
    cast.budget.refresh_from_db()
    return cast


def add_team(slug: str, parent: Team) -> Team:
    team = Team.objects.create(slug=slug, name=slug.replace("-", " ").capitalize(), parent=parent, cost_centre="4300")
    team.path = f"{parent.path}{team.pk}."
    team.save(update_fields=["path"])
    return team


def add_person(
    name: str, *, team: Team, roles: list[str] = (), scope: Team | Project | None = None, now: datetime = NOW
) -> User:
    person = Person.objects.create(
        name=name.capitalize(), email=f"{name}@example.com", team=team, country="IE", time_zone="Europe/Dublin"
    )
    user = User.objects.create_user(
        email=person.email, person=person, password=PASSWORD, is_staff=any(role != "requester" for role in roles)
    )
    for role in roles:
        RoleAssignment.objects.create(
            user=user,
            role=Role.objects.get(slug=role),
            team=scope if isinstance(scope, Team) else None,
            project=scope if isinstance(scope, Project) else None,
            valid_from=now - timedelta(days=90),
        )
    return user


def add_own_price(*, usd: Decimal = PRICE_USD, term: str = "on_demand", now: datetime = NOW) -> None:
    """A negotiated price, exact from a month ago on: 1 USD an hour makes 1,000 hours exactly 1,000 USD."""
    with transaction.atomic():
        publish_rows(
            {
                "prices": [
                    {
                        "slug": f"own-coreweave-{ACCELERATOR}-{term}",
                        "provider": "coreweave",
                        "accelerator": ACCELERATOR,
                        "price_term": term,
                        "usd_per_gpu_hour": usd,
                        "as_of": (now - timedelta(days=30)).date(),
                        "effective_from": (now - timedelta(days=30)).date(),
                        "is_own": True,
                        "source": "negotiated price, for tests",
                        "licence": "own",
                    }
                ]
            },
            note="own price for tests",
            now=now,
        )


def content(**changes: Any) -> dict[str, Any]:
    """A request for exactly 1,000 GPU-hours at 1 USD: valid, small, and allowed unless a change says otherwise."""
    return {
        "title": "Ablations",
        "kind": "new",
        "project": "long-context",
        "workload": "lease",
        "sizing": "cap",
        "work": {},
        "accelerator": ACCELERATOR,
        "accelerator_count": 8,
        "gpu_hours_cap": 1000.0,
        "provider": "coreweave",
        "region": None,
        "country": "SE",
        "price_term": "on_demand",
        "start_on": NOW.date().isoformat(),
        "end_on": (NOW.date() + timedelta(days=13)).isoformat(),
        "purpose": "research",
        "data_class": "internal",
        "exposure_of_output": "internal",
        "justification": "Compare two attention variants at equal compute.",
        "access_countries": ["IE"],
    } | changes


def reviewed(**changes: Any) -> dict[str, Any]:
    """The same request, of a size that a team lead decides: more accelerators than are allowed without a person."""
    return content(**{"accelerator_count": 16} | changes)


def submitted(cast: Cast, *, who: str = "alice", now: datetime = NOW, **changes: Any) -> ProvisioningRequest:
    """A request that people have to decide."""
    return submission.create_and_submit(actor=cast.users[who], content=reviewed(**changes), now=now)


def offer_every_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if every kind of request were carried out: how a stored request of each is read and judged."""
    for kind in kinds.KINDS:
        monkeypatch.setitem(kinds._BY_SLUG, kind.slug, replace(kind, on_approval=kinds.Approval.ISSUE))


def open_stage(request: ProvisioningRequest, role: str | None = None) -> ApprovalStage:
    stages = ApprovalStage.objects.filter(provisioning_request=request, state="open").select_related("revision", "role")
    return stages.get(role__slug=role) if role else stages.get()


def granted_elsewhere(cast: Cast, *, now: datetime = NOW) -> Grant:
    """A well used grant of judy's, in a team, a project and with a lineage of which the cast of the team sees nothing.

    Slugs: `vision`, `sharp-eyes`, `aurora`.
    """
    team = add_team("vision", cast.root)
    project = Project.objects.create(slug="sharp-eyes", name="Sharp eyes", team=team, started_on=now.date())
    judy = cast.users["judy"] = add_person("judy", team=team, roles=["requester"], scope=team, now=now)
    Acceptance.objects.bulk_create(
        Acceptance(version=version, person=judy.person, user=judy, accepted_at=now - timedelta(days=20))
        for version in AcceptableUseVersion.objects.all()
    )
    ModelLineage.objects.create(
        slug="aurora", name="Aurora of the eyes", owner=judy.person, project=project, direct_flop_p50=9.4e24,
        direct_flop_p90=1.2e25, cumulative_flop_p50=9.4e24, cumulative_flop_p90=1.2e25,
    )  # fmt: skip
    days = {"start_on": now.date().isoformat(), "end_on": (now.date() + timedelta(days=13)).isoformat()}
    asked = content(project=project.slug, title="Secret work", gpu_hours_cap=1_234.0, **days)
    request = submission.create_and_submit(actor=judy, content=asked, now=now)
    Grant.objects.filter(provisioning_request=request).update(utilisation_28d=0.8, gpu_hours_used=1_200.0)
    return Grant.objects.get(provisioning_request=request)
