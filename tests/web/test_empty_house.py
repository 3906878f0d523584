"""An empty house up to its first granted request: set up at the desk, asked for on the form and over the API."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from governance.models import AcceptableUseVersion, Grant, ProvisioningRequest, Team
from tests.house import broken_promises
from tests.house_walk import Founder, account, found

pytestmark = pytest.mark.django_db


@pytest.fixture
def founder(db: None) -> Founder:
    return found(timezone.now().date())


def browser_of(name: str) -> Client:
    client = Client()
    client.force_login(account(name))
    return client


def accept_all(browser: Client) -> None:
    """Acceptable use is accepted on its page, where the refusal leads."""
    for version in AcceptableUseVersion.objects.all():
        assert browser.post(reverse("web:acceptable_use"), {"version": version.pk}).status_code == 302


def test_every_page_of_an_empty_house_opens(founder: Founder) -> None:
    for name in ("home", "request_list", "request_new", "grant_list", "budget_list", "catalogue", "estimator",
                 "reports", "acceptable_use", "notifications", "search"):  # fmt: skip
        assert founder.desk.get(reverse(f"web:{name}")).status_code == 200, name
    index = founder.desk.get(reverse("admin:index"), follow=True)
    assert index.status_code == 200
    for path in sorted(set(_links(index.content.decode()))):
        assert founder.desk.get(path).status_code == 200, path


def _links(page: str) -> list[str]:
    return re.findall(r'href="(/admin/[a-z_/]+/)"', page)


def test_the_form_says_what_is_missing_and_never_fails(founder: Founder) -> None:
    answer = founder.desk.post(
        reverse("web:request_new"),
        {"step": "workload", "action": "continue", "title": "First", "workload": "lease", "sizing": "cap"},
    )
    assert answer.status_code in (200, 302, 400)
    assert b"project" in founder.desk.get(reverse("web:request_new")).content.lower()


def test_an_empty_house_grants_its_first_request_over_the_api(founder: Founder) -> None:
    founder.set_up()
    assert Team.objects.get(slug="research").cost_centre is None
    browser, api = browser_of("ada"), "/api/v1/requests/"
    made = browser.post("/api/v1/tokens/", {"days": 7, "scopes": ["read", "request"]}, content_type="application/json")
    assert made.status_code == 201, made.content
    ada = Client(headers={"Authorization": f"Token {made.json()['token']}"})
    body = {"content": founder.content(), "submit": True}
    # Before the statement is accepted, the refusal says so and nothing is granted.
    early = ada.post(api, body, content_type="application/json")
    assert (early.status_code, early.json()["state"]) == (201, "denied"), early.content[:600]
    assert not Grant.objects.exists()
    accept_all(browser)
    shown = ada.post(f"{api}preview/", {"content": founder.content()}, content_type="application/json").json()
    assert (shown["outcome"], shown["unread"]) == ("allow", []), shown
    made = ada.post(api, body, content_type="application/json")
    assert (made.status_code, made.json()["state"]) == (201, "granted"), made.content[:600]
    assert "budget.cost_centre" not in ProvisioningRequest.objects.latest("pk").revisions.get().assessments.get().facts
    assert Grant.objects.get().cost_cap_micro == 1_000_000_000
    assert broken_promises() == []


def test_what_a_person_decides_first_is_granted_too(founder: Founder) -> None:
    founder.set_up()
    ada, ben = browser_of("ada"), browser_of("ben")
    accept_all(ada)
    made = ada.post(
        "/api/v1/requests/",
        {"content": founder.content(accelerator_count=16), "submit": True},
        content_type="application/json",
    ).json()
    assert made["state"] == "in_review", made
    (stage,) = made["stages"]
    assert ben.get(reverse("admin:decide", args=[stage["id"]])).status_code == 200
    said = ben.post(
        f"/api/v1/stages/{stage['id']}/decide/",
        {"verdict": "approve", "reason": "A good first one.", "revision_digest": made["revision"]["digest"]},
        content_type="application/json",
    )
    assert said.status_code == 201, said.content[:600]
    assert ProvisioningRequest.objects.get().state == "granted"
