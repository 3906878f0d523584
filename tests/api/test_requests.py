from __future__ import annotations

import json

import pytest

from governance.models import BudgetHold, Grant, IdempotencyKey, ProvisioningRequest
from tests.house import fingerprint

REQUESTS = "/api/v1/requests/"


def test_a_draft_is_made_read_saved_and_submitted(cast, client_of, ask):
    alice = client_of(cast.alice)
    made = alice.post(REQUESTS, {"content": ask()})
    assert made.status_code == 201, made.data
    url = f"{REQUESTS}{made.data['number']}/"
    assert alice.get(url).data["state"] == "draft"
    saved = alice.put(url, {"content": ask(title="Better"), "draft_version": made.data["draft_version"]})
    assert saved.data["title"] == "Better"
    done = alice.post(f"{url}submit/")
    assert (done.status_code, done.data["state"]) == (200, "granted")
    assert done.data["assessment"]["outcome"] == "allow"
    assert [row["reference"] for row in alice.get("/api/v1/grants/").data["results"]] == ["G-0001"]


def test_a_version_that_was_not_read_is_not_submitted(cast, client_of, ask):
    alice = client_of(cast.alice)
    made = alice.post(REQUESTS, {"content": ask()})
    url = f"{REQUESTS}{made.data['number']}/"
    alice.put(url, {"content": ask(accelerator_count=16)})
    refused = alice.post(f"{url}submit/", {"draft_version": made.data["draft_version"]})
    assert (refused.status_code, alice.get(url).data["state"]) == (409, "draft")
    read = alice.get(url).data["draft_version"]
    assert alice.post(f"{url}submit/", {"draft_version": read}).status_code == 200


def test_asking_at_once_is_decided_through_the_api(cast, client_of, ask):
    made = client_of(cast.alice).post(REQUESTS, {"content": ask(accelerator_count=16), "submit": True})
    stage = made.data["stages"][0]
    said = client_of(cast.bob).post(
        f"/api/v1/stages/{stage['id']}/decide/",
        {"verdict": "approve", "reason": "fine", "revision_digest": made.data["revision"]["digest"]},
    )
    assert said.status_code == 201, said.data
    assert Grant.objects.count() == 1


def test_a_preview_stores_nothing(cast, client_of, ask):
    before = fingerprint()
    shown = client_of(cast.alice).post(f"{REQUESTS}preview/", {"content": ask(accelerator_count=16)})
    assert shown.status_code == 200, shown.data
    assert shown.data["outcome"] == "review"
    assert shown.data["exposure"]["micro"] == 1_000_000_000
    assert shown.data["stages"][0]["role"] == "team_lead"
    assert fingerprint() == before


def test_what_does_not_fit_is_a_problem_document(cast, client_of, ask):
    answer = client_of(cast.alice).post(REQUESTS, {"content": ask(gpu_hours_cap=30_000.0), "submit": True})
    assert answer.status_code == 409
    assert answer["Content-Type"].startswith("application/problem+json")
    body = json.loads(answer.content)
    assert body["code"] == "budget_exceeded"
    assert body["type"] == "urn:comptroller:problem:budget_exceeded"
    assert body["data"]["needed_micro"] == 30_000_000_000
    assert not ProvisioningRequest.objects.exists()


def test_bad_fields_are_named(cast, client_of, ask):
    answer = client_of(cast.alice).post(
        REQUESTS, {"content": ask(accelerator_count=-1, title="", data_class="secret"), "submit": True}
    )
    assert answer.status_code == 400
    assert set(json.loads(answer.content)["errors"]) == {"accelerator_count", "title", "data_class"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b'{"content": {}, "content": {}}', 400),
        (b'{"content": {"accelerator_count": NaN}}', 400),
        (b'{"content": {"accelerator_count": 1e999}, "submit": true}', 400),
        (b'{"content": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400),
        (b'{"content": {"title": "\\u0000"}}', 400),
        (b'{"content": {"title": "\\ud800"}}', 400),
        (b'{"content": {"a": ' + b"9" * 5000 + b"}}", 400),
        (b'{"content": {}, "state": "granted"}', 400),
        (b'{"content": {}, "requester": 1, "is_staff": true}', 400),
        (b'{"content": []}', 400),
        (b"[]", 400),
        (b"\xff\xfe", 400),
        (b'{"content": {"justification": "' + b"x" * 300_000 + b'"}}', 413),
    ],
)
def test_hostile_bodies_are_refused_with_nothing_written(cast, client_of, body: bytes, status: int):
    before = fingerprint()
    answer = client_of(cast.alice).post(REQUESTS, data=body, content_type="application/json")
    assert answer.status_code == status, answer.content[:300]
    assert answer["Content-Type"].startswith("application/problem+json")
    assert fingerprint() == before


def test_other_media_types_are_refused(cast, client_of):
    assert client_of(cast.alice).post(REQUESTS, data="content=1", content_type="text/plain").status_code == 415


def test_the_same_key_has_one_effect(cast, client_of, ask):
    alice, body = client_of(cast.alice), {"content": ask(accelerator_count=16), "submit": True}
    first = alice.post(REQUESTS, body, headers={"Idempotency-Key": "abc-1"})
    again = alice.post(REQUESTS, body, headers={"Idempotency-Key": "abc-1"})
    assert first.content == again.content
    assert again["Idempotency-Replayed"] == "true"
    assert BudgetHold.objects.count() == 1
    other = alice.post(REQUESTS, {"content": ask()}, headers={"Idempotency-Key": "abc-1"})
    assert (other.status_code, json.loads(other.content)["code"]) == (422, "idempotency_conflict")


def test_an_answer_that_cannot_be_kept_takes_the_effect_with_it(cast, client_of, ask, monkeypatch):
    """What a kill between the effect and its answer would do: neither is there afterwards, and the key is free."""
    body, headers = {"content": ask(), "submit": True}, {"Idempotency-Key": "abc-2"}
    before = fingerprint()

    def fail(*arguments, **fields):
        raise RuntimeError("the server went away")

    with monkeypatch.context() as patch:
        patch.setattr(IdempotencyKey.objects, "create", fail)
        with pytest.raises(RuntimeError, match="went away"):
            client_of(cast.alice).post(REQUESTS, body, headers=headers)
    assert fingerprint() == before
    assert client_of(cast.alice).post(REQUESTS, body, headers=headers).status_code == 201


@pytest.mark.parametrize("key", ["", "ä", "x" * 256, "a b"])
def test_a_key_is_printable_and_short(cast, client_of, ask, key: str):
    answer = client_of(cast.alice).post(REQUESTS, {"content": ask()}, headers={"Idempotency-Key": key})
    assert answer.status_code == 400


def test_a_refusal_leaves_the_key_free(cast, client_of, ask):
    alice = client_of(cast.alice)
    assert alice.post(REQUESTS, {"content": "x"}, headers={"Idempotency-Key": "k"}).status_code == 400
    assert alice.post(REQUESTS, {"content": ask()}, headers={"Idempotency-Key": "k"}).status_code == 201


def test_missing_and_not_visible_look_the_same(cast, client_of, ask):
    number = client_of(cast.alice).post(REQUESTS, {"content": ask()}).data["number"]
    dave = client_of(cast.dave)
    hidden, missing = dave.get(f"{REQUESTS}{number}/"), dave.get(f"{REQUESTS}99999/")
    assert (hidden.status_code, hidden.content) == (missing.status_code, missing.content)
    assert hidden.status_code == 404
    assert dave.get(REQUESTS).data["results"] == []
    for act in ("submit", "withdraw", "comments"):
        assert (
            dave.post(f"{REQUESTS}{number}/{act}/", {"text": "hello"} if act == "comments" else {}).status_code == 404
        )


@pytest.mark.parametrize("number", [0, 99999, 2**31, 2**63, 10**30])
def test_any_number_is_answered(cast, client_of, number: int):
    assert client_of(cast.alice).get(f"{REQUESTS}{number}/").status_code == 404
    assert client_of(cast.alice).get(f"/api/v1/estimates/{number}/").status_code == 404


def test_who_is_not_signed_in_sees_nothing(client_of, db):
    for url in (
        REQUESTS,
        "/api/v1/estimates/",
        "/api/v1/grants/",
        "/api/v1/budgets/",
        "/api/v1/tokens/",
        "/api/schema/",
    ):
        assert client_of(None).get(url).status_code == 401, url


def test_a_requester_cannot_decide(cast, client_of, ask):
    made = client_of(cast.alice).post(REQUESTS, {"content": ask(accelerator_count=16), "submit": True})
    body = {"verdict": "approve", "reason": "fine", "revision_digest": made.data["revision"]["digest"]}
    answer = client_of(cast.alice).post(f"/api/v1/stages/{made.data['stages'][0]['id']}/decide/", body)
    assert (answer.status_code, json.loads(answer.content)["code"]) == (403, "separation_of_duties")


def test_pages_are_capped(cast, client_of, ask):
    alice = client_of(cast.alice)
    for _ in range(3):
        alice.post(REQUESTS, {"content": ask()})
    page = alice.get(f"{REQUESTS}?page_size=2")
    assert len(page.data["results"]) == 2
    assert len(alice.get(page.data["next"]).data["results"]) == 1
    assert alice.get(f"{REQUESTS}?page_size=1000000000").status_code == 200


def test_budgets_say_what_is_left(cast, client_of):
    rows = {row["slug"]: row for row in client_of(cast.carol).get("/api/v1/budgets/").data["results"]}
    assert rows["long-context"]["headroom"]["micro"] == 20_000_000_000
