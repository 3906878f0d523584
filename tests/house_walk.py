"""How an empty installation becomes one that grants: each step is a page of the desk, filled in as a person would."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.test import Client

from governance.models import Budget, Person, Project, Provider, Role, Team, User

DESK = "/admin/governance/"
OWNER_EMAIL = "first@example.org"
PASSWORD = "a first long password 9"


@dataclass
class Founder:
    """The superuser of a new installation, at the desk; nobody else is there yet."""

    desk: Client
    today: date
    made: dict[str, Any] = field(default_factory=dict)

    def post(self, path: str, **values: Any) -> str:
        """Fill in a form of the desk: it has to be there, and to be accepted."""
        assert self.desk.get(path).status_code == 200, path
        answer = self.desk.post(path, values)
        assert answer.status_code == 302, f"{path}: {refusals(answer.content.decode())}"
        return str(answer["Location"])

    def set_up(self) -> None:
        """Team, project, people and their roles, a provider with a price, and budgets."""
        root = Team.objects.get(parent=None)
        self.post(f"{DESK}team/create/", name="Research", slug="research", parent=root.pk)
        team = Team.objects.get(slug="research")
        self.post(f"{DESK}project/create/", name="First model", slug="first-model", team=team.pk)
        project = Project.objects.get()
        for name in ("ada", "ben"):
            self.post(
                f"{DESK}person/add-person/", name=name.title(), email=f"{name}@example.org", team=team.pk,
                country="IE", requester_type="employee", time_zone="Europe/Dublin",
            )  # fmt: skip
        for name, role in (("ada", "requester"), ("ben", "team_lead")):
            self.post(
                f"{DESK}roleassignment/give/", user=account(name).pk, role=Role.objects.get(slug=role).pk, team=team.pk
            )
        self.post(
            f"{DESK}provider/register/", slug="coreweave", name="CoreWeave", provider_type="specialist", hq_country="US"
        )
        provider = Provider.objects.get(slug="coreweave")
        self.post(
            f"{DESK}provider/{provider.pk}/edit/", name="CoreWeave", provider_type="specialist", hq_country="US",
            is_approved="on", has_data_processing_agreement="on", terms_reviewed_on=self.today.isoformat(),
        )  # fmt: skip
        self.post(
            "/admin/estimator/priceoffer/own/", provider="coreweave", accelerator="h100-sxm5-80gb",
            price_term="on_demand", usd_per_gpu_hour="1.00", effective_from=self.today.isoformat(), source="contract",
        )  # fmt: skip
        year = {
            "period_start": date(self.today.year, 1, 1).isoformat(),
            "period_end": date(self.today.year + 1, 1, 1).isoformat(),
        }
        self.post(f"{DESK}budget/create/", name="All", slug="all", team=root.pk, limit_micro="1,000,000", **year)
        self.post(
            f"{DESK}budget/create/", name="First model", slug="first-model", project=project.pk,
            parent=Budget.objects.get(slug="all").pk, limit_micro="200,000", **year,
        )  # fmt: skip

    def content(self, **changes: Any) -> dict[str, Any]:
        """A small request, such as a first one is."""
        return {
            "title": "First ablations", "kind": "new", "project": "first-model", "workload": "lease", "sizing": "cap",
            "work": {}, "accelerator": "h100-sxm5-80gb", "accelerator_count": 8, "gpu_hours_cap": 1000.0,
            "provider": "coreweave", "country": "SE", "price_term": "on_demand",
            "start_on": self.today.isoformat(), "end_on": (self.today + timedelta(days=13)).isoformat(),
            "purpose": "research", "data_class": "internal", "exposure_of_output": "internal",
            "justification": "Compare two attention variants at equal compute.",
        } | changes  # fmt: skip


def account(name: str) -> User:
    return User.objects.get(email=f"{name}@example.org")


def found(today: date) -> Founder:
    """A new installation after `createsuperuser`, its first person signed in at the desk."""
    user = User.objects.create_superuser(OWNER_EMAIL, PASSWORD)
    desk = Client()
    desk.force_login(user)
    assert Person.objects.exclude(users__email=OWNER_EMAIL).count() == 1, "only the product's own account is there"
    return Founder(desk, today)


def refusals(page: str) -> str:
    """What a form says against what was typed."""
    found = re.findall(r'class="(?:errorlist|error-message|errors|field-error)[^"]*"[^>]*>(.*?)</', page, re.DOTALL)
    return " | ".join(" ".join(re.sub(r"<[^>]+>", " ", each).split()) for each in found) or page[-1500:]
