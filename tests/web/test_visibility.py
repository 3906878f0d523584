"""Every reading page as everybody: what one may not see looks exactly like what does not exist."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from governance.models import Grant, ProvisioningRequest
from governance.services.requests import drafts
from governance.web import pages_urls
from tests.cast import Cast, add_person, add_team
from tests.web import reading

# Owner, lead of her team, a stranger, the auditor, a lead of another team.
DATA = {"text": "A remark", "reason": "Not needed"}
EVERYONE = dict.fromkeys(("alice", "bob", "dave", "erin", "judy"), 200)
OWN_AND_ABOVE = {"alice": 200, "bob": 200, "dave": 404, "erin": 200, "judy": 404}
LEADS_AND_ABOVE = {"alice": 404, "bob": 200, "dave": 404, "erin": 200, "judy": 404}
OWNER_ONLY_POST = {"alice": 302, "bob": 403, "dave": 404, "erin": 403, "judy": 404}

# route -> (method, status per person); the answer to nobody is the sign-in page.
MATRIX: dict[str, tuple[str, dict[str, int]]] = {
    "home": ("get", EVERYONE),
    "request_list": ("get", EVERYONE),
    "grant_list": ("get", EVERYONE),
    "budget_list": ("get", EVERYONE),
    "catalogue": ("get", EVERYONE),
    "estimator": ("get", EVERYONE),
    "reports": ("get", EVERYONE),
    "acceptable_use": ("get", EVERYONE),
    "search": ("get", EVERYONE),
    "notifications": ("get", EVERYONE),
    "request_detail": ("get", OWN_AND_ABOVE),
    "request_withdraw": ("post", OWNER_ONLY_POST),
    "request_discard": ("post", OWNER_ONLY_POST),
    "request_clone": ("post", {"alice": 302, "bob": 302, "dave": 404, "erin": 302, "judy": 404}),
    "request_comment": ("post", {"alice": 302, "bob": 302, "dave": 404, "erin": 302, "judy": 404}),
    "grant_detail": ("get", OWN_AND_ABOVE),
    "grant_return": ("post", OWNER_ONLY_POST),
    "budget_detail": ("get", LEADS_AND_ABOVE),
}
OPEN_TO_ALL = {"login", "logout"}


@dataclass
class World:
    cast: Cast
    request: ProvisioningRequest
    draft: ProvisioningRequest
    grant: Grant

    def address(self, route: str) -> str:
        if route == "budget_detail":
            return reverse("web:budget_detail", args=["long-context"])
        if route == "request_discard":
            return reverse("web:request_discard", args=[self.draft.number])
        if route.startswith("request_") and route != "request_list":
            return reverse(f"web:{route}", args=[self.request.number])
        if route in ("grant_detail", "grant_return"):
            return reverse(f"web:{route}", args=[self.grant.number])
        return reverse(f"web:{route}")


@pytest.fixture
def world(cast: Cast) -> World:
    other = add_team("vision", cast.root)
    cast.users["judy"] = add_person("judy", team=other, roles=["team_lead"], scope=other, now=timezone.now())
    grant = reading.granted(cast)
    request = reading.waiting(cast)
    return World(cast, request, reading.draft(cast, title="Half", project="long-context"), grant)


def test_the_matrix_covers_every_reading_page() -> None:
    assert set(MATRIX) | OPEN_TO_ALL == {pattern.name for pattern in pages_urls.urlpatterns}


def answers(world: World, route: str) -> dict[str, int]:
    """Status per person; the owner last, since only they change something."""
    method, expected = MATRIX[route]
    found = {}
    for name in sorted(expected, key=lambda name: (name == "alice", name)):
        client = Client()
        client.force_login(world.cast.users[name])
        found[name] = getattr(client, method)(world.address(route), DATA).status_code
    return found


def test_every_page_to_read_answers_each_person_as_it_should(world: World) -> None:
    reading_routes = [route for route in MATRIX if MATRIX[route][0] == "get"]
    found = {route: answers(world, route) for route in reading_routes}
    assert found == {route: MATRIX[route][1] for route in reading_routes}


@pytest.mark.parametrize("route", sorted(route for route in MATRIX if MATRIX[route][0] == "post"))
def test_every_step_answers_each_person_as_it_should(world: World, route: str) -> None:
    assert answers(world, route) == MATRIX[route][1]


def test_nobody_in_particular_is_sent_to_sign_in(world: World) -> None:
    for route, (method, _) in MATRIX.items():
        answer = getattr(Client(), method)(world.address(route), DATA)
        assert answer.status_code == 302, route
        assert answer["Location"].startswith(reverse("web:login")), route


def test_asking_once_more_is_shown_without_changing_anything(world: World, browser_of: Callable[[str], Client]) -> None:
    for route in ("request_withdraw", "request_discard", "grant_return"):
        assert browser_of("alice").get(world.address(route)).status_code == 200
    world.request.refresh_from_db()
    world.draft.refresh_from_db()
    world.grant.refresh_from_db()
    assert (world.request.state, world.draft.state, world.grant.state) == ("in_review", "draft", "active")


def test_what_changes_something_does_not_answer_a_get(world: World, browser_of: Callable[[str], Client]) -> None:
    for route in ("request_clone", "request_comment"):
        assert browser_of("alice").get(world.address(route)).status_code == 405


def test_missing_and_forbidden_look_the_same(world: World, browser_of: Callable[[str], Client]) -> None:
    dave = browser_of("dave")
    forbidden = dave.get(world.address("request_detail"))
    missing = dave.get(reverse("web:request_detail", args=[987_654]))
    assert forbidden.status_code == missing.status_code == 404
    assert _without_token(forbidden.content) == _without_token(missing.content)


def test_a_number_that_no_row_can_have_is_not_found(cast: Cast, browser_of: Callable[[str], Client]) -> None:
    erin = browser_of("erin")
    for number in ("0", "4294967296", "99999999999999999999"):
        for kind in ("requests", "grants"):
            assert erin.get(f"/{kind}/{number}/").status_code == 404


def test_a_change_needs_the_token_of_its_form(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.cast.alice)
    answer = client.post(world.address("request_withdraw"), {"reason": ""})
    assert answer.status_code == 403
    assert "open for too long" in answer.content.decode()
    world.request.refresh_from_db()
    assert world.request.state == "in_review"


def test_lists_and_search_name_nothing_that_is_not_visible(world: World, browser_of: Callable[[str], Client]) -> None:
    secret = drafts.create_draft(
        actor=world.cast.alice, content={"title": "Zephyr", "project": "long-context"}, now=timezone.now()
    )
    dave, alice = browser_of("dave"), browser_of("alice")
    for address in ("/", "/requests/", "/requests/?q=Zephyr", "/search/?q=Zephyr", f"/search/?q={secret.reference}"):
        assert "Zephyr</a>" not in dave.get(address).content.decode()
    assert "Zephyr</a>" in alice.get("/search/?q=Zephyr").content.decode()


def _without_token(content: bytes) -> list[str]:
    return [line for line in content.decode().splitlines() if "csrfmiddlewaretoken" not in line]
