"""The documented interface is the real one: every answer is typed, and random calls find none that is another."""

from __future__ import annotations

import copy
import itertools
import json
import os
import re
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.validation import validate_schema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient
from schemathesis.core import NotSet

from estimator.core.workload.fields import FIELDS
from governance.domain.requests import fields
from governance.models import Assessment, PolicyBacktest
from governance.services.people import tokens
from governance.services.requests import comments, submission
from governance.services.rules import activations
from tests.api.contract import ALWAYS, JSON, PROBLEM, document, operations, require_conforming, untyped
from tests.cast import Cast, add_person, content, open_stage, reviewed
from tests.officers import ready_draft
from tests.plugins.servers import ROOT


def test_the_schema_is_valid_and_complete() -> None:
    validate_schema(document())
    assert document()["openapi"].startswith("3.")
    assert {"/api/v1/requests/", "/api/v1/requests/preview/", "/api/v1/estimates/"} <= set(document()["paths"])


def test_every_answer_of_the_schema_is_typed() -> None:
    assert untyped(document()) == []


HOLES: dict[str, Callable[[dict[str, Any]], object]] = {
    "a free object": lambda answers: answers["200"]["content"][JSON].update(schema={"type": "object"}),
    "anything": lambda answers: answers["200"]["content"][JSON].update(schema={}),
    "a map of anything": lambda answers: answers["200"]["content"][JSON].update(
        schema={"type": "object", "additionalProperties": True}
    ),
    "a list of anything": lambda answers: answers["200"]["content"][JSON].update(schema={"type": "array", "items": {}}),
    "a property that may be anything": lambda answers: answers["200"]["content"][JSON].update(
        schema={"type": "object", "properties": {"a": {"description": "nobody knows"}}}
    ),
    "no content": lambda answers: answers["200"].pop("content"),
    "no answer": lambda answers: answers.pop("200"),
    "a refusal that is missing": lambda answers: answers.pop("503"),
    "a refusal in another format": lambda answers: answers.update({"404": {"content": {JSON: {"schema": {}}}}}),
    "a refusal without codes": lambda answers: answers.update(
        {"404": {"content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}}}
    ),
}


@pytest.mark.parametrize("hole", HOLES)
def test_an_untyped_answer_is_counted(hole: str) -> None:
    changed = copy.deepcopy(document())
    HOLES[hole](changed["paths"]["/api/v1/grants/{number}/"]["get"]["responses"])
    assert len(untyped(changed)) == 1


def test_every_example_of_the_schema_keeps_to_it() -> None:
    seen = 0
    shared = document()["components"]["responses"]
    for (method, path), operation in operations().items():
        case = operation.Case(path_parameters=dict.fromkeys(re.findall(r"{(\w+)}", path), 1))
        for status, answer in document()["paths"][path][method.lower()]["responses"].items():
            whole = shared[answer["$ref"].rpartition("/")[2]] if "$ref" in answer else answer
            for media, body in whole.get("content", {}).items():
                for each in body.get("examples", {}).values():
                    seen += 1
                    said = HttpResponse(json.dumps(each["value"]), status=int(status), content_type=media)
                    require_conforming(case, said)
    assert seen > len(operations()) * len(ALWAYS)


def codes_of(answers: dict[str, Any]) -> dict[str, set[str]]:
    """Status -> codes of the refusals of one call."""
    shared = document()["components"]["responses"]
    whole = {
        status: shared[said["$ref"].rpartition("/")[2]] if "$ref" in said else said for status, said in answers.items()
    }
    return {
        status: set(answer["content"][PROBLEM]["schema"]["properties"]["code"]["enum"])
        for status, answer in whole.items()
        if not status.startswith("2")
    }


def test_the_page_names_the_codes_of_the_schema() -> None:
    page = (ROOT / "docs/api.md").read_text()
    rows = re.findall(r"^\| [45][\d, ]+ \|(.*)\|$", page, flags=re.MULTILINE)
    named = {code for row in rows for code in re.findall(r"`([a-z_]+)`", row)}
    # A method that an address does not know is no call of the schema.
    calls = [operation["responses"] for methods in document()["paths"].values() for operation in methods.values()]
    codes = [codes for each in calls for codes in codes_of(each).values()]
    assert named - {"method_not_allowed"} == set().union(*codes)


def test_a_call_names_what_its_service_refuses() -> None:
    answers = document()["paths"]["/api/v1/requests/{number}/submit/"]["post"]["responses"]
    codes = codes_of(answers)
    assert {"budget_exceeded", "unfillable_stage", "stale_draft", "idempotency_in_flight"} <= codes["409"]
    assert {"invalid_request", "invalid_input"} <= codes["400"]
    assert (codes["422"], codes["429"]) == ({"idempotency_conflict"}, {"throttled"})
    assert "Retry-After" in document()["components"]["responses"]["Problem429"]["headers"]
    assert "Idempotency-Replayed" in answers["200"]["headers"]


# Small with every other test; `make soak` makes thousands of calls.
IS_SOAK = os.environ.get("SOAK") == "1"
EXAMPLES = 50 if IS_SOAK else 12
CALLS_MIN = 3_000 if IS_SOAK else 600


def rows_of_every_kind(cast: Cast) -> dict[str, int | str]:
    """Path parameter -> a row that is there; so that random calls meet more than 404."""
    now = timezone.now()
    cast.users["grace"].is_staff = True
    cast.grace.save()
    days = {"start_on": now.date().isoformat(), "end_on": (now.date() + timedelta(days=13)).isoformat()}
    submission.create_and_submit(actor=cast.alice, content=content(**days), now=now)
    waiting = submission.create_and_submit(actor=cast.alice, content=reviewed(**days), now=now)
    comments.add_comment(request_id=waiting.pk, actor=cast.alice, text="A remark.", now=now)
    add_person("judy", team=cast.root, roles=["policy_officer"], scope=cast.root, now=now)
    version = ready_draft(actor=cast.grace, now=now)
    activation = activations.request_activation(version_id=version.pk, actor=cast.grace, reason="because", now=now)
    token, _ = tokens.make_token(actor=cast.alice, scopes=["read"], now=now)
    return {
        "number": 1,
        "stage_id": open_stage(waiting).pk,
        "assessment_id": Assessment.objects.latest("pk").pk,
        "decision_id": Assessment.objects.latest("pk").pk,
        "version_id": version.pk,
        "activation_id": activation.pk,
        "backtest_id": PolicyBacktest.objects.latest("pk").pk,
        "token_key": token.token_key,
    }


@pytest.mark.django_db
def test_random_calls_never_crash_and_every_answer_keeps_to_the_schema(cast: Cast) -> None:
    answers: Counter[int] = Counter()
    client = APIClient(raise_request_exception=False)
    known = rows_of_every_kind(cast)
    assert len(operations()) >= 15
    for who, operation in itertools.product(("alice", "grace"), operations().values()):
        client.force_authenticate(cast.users[who])

        @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(), is_known=st.booleans())
        def keeps_to_the_schema(case: schemathesis.Case, is_known: bool) -> None:
            if is_known:
                case.path_parameters = {name: known[name] for name in case.path_parameters or {}}
            body = b"" if isinstance(case.body, NotSet) else json.dumps(case.body).encode()
            response = client.generic(
                case.method,
                quote(case.formatted_path),
                body,
                content_type="application/json",
                headers={str(name): str(value) for name, value in (case.headers or {}).items()},
                query_params={str(name): str(value) for name, value in (case.query or {}).items()},
            )
            answers[response.status_code] += 1
            assert response.status_code < 500, (case.method, case.path, response.content[:300])
            require_conforming(case, response)

        keeps_to_the_schema()
    print(f"{answers.total():,} calls: {dict(sorted(answers.items()))}")  # noqa: T201 - the figure of `make soak`
    assert answers.total() >= CALLS_MIN


ANYTHING: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**53 + 1, 10**400, 1e308, -0.0, 0.1, "", " ", "1_000", "\u0661", "NaN", "\ud800",
    "\0", "x" * 300, "x" * 9_000, [], [""], [None], ["\ud800"], ["IE"] * 50, {}, {"": None},
    {"kind": "dpia", "url": "https://a.b"},
    [{"kind": "dpia", "url": "https://a.b"}], "G-1", "2026-12-01", "0001-01-01", "9999-12-31", "unknown", "IE", "aws",
)  # fmt: skip
WORKS: tuple[dict[str, Any], ...] = (
    {"workload": "lease"},
    {"workload": "pretraining", "sizing": "work", "work": {"parameters_billion": 7.0, "tokens_billion": 100.0}},
    {"workload": "inference_online", "sizing": "work", "work": {
        "parameters_billion": 7.0, "requests_per_day": 1e4, "input_tokens": 1e3, "output_tokens": 1e3}},
    {"workload": "hosted_api", "sizing": "cap", "money_cap_usd": 100.0},
)  # fmt: skip


@pytest.mark.django_db
def test_any_value_in_any_field_of_a_request_is_answered(cast: Cast, ask: Callable[..., dict[str, Any]]):
    client = APIClient(raise_request_exception=False)
    client.force_authenticate(cast.alice)
    named = [*fields.names(), "nothing"]
    changes = [{field: value} for field in named for value in ANYTHING]
    changes += [{"work": {name: value}} for name in FIELDS for value in ANYTHING]
    bodies = [json.dumps({"content": ask(**work) | change}) for work in WORKS for change in changes]
    answers: Counter[int] = Counter()
    for body in bodies[:: len(bodies) // (CALLS_MIN if IS_SOAK else 400)]:
        answer = client.post("/api/v1/requests/preview/", body, content_type="application/json")
        answers[answer.status_code] += 1
        assert answer.status_code < 500, (body, answer.content[:300])
    print(f"{answers.total():,} previews: {dict(sorted(answers.items()))}")  # noqa: T201 - the figure of `make soak`
    assert {200, 400} <= set(answers)
