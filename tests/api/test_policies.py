"""The life of a policy version through the API, and the decision log: who may, what is refused, what is masked."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from governance.models import AuditEvent, PolicyVersion, User
from governance.policy.bundle.shipped import shipped_text
from governance.policy.decisions.decision_log import MASK
from governance.policy.facts.facts_schema import FACTS
from tests.cast import Cast, add_person, submitted
from tests.officers import seen_backtest

pytestmark = pytest.mark.django_db

Clients = Callable[[User | None], APIClient]
VERSIONS = "/api/v1/policies/versions/"
CHANGED = shipped_text("sustainability").replace("value: 250000.0", "value: 251000.0", 1)


def imported(client: APIClient, **headers: str) -> dict:
    answer = client.post(VERSIONS, {"bundle": CHANGED, "reason": "a lower line"}, format="json", headers=headers)
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_a_version_goes_from_draft_to_in_force_by_two_officers(cast: Cast, client_of: Clients) -> None:
    grace = client_of(cast.grace)
    judy = client_of(add_person("judy", team=cast.root, roles=["policy_officer"], scope=cast.root, now=timezone.now()))
    version = imported(grace)
    assert (version["state"], version["checks"], version["bundle"]) == ("draft", None, CHANGED)
    address = f"{VERSIONS}{version['id']}/"
    early = grace.post(f"{address}activations/", {"reason": "we spend too much"}, format="json")
    assert early.status_code == 409
    problem = early.json()
    assert problem["code"] == "not_ready"
    assert problem["data"]["missing"][0] == "its cases have not been run"
    tested = grace.post(f"{address}test/", format="json").json()
    assert (tested["state"], tested["checks"]["cases"], tested["checks"]["failures"]) == ("tested", 13, [])
    key = tested["checks"]["findings"][0]["key"]
    explained = grace.post(f"{address}explain/", {"finding": key, "explanation": "meant so"}, format="json").json()
    assert explained["checks"]["findings"][0]["explanation"] == "meant so"
    assert grace.post(f"{address}shadow/", format="json").json()["state"] == "shadow"
    assert grace.delete(f"{address}shadow/").json()["state"] == "tested"
    seen_backtest(PolicyVersion.objects.get(pk=version["id"]), by=cast.grace, now=timezone.now())
    asked = grace.post(f"{address}activations/", {"reason": "we spend too much"}, format="json")
    assert asked.status_code == 201, asked.content
    activation = f"/api/v1/policies/activations/{asked.json()['activation']['id']}/"
    own = grace.post(f"{activation}answer/", {"answer": "agree"}, format="json")
    assert (own.status_code, own.json()["code"]) == (403, "separation_of_duties")
    assert judy.post(f"{activation}answer/", {"answer": "agree"}, format="json").json()["state"] == "active"
    gone = judy.post(f"{activation}withdraw/", {"reason": "too late"}, format="json")
    assert (gone.status_code, gone.json()["code"]) == (409, "already_decided")
    listed = grace.get(VERSIONS, {"set": "sustainability"}).json()["results"]
    assert [(each["number"], each["state"]) for each in listed] == [(2, "active"), (1, "retired")]
    assert "bundle" not in listed[0]


def test_the_same_key_imports_and_tests_once(cast: Cast, client_of: Clients) -> None:
    client = client_of(cast.grace)
    first = imported(client, **{"Idempotency-Key": "one"})
    assert imported(client, **{"Idempotency-Key": "one"}) == first
    assert PolicyVersion.objects.filter(policy_set__slug="sustainability").count() == 2
    address = f"{VERSIONS}{first['id']}/test/"
    for _ in range(2):
        assert client.post(address, format="json", headers={"Idempotency-Key": "two"}).status_code == 200
    assert AuditEvent.objects.filter(action="policy.tested").count() == 1


def test_who_reads_and_who_changes(cast: Cast, client_of: Clients) -> None:
    assert client_of(None).get(VERSIONS).status_code == 401
    assert client_of(cast.alice).get(VERSIONS).status_code == 403
    version = imported(client_of(cast.grace))
    for who in (cast.bob, cast.erin):
        client = client_of(who)
        assert client.get(f"{VERSIONS}{version['id']}/").status_code == 200
        refused = client.post(f"{VERSIONS}{version['id']}/test/", format="json")
        assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
        assert client.post(VERSIONS, {"bundle": CHANGED}, format="json").status_code == 403
    assert client_of(cast.grace).get(f"{VERSIONS}999999/").status_code == 404


def test_a_bundle_that_does_not_check_is_refused_with_its_position(cast: Cast, client_of: Clients) -> None:
    answer = client_of(cast.grace).post(VERSIONS, {"bundle": "rules: ["}, format="json")
    assert answer.status_code == 400
    (sentence,) = answer.json()["errors"]["bundle"]
    assert sentence.startswith("2:1: not YAML")


def test_the_decision_log_is_for_auditors_and_policy_officers_and_masked(cast: Cast, client_of: Clients) -> None:
    submitted(cast, now=timezone.now(), start_on=timezone.now().date().isoformat(), end_on=None)
    # An auditor or officer of one team sees that team's asks; the log has everybody's.
    of_one_team = [
        add_person(name, team=cast.team, roles=[role], scope=cast.team, now=timezone.now())
        for name, role in (("nils", "auditor"), ("olga", "policy_officer"))
    ]
    for who in (cast.alice, cast.bob, cast.carol, *of_one_team):
        assert client_of(who).get("/api/v1/decisions/").status_code == 403
    for who in (cast.erin, cast.grace):
        (entry,) = client_of(who).get("/api/v1/decisions/").json()["results"]
        one = client_of(who).get(f"/api/v1/decisions/{entry['decision_id']}/").json()
        assert one == entry
        assert entry["path"] == "comptroller/decide"
        assert entry["result"]["decision"] == "review"
        assert "approval-limits" in entry["bundles"]
        sensitive = {fact.name for fact in FACTS if fact.sensitive} & set(entry["input"])
        assert sensitive
        assert {entry["input"][name] for name in sensitive} == {MASK}
        assert entry["masked"] == sorted(f"/input/{name}" for name in sensitive)
    later = client_of(cast.erin).get("/api/v1/decisions/", {"since": "2100-01-01T00:00:00Z"}).json()
    assert later["results"] == []
    assert client_of(cast.erin).get("/api/v1/decisions/", {"since": "yesterday"}).status_code == 400
    assert client_of(cast.erin).get("/api/v1/decisions/999999/").status_code == 404


def test_a_request_under_review_names_the_nearest_ask_that_would_have_passed(cast: Cast, client_of: Clients) -> None:
    request = submitted(cast, now=timezone.now(), start_on=timezone.now().date().isoformat(), end_on=None)
    found = client_of(cast.alice).get(f"/api/v1/requests/{request.number}/").json()["nearest"]
    assert found is None or found["outcome"] in ("allow", "review")
