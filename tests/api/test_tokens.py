"""A token reaches as far as its scopes, lives no longer than its maker, and ends with password and account."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.urls import get_resolver
from django.utils import timezone
from rest_framework.test import APIClient

from governance.api.people.scopes import SCOPES
from governance.domain.people.scopes import Scope
from governance.models import Alert, ApiToken, AuditEvent, User
from governance.selectors.people.people import system_actor
from governance.services.people import credentials, people, tokens
from tests.cast import PASSWORD, Cast, add_person

pytestmark = pytest.mark.django_db

TOKENS = "/api/v1/tokens/"


def with_token(secret: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {secret}")
    return client


def made(user: User, *scopes: str, **options: Any) -> tuple[ApiToken, APIClient]:
    token, secret = tokens.make_token(actor=user, scopes=scopes or ("read",), now=timezone.now(), **options)
    return token, with_token(secret)


def views() -> dict[str, tuple[str, type]]:
    """Name of each view of the API -> an address, and its class."""
    found = {}
    for pattern in next(p for p in get_resolver().url_patterns if str(p.pattern) == "api/v1/").url_patterns:
        route = str(pattern.pattern).replace("<str:token_key>", "abc")
        for name in (
            "number",
            "stage_id",
            "assessment_id",
            "version_id",
            "activation_id",
            "decision_id",
            "backtest_id",
        ):
            route = route.replace(f"<int:{name}>", "999999")
        found[pattern.callback.cls.__name__] = (f"/api/v1/{route}", pattern.callback.cls)
    return found


def test_every_call_has_a_scope_and_the_table_names_nothing_else() -> None:
    served = {
        name: {method.upper() for method in ("get", "post", "put", "patch", "delete") if hasattr(view, method)}
        for name, (_, view) in views().items()
    }
    assert {name: set(methods) for name, methods in SCOPES.items() if name != "SpectacularAPIView"} == served


@pytest.mark.parametrize("held", [*Scope])
def test_a_token_does_what_its_scope_covers_and_nothing_else(cast: Cast, held: Scope) -> None:
    _, client = made(cast.grace, held)
    for name, (address, view) in views().items():
        for method, needed in SCOPES[name].items():
            answer = client.generic(method, address, b"{}", content_type="application/json")
            refused = answer.status_code == 403 and answer.json()["code"] == "scope_missing"
            assert refused == (needed != held), (view.__name__, method, answer.content)
            if refused:
                assert f"`{needed}`" in answer.json()["detail"]


def test_what_is_not_in_the_table_is_refused(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    _, client = made(cast.alice, *Scope)
    assert client.get("/api/v1/grants/").status_code == 200
    monkeypatch.delitem(SCOPES, "GrantList")
    answer = client.get("/api/v1/grants/")
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


def test_scopes_add_nothing_to_what_the_account_may(cast: Cast, ask: Any) -> None:
    _, client = made(cast.alice, *Scope)
    assert client.get("/api/v1/decisions/").status_code == 403
    assert client.get("/api/v1/policies/versions/").status_code == 403
    assert client.post("/api/v1/requests/", {"content": ask(), "submit": True}).status_code == 201
    _, reading = made(cast.alice)
    assert reading.post("/api/v1/requests/", {"content": ask(), "submit": True}).status_code == 403


def test_the_schema_says_which_scope_each_call_takes(cast: Cast) -> None:
    _, client = made(cast.alice)
    document = client.get("/api/schema/", HTTP_ACCEPT="application/json").json()
    scopes = {
        (path, method): operation.get("x-required-scope")
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if path.startswith("/api/v1/")
    }
    assert None not in scopes.values()
    assert scopes["/api/v1/stages/{stage_id}/decide/", "post"] == "decide"
    assert "Token" in str(document["components"]["securitySchemes"])
    _, other = made(cast.alice, "request")
    assert other.get("/api/schema/").status_code == 403


def test_a_new_token_reads_unless_told_otherwise(cast: Cast, client_of: Any) -> None:
    answer = client_of(cast.alice).post(TOKENS, {"days": 7})
    assert answer.data["scopes"] == ["read"]
    assert with_token(answer.data["token"]).get("/api/v1/requests/").status_code == 200
    assert Alert.objects.get(kind="token_made").recipient == cast.alice.person
    event = AuditEvent.objects.latest("seq")
    assert (event.action, event.data["scopes"]) == ("account.token_made", ["read"])
    kept = f"{event.data} {Alert.objects.get(kind='token_made').payload}"
    assert answer.data["token"][:9] not in kept


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"scopes": []}, "scopes"), ({"scopes": ["everything"]}, "scopes"), ({"scopes": "read"}, "scopes"),
        ({"days": 0}, "days"), ({"days": 366}, "days"), ({"days": "1e999"}, "days"), ({"days": -1}, "days"),
        ({"account": "bob@example.com"}, "account"), ({"account": "nobody"}, "account"), ({"until": "2099"}, "until"),
    ],
)  # fmt: skip
def test_a_token_that_cannot_be_is_refused_by_field(cast: Cast, client_of: Any, body: dict, field: str) -> None:
    answer = client_of(cast.alice).post(TOKENS, body)
    assert answer.status_code == 400
    assert any(name.startswith(field) for name in answer.json()["errors"])
    assert not ApiToken.objects.exists()


def test_a_token_makes_none_that_live_longer_or_reach_further(cast: Cast) -> None:
    parent, client = made(cast.alice, "read", "admin", days=1)
    _, reading = made(cast.alice, "read", days=1)
    assert reading.post(TOKENS, {"days": 1}).status_code == 403
    assert "days" in client.post(TOKENS, {"days": 365}).json()["errors"]
    assert "scopes" in client.post(TOKENS, {"scopes": ["read", "decide"]}).json()["errors"]
    child = client.post(TOKENS, {"scopes": ["read", "admin"]})
    assert child.status_code == 201
    assert child.data["expires_at"] == parent.expiry
    grandchild = with_token(child.data["token"]).post(TOKENS, {})
    assert grandchild.data["expires_at"] == parent.expiry
    with time_machine.travel(timezone.now() + timedelta(hours=24, minutes=1), tick=False):
        for secret in (child.data["token"], grandchild.data["token"]):
            assert with_token(secret).get("/api/v1/requests/").status_code == 401


def test_tokens_end_with_the_one_that_made_them(cast: Cast, client_of: Any) -> None:
    parent, client = made(cast.alice, "read", "admin")
    child = client.post(TOKENS, {"scopes": ["read", "admin"]}).data
    grandchild = with_token(child["token"]).post(TOKENS, {}).data
    assert client_of(cast.alice).delete(f"{TOKENS}{parent.token_key}/").status_code == 204
    for secret in (child["token"], grandchild["token"]):
        assert with_token(secret).get("/api/v1/requests/").status_code == 401
    assert AuditEvent.objects.latest("seq").action == "account.token_ended"


def test_a_reading_token_ends_itself_and_no_other(cast: Cast, client_of: Any) -> None:
    first, client = made(cast.alice)
    second, _ = made(cast.alice)
    of_bob, _ = made(cast.bob)
    assert client.delete(f"{TOKENS}{second.token_key}/").status_code == 404
    assert client.delete(f"{TOKENS}{of_bob.token_key}/").status_code == 404
    assert client_of(cast.alice).delete(f"{TOKENS}{of_bob.token_key}/").status_code == 404
    assert client.delete(f"{TOKENS}{first.token_key}/").status_code == 204
    assert set(ApiToken.objects.all()) == {second, of_bob}


def change(cast: Cast, who: User, *, is_active: bool) -> None:
    ada = User.objects.filter(email="ada@example.com").first() or add_person(
        "ada", team=cast.root, roles=["administrator"], scope=cast.root
    )
    person = who.person
    people.change_person(
        actor=ada, person_id=person.pk, now=timezone.now(), name=person.name, team=person.team, country=person.country,
        requester_type=person.requester_type, job_title="", time_zone=person.time_zone, is_active=is_active,
        is_staff=who.is_staff,
    )  # fmt: skip


@pytest.mark.parametrize("why", ["changed", "link", "left", "left and came back"])
def test_tokens_end_with_the_password_and_the_account_and_do_not_come_back(cast: Cast, why: str) -> None:
    robot = User.objects.create_user(email="svc@example.com", person=cast.alice.person, is_service_account=True)
    _, client = made(cast.alice, "read", "request")
    _, program = made(cast.alice, account=robot.email)
    assert {client.get("/api/v1/requests/").status_code, program.get("/api/v1/requests/").status_code} == {200}
    now = timezone.now()
    match why:
        case "changed":
            credentials.change_password(
                actor=cast.alice, present_hash=cast.alice.password, password="seven quiet lamps 42", now=now
            )
        case "link":
            from django.contrib.auth.tokens import default_token_generator

            key = default_token_generator.make_token(cast.alice)
            credentials.set_password_by_link(user_id=cast.alice.pk, key=key, password="seven quiet lamps 42", now=now)
        case _:
            change(cast, cast.alice, is_active=False)
            if why != "left":
                change(cast, cast.alice, is_active=True)
    for each in (client, program):
        assert each.get("/api/v1/requests/").status_code == 401
    assert not ApiToken.objects.filter(user__person=cast.alice.person).exists()
    assert cast.alice.check_password(PASSWORD)  # as it was read before


@pytest.mark.parametrize("who", ["person", "account", "system"])
def test_an_account_that_is_over_is_out_at_once(cast: Cast, who: str) -> None:
    _, client = made(cast.alice)
    if who == "person":
        cast.alice.person.is_active = False
        cast.alice.person.save()
    elif who == "account":
        User.objects.filter(pk=cast.alice.pk).update(is_active=False)
    else:
        ApiToken.objects.update(user=system_actor())
    assert client.get("/api/v1/requests/").status_code == 401


def test_a_service_account_gets_its_token_from_its_owner(cast: Cast, client_of: Any, ask: Any) -> None:
    robot = User.objects.create_user(email="svc@example.com", person=cast.alice.person, is_service_account=True)
    body = {"account": robot.email, "scopes": ["read", "request"]}
    assert client_of(cast.bob).post(TOKENS, body).status_code == 400
    answer = client_of(cast.alice).post(TOKENS, body)
    assert answer.data["account"] == robot.email
    program = with_token(answer.data["token"])
    asked = program.post("/api/v1/requests/", {"content": ask(), "submit": True})
    assert asked.status_code == 201
    assert program.post(TOKENS, {}).status_code == 403
    for scope in ("decide", "admin"):
        refused = client_of(cast.alice).post(TOKENS, {"account": robot.email, "scopes": [scope]})
        assert "scopes" in refused.json()["errors"]
    listed = client_of(cast.alice).get(TOKENS).data["results"]
    assert [each["account"] for each in listed] == [robot.email]
    assert client_of(cast.alice).delete(f"{TOKENS}{answer.data['id']}/").status_code == 204


def test_an_account_has_only_so_many_tokens(cast: Cast) -> None:
    for _ in range(tokens.TOKENS_MAX):
        made(cast.alice)
    with pytest.raises(Exception, match="end one first"):
        made(cast.alice)


@pytest.mark.parametrize(
    "header", ["Token", "Token \xff\xfe", "Token " + "x" * 5000, "Token a b", "Token \x00", "Token ü"]
)
def test_a_header_that_is_no_token_is_refused_and_no_crash(cast: Cast, header: str) -> None:
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=header)
    answer = client.get("/api/v1/requests/")
    assert answer.status_code == 401
    assert answer["Content-Type"] == "application/problem+json"


def test_wrong_tokens_are_slowed_down_and_right_ones_are_not(cast: Cast) -> None:
    cache.clear()
    answers = [with_token("wrong" * 12).get("/api/v1/requests/") for _ in range(32)]
    assert [each.status_code for each in answers][29:] == [401, 429, 429]
    assert int(answers[-1]["Retry-After"]) > 0
    _, client = made(cast.alice)
    assert client.get("/api/v1/requests/").status_code == 200
    cache.clear()


def test_the_table_refuses_a_token_without_end_or_scope(cast: Cast) -> None:
    for days, scopes in ((None, ["read"]), (timedelta(1), []), (timedelta(1), ["root"])):
        with pytest.raises(IntegrityError), transaction.atomic():
            ApiToken.objects.create(user=cast.alice, expiry=days, scopes=scopes)
