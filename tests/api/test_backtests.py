"""Backtests over the API: who may, what comes back, and refusals as problem documents."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from governance.models import PolicyBacktest, PolicyVersion, User
from governance.services.rules import backtests
from tests.cast import Cast

PLACE = "/api/v1/policies/backtests/"
ClientOf = Callable[[User | None], APIClient]


@pytest.fixture
def version() -> int:
    return PolicyVersion.objects.get(policy_set__slug="approval-limits").pk


def test_ask_follow_and_read(cast: Cast, client_of: ClientOf, ask: Callable[..., dict], version: int) -> None:
    assert client_of(cast.alice).post("/api/v1/requests/", {"content": ask(), "submit": True}).status_code == 201
    client = client_of(cast.grace)
    asked = client.post(PLACE, {"version": version})
    assert asked.status_code == 201
    assert asked.data["progress"] == {"months": 1, "judged": 0, "decisions": 0}
    again = client.post(PLACE, {"version": version})
    assert (again.status_code, again.data["id"]) == (200, asked.data["id"])
    backtests.run_due(clock=timezone.now)
    found = client.get(f"{PLACE}{asked.data['id']}/")
    assert found.data["state"] == "done"
    assert found.data["result"]["pairs"] == {"allow>allow": {"count": 1}}
    assert client.get(PLACE).data["results"][0]["flipped"] == 0


def test_cancel_stops_it_and_twice_changes_nothing(cast: Cast, client_of: ClientOf, version: int) -> None:
    client = client_of(cast.grace)
    place = f"{PLACE}{client.post(PLACE, {'version': version}).data['id']}/cancel/"
    for _ in range(2):
        response = client.post(place)
        assert (response.status_code, response.data["state"]) == (200, "cancelled")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400), ({"version": 0}, 400), ({"version": "x"}, 400), ({"version": 2**62}, 404), ({"version": 2**70}, 400),
        ({"version": 1, "since": "soon"}, 400), ({"version": 1, "since": "2999-01-01T00:00:00Z"}, 400),
        ({"version": 1, "sinse": None}, 400),
    ],
)  # fmt: skip
def test_bad_input_is_a_problem_document(
    cast: Cast, client_of: ClientOf, version: int, body: dict, status: int
) -> None:
    if body.get("version") == 1:
        body = body | {"version": version}
    response = client_of(cast.grace).post(PLACE, body)
    assert response.status_code == status
    assert response["Content-Type"].startswith("application/problem+json")
    assert not PolicyBacktest.objects.exists()


def test_only_officers_ask_and_only_readers_see(cast: Cast, client_of: ClientOf, version: int) -> None:
    number = client_of(cast.grace).post(PLACE, {"version": version}).data["id"]
    places = (PLACE, f"{PLACE}{number}/")
    for who in (cast.alice, cast.bob):
        client = client_of(who)
        assert [client.get(place).status_code for place in places] == [404, 404]
        assert client.post(PLACE, {"version": version}).status_code == 403
        assert client.post(f"{PLACE}{number}/cancel/").status_code == 404
    auditor = client_of(cast.erin)
    assert [auditor.get(place).status_code for place in places] == [200, 200]
    assert auditor.post(f"{PLACE}{number}/cancel/").status_code == 403
    assert [client_of(None).get(place).status_code for place in places] == [401, 401]
    assert client_of(cast.grace).get(f"{PLACE}{2**70}/").status_code == 404
