"""Whatever is sent, under `/api/` the answer is one that a program can read: JSON, or a problem document."""

from __future__ import annotations

import base64
import itertools
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.db import OperationalError
from django.http import HttpRequest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from governance.api.money.views import BudgetList
from governance.models import RequestComment, User
from tests.cast import Cast
from tests.house import fingerprint

LISTS = (
    "requests/", "estimates/", "grants/", "budgets/", "policies/versions/", "policies/backtests/", "decisions/",
)  # fmt: skip
REQUESTS, COMPARE, ESTIMATES, JUDGE = (
    f"/api/v1/{path}" for path in ("requests/", "estimates/compare/", "estimates/", "policies/judge/")
)
Clients = Callable[[User | None], APIClient]


def problem_of(response: Any, status: int) -> dict[str, Any]:
    """The problem document of a refusal, whole and with the same status inside."""
    assert response.status_code == status, response.content[:300]
    assert response["Content-Type"].partition(";")[0] == "application/problem+json", response.content[:200]
    body: dict[str, Any] = json.loads(response.content)
    assert body["status"] == status
    assert body["type"] == f"urn:comptroller:problem:{body['code']}"
    assert body["title"]
    assert body["detail"]
    return body


def officer(cast: Cast, client_of: Clients) -> APIClient:
    """Somebody who may read all seven lists."""
    User.objects.filter(pk=cast.grace.pk).update(is_staff=True)
    client = client_of(User.objects.get(pk=cast.grace.pk))
    client.raise_request_exception = False
    return client


def cursor(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


FORGED = {
    "empty position": cursor("p="),
    "text": cursor("p=abc"),
    "a fraction": cursor("p=1.5"),
    "an instant": cursor("p=2026-01-01T00:00:00"),
    "beyond the key": cursor(f"p={2**63}"),
    "other digits": base64.b64encode("p=\u0661".encode()).decode(),
    "underscores": cursor("p=1_0"),
    "a NUL": cursor("p=%00"),
    "no base64": "%%%",
    "no ASCII": "\u00fc",
    "an offset": cursor("o=99999999999"),
    "a word as offset": cursor("o=x"),
    "reverse": cursor("r=2&p=x"),
}


def test_a_forged_cursor_is_refused_by_name_on_every_list(cast: Cast, client_of: Clients) -> None:
    client = officer(cast, client_of)
    for path, (name, forged) in itertools.product(LISTS, FORGED.items()):
        body = problem_of(client.get(f"/api/v1/{path}", {"cursor": forged}), 400)
        assert set(body["errors"]) == {"cursor"}, (path, name)


def test_a_page_size_that_is_none_is_refused_and_a_large_one_cut(cast: Cast, client_of: Clients) -> None:
    client = officer(cast, client_of)
    for path, size in itertools.product(LISTS, ["0", "-1", "abc", "1.5", "1_0", "\u0661", "", " 3", "+3", "00"]):
        body = problem_of(client.get(f"/api/v1/{path}", {"page_size": size}), 400)
        assert set(body["errors"]) == {"page_size"}, (path, size)
    for size in ("1", "200", "201", "9" * 9, "9" * 5000):
        assert client.get(REQUESTS, {"page_size": size}).status_code == 200


BODIES = {
    "an integer above 2^53": b'{"content": {"accelerator_count": 9007199254740993}%s}',
    "10^400": b'{"content": {"accelerator_count": 1' + b"0" * 400 + b"}%s}",
    "1e999": b'{"content": {"gpu_hours_cap": 1e999}%s}',
    "half of a pair": b'{"content": {"title": "\\ud800"}%s}',
    "half of a pair as a name": b'{"content": {"\\udfff": 1}%s}',
    "half of a pair outside": b'{"content": {}, "\\ud800": 1%s}',
    "a NUL": b'{"content": {"title": "\\u0000"}%s}',
}


def test_a_key_beside_any_body_never_makes_a_fault(cast: Cast, client_of: Clients) -> None:
    client = client_of(cast.alice)
    client.raise_request_exception = False
    for name, body in BODIES.items():
        for end in (b"", b', "submit": true'):
            answers_alike(client, body.replace(b"%s", end), f"{name} {end!r}")


def answers_alike(client: APIClient, sent: bytes, key: str) -> None:
    """With a key and without one, the same is said."""
    headers = {"Idempotency-Key": re.sub(r"[^a-z0-9]", "-", key)}
    before = fingerprint()
    plain = client.post(REQUESTS, sent, content_type="application/json")
    if plain.status_code >= 400:
        assert fingerprint() == before
        keyed = client.post(REQUESTS, sent, content_type="application/json", headers=headers)
        assert problem_of(keyed, plain.status_code) == problem_of(plain, plain.status_code)
        return
    # A draft may hold a number that no submission accepts; the key then gives the first answer again.
    first, again = (client.post(REQUESTS, sent, content_type="application/json", headers=headers) for _ in "ab")
    assert (first.status_code, again.status_code, again["Idempotency-Replayed"]) == (201, 201, "true")
    other = client.post(REQUESTS, sent + b" ", content_type="application/json", headers=headers)
    assert other.content == first.content


def test_a_comment_with_a_key_is_made_once(cast: Cast, client_of: Clients, ask: Callable[..., dict]) -> None:
    client = client_of(cast.alice)
    number = client.post(REQUESTS, {"content": ask()}).data["number"]
    url = f"{REQUESTS}{number}/comments/"
    first, again = (client.post(url, {"text": "One remark."}, headers={"Idempotency-Key": "c-1"}) for _ in range(2))
    assert (first.status_code, first.content) == (201, again.content)
    assert again["Idempotency-Replayed"] == "true"
    assert RequestComment.objects.count() == 1
    other = client.post(url, {"text": "Another."}, headers={"Idempotency-Key": "c-1"})
    assert problem_of(other, 422)["code"] == "idempotency_conflict"
    assert client.post(url, {"text": "One remark."}).status_code == 201
    assert RequestComment.objects.count() == 2


def test_since_is_read_at_every_offset(cast: Cast, client_of: Clients) -> None:
    client = client_of(cast.erin)
    for since in ("2026-01-01T00:00:00-23:59", "2026-01-01T00:00:00+23:59", timezone.now().isoformat()):
        answer = client.get("/api/v1/decisions/", {"since": since})
        assert answer.status_code == 200, (since, answer.content[:300])
    for since in (
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "1999-12-31T23:59:59Z",
        "2200-01-01T00:00:00Z",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00:00+24:00",
        "\u0662\u0660\u0662\u0666-01-01T00:00:00Z",
        "2026-01-01T00:00:00Z\0",
        "now",
    ):
        assert set(problem_of(client.get("/api/v1/decisions/", {"since": since}), 400)["errors"]) == {"since"}


def test_instants_in_bodies_are_bounded(cast: Cast, client_of: Clients) -> None:
    client = officer(cast, client_of)
    edges = (
        "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "1999-12-31T23:59:59Z", "2200-01-01T00:00:00Z",
        "2026-01-01T00:00:00", 20260101, True, "\u0661",
    )  # fmt: skip
    for value in edges:
        asked = client.post("/api/v1/policies/backtests/", {"version": 1, "since": value})
        assert set(problem_of(asked, 400)["errors"]) == {"since"}
        body = {"reason": "for tests", "effective_at": value}
        asked = client.post("/api/v1/policies/versions/1/activations/", body)
        assert set(problem_of(asked, 400)["errors"]) == {"effective_at"}


WORK = {"workload": "lease", "accelerator": "h100-sxm5-80gb", "sizing": "cap", "gpu_hours_cap": 10}


NO_NUMBERS: list[object] = [
    True, False, "1_000", "\u0661\u0660", "nan", "inf", "1e999", 10**400, [], {}, "0x10", "",
]  # fmt: skip


def test_what_is_no_number_is_refused_by_name(cast: Cast, client_of: Clients) -> None:
    client = client_of(cast.alice)
    fields = ("accelerator_count", "gpu_hours_cap", "money_cap_usd", "window_days")
    places = [(ESTIMATES, name) for name in fields]
    places += [(COMPARE, name) for name in (*fields, "deadline_hours", "renewable_share", "limit")]
    for (url, name), value in itertools.product(places, NO_NUMBERS):
        assert set(problem_of(client.post(url, WORK | {name: value}), 400)["errors"]) == {name}, (name, value)
    for value in NO_NUMBERS:
        sent = {"workload": "lease", "sizing": "work", "work": {"hours_per_accelerator": value}}
        if value != "":
            assert "hours_per_accelerator" in problem_of(client.post(ESTIMATES, sent), 400)["errors"], value
        assert set(problem_of(client.post("/api/v1/tokens/", {"days": value}), 400)["errors"]) == {"days"}, value


BAD_FACTS: list[tuple[dict[str, object], str]] = [
    ({"request.exposure_usd": 10**400}, "request.exposure_usd"),
    ({"request.accelerator_count": 10**400}, "request.accelerator_count"),
    ({"request.exposure_usd": True}, "request.exposure_usd"),
    ({"request.start_at": "0001-01-01T00:00:00+23:59"}, "request.start_at"),
    ({"request.start_at": "9999-12-31T23:59:59-23:59"}, "request.start_at"),
    ({"request.start_at": 5}, "request.start_at"),
    ({"people.trainings_valid": ["\ud800"]}, "people.trainings_valid"),
    ({"people.trainings_valid": [[]]}, "people.trainings_valid"),
    ({"budget.cost_centre": ""}, "budget.cost_centre"),
    ({"\ud800": 1}, "facts"),
]


def test_facts_that_cannot_be_are_named(cast: Cast, client_of: Clients) -> None:
    client = officer(cast, client_of)
    for facts, named in BAD_FACTS:
        sent = json.dumps({"facts": facts}).encode()
        body = problem_of(client.post(JUDGE, sent, content_type="application/json"), 400)
        assert named in json.dumps(body), facts
    infinite = b'{"facts": {"request.exposure_usd": 1e999}}'
    problem_of(client.post(JUDGE, infinite, content_type="application/json"), 400)


@pytest.mark.parametrize("accept", [None, "*/*", "text/html", "application/xml", "image/png", ";;;", "text/html;q=x"])
@pytest.mark.parametrize("path", ["/api/", "/api/v1/", "/api/nothing/", "/api/v1/requests/x/", "/api", "/api/v1/a%00/"])
def test_an_unknown_address_is_a_problem_document_whatever_is_accepted(db: None, path: str, accept: str | None) -> None:
    client = Client(raise_request_exception=False)
    headers = {} if accept is None else {"Accept": accept}
    for method in ("get", "post", "put", "patch", "delete"):
        assert problem_of(getattr(client, method)(path, headers=headers), 404)["code"] == "not_found"
    assert client.head(path, headers=headers).status_code == 404


@pytest.mark.parametrize("is_debug", [True, False])
def test_it_is_the_same_with_debugging_on(
    cast: Cast, client_of: Clients, settings: Any, monkeypatch: pytest.MonkeyPatch, is_debug: bool
) -> None:
    settings.DEBUG = is_debug
    client = officer(cast, client_of)
    problem_of(Client().get("/api/nothing/"), 404)
    problem_of(client.post("/api/v1/requests", {}), 404)
    assert client.get("/api/v1/requests").status_code == 301

    def fails(*arguments: object, **options: object) -> None:
        raise ZeroDivisionError("nobody reads this")

    monkeypatch.setattr(BudgetList, "get", fails)
    body = problem_of(client.get("/api/v1/budgets/", headers={"Accept": "text/html, */*"}), 500)
    assert (body["code"], "nobody reads" in json.dumps(body)) == ("server_error", False)


def test_what_middleware_makes_of_an_error_is_a_problem_document(
    cast: Cast, client_of: Clients, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = officer(cast, client_of)
    settings.ALLOWED_HOSTS = ["example.org"]
    assert problem_of(client.get(REQUESTS, headers={"Host": "evil.example"}), 400)["code"] == "bad_request"
    settings.ALLOWED_HOSTS = ["*"]

    def away(self: object, request: HttpRequest) -> None:
        raise OperationalError("the database is away")

    monkeypatch.setattr(AuthenticationMiddleware, "process_request", away)
    answer = client.get(REQUESTS)
    assert problem_of(answer, 503)["code"] == "unavailable"
    assert int(answer["Retry-After"]) > 0
    assert "no-store" in answer["Cache-Control"]


def test_methods_formats_and_media_types_are_refused_as_problems(cast: Cast, client_of: Clients) -> None:
    client = officer(cast, client_of)
    answer = client.delete(REQUESTS)
    assert problem_of(answer, 405)["code"] == "method_not_allowed"
    assert "GET" in answer["Allow"]
    problem_of(client.generic("FOO", REQUESTS), 405)
    problem_of(client.get(REQUESTS, headers={"Accept": "text/html"}), 406)
    problem_of(client.get(REQUESTS, {"format": "xml"}), 404)
    problem_of(client.post(REQUESTS, "a=1", content_type="application/x-www-form-urlencoded"), 415)
    problem_of(client.post(REQUESTS, "x", content_type="multipart/form-data"), 415)
    problem_of(client.delete("/api/v1/tokens/%00/"), 404)
    problem_of(Client().get(REQUESTS), 401)


def test_a_body_that_is_too_large_for_a_session_is_413(cast: Cast) -> None:
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(cast.alice)
    large = "a=" + "x" * 300_000
    answer = client.post(REQUESTS, large, content_type="application/x-www-form-urlencoded")
    assert answer.status_code in (403, 413), answer.content[:200]
    problem_of(answer, answer.status_code)


def test_deep_double_and_endless_json_is_refused(cast: Cast, client_of: Clients) -> None:
    client = client_of(cast.alice)
    client.raise_request_exception = False
    for body in (
        b'{"content": ' + b'{"a":' * 40 + b"1" + b"}" * 40 + b"}",
        b'{"content": {"a": 1, "a": 2}}',
        b'{"content": {}, "content": {}}',
        b'{"content": ' + b"[" * 200_000,
        b'{"content": {"a": 1' + b"0" * 5000 + b"}}",
    ):
        problem_of(client.post(REQUESTS, body, content_type="application/json"), 400)


def test_answers_of_the_api_are_kept_by_nobody(cast: Cast, client_of: Clients) -> None:
    client = officer(cast, client_of)
    assert "no-store" in client.get("/api/v1/nothing/")["Cache-Control"]
    for path in LISTS:
        assert "no-store" in client.get(f"/api/v1/{path}")["Cache-Control"]
        head = client.head(f"/api/v1/{path}")
        assert (head.status_code, head.content) == (200, b"")
