"""Asking the rules through the API: nothing is written, and what cannot be is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from governance.models import AuditEvent, User
from governance.policy.bundle.shipped import shipped_text
from governance.services.rules import policies
from tests.cast import Cast, submitted

pytestmark = pytest.mark.django_db

Clients = Callable[[User | None], APIClient]
JUDGE, REPLAY = "/api/v1/policies/judge/", "/api/v1/policies/replay/"


def test_facts_are_judged_with_reasons_and_a_way_out(cast: Cast, client_of: Clients) -> None:
    grace = client_of(cast.grace)
    plain = grace.post(JUDGE, {"facts": {}}, format="json").json()
    assert (plain["decision"]["outcome"], plain["nearest"]) == ("allow", None)
    dear = grace.post(JUDGE, {"facts": {"request.exposure_usd": 9_000.0}}, format="json").json()
    assert dear["decision"]["outcome"] == "review"
    assert "AL-2" in [each["rule_id"] for each in dear["reasons"]]
    assert all(each["because"] for each in dear["reasons"])
    assert dear["nearest"]["outcome"] == "allow"


def test_a_draft_is_asked_in_the_place_of_what_rules(cast: Cast, client_of: Clients) -> None:
    text = shipped_text("approval-limits").replace("{value: 2500.0,", "{value: 800.0,")
    draft = policies.import_version(source=text, actor=cast.grace, now=timezone.now())
    events = AuditEvent.objects.count()
    grace = client_of(cast.grace)
    asked = {"facts": {"request.exposure_usd": 1_000.0, "history.similar_exposure_30d_usd": 1_000.0}}
    assert grace.post(JUDGE, asked, format="json").json()["decision"]["outcome"] == "allow"
    under = grace.post(JUDGE, asked | {"version": draft.pk}, format="json").json()
    assert under["decision"]["outcome"] == "review"
    changes = grace.get(f"/api/v1/policies/versions/{draft.pk}/diff/").json()
    assert not changes["same"]
    assert {each["rule_id"] for each in changes["differences"]} == {"AL-1", "AL-2"}
    assert changes["to_digest"] == under["policy_digest"]
    assert AuditEvent.objects.count() == events


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "facts"),
        ({"facts": {"request.gpucount": 1}}, "facts"),
        ({"facts": {"request.exposure_usd": "a lot"}}, "facts"),
        ({"facts": {"request.exposure_usd": -1.0}}, "facts"),
        ({"facts": {"request.purpose": {"a": 1}}}, "facts"),
        ({"facts": {}, "version": 0}, "version"),
        ({"facts": {}, "more": 1}, "more"),
    ],
)
def test_what_cannot_be_judged_names_its_field(
    cast: Cast, client_of: Clients, body: dict[str, Any], field: str
) -> None:
    answer = client_of(cast.grace).post(JUDGE, body, format="json")
    assert answer.status_code == 400
    assert any(name.startswith(field) for name in answer.json()["errors"]), answer.json()


def test_decisions_are_replayed_for_those_who_audit(cast: Cast, client_of: Clients) -> None:
    submitted(cast, now=timezone.now(), start_on=timezone.now().date().isoformat(), end_on=None)
    found = client_of(cast.erin).post(REPLAY, {"limit": 10}, format="json").json()
    assert found == {"replayed": 1, "unknown_rules": 0, "differences": []}
    assert client_of(cast.grace).post(REPLAY, {"limit": 501}, format="json").status_code == 400
    assert client_of(cast.bob).post(REPLAY, {}, format="json").status_code == 403


def test_a_requester_asks_no_rules_and_a_missing_version_is_not_found(cast: Cast, client_of: Clients) -> None:
    assert client_of(cast.alice).post(JUDGE, {"facts": {}}, format="json").status_code == 403
    assert client_of(cast.grace).post(JUDGE, {"facts": {}, "version": 2**63 - 1}, format="json").status_code == 404
    assert client_of(cast.grace).get("/api/v1/policies/versions/99999/diff/").status_code == 404
