"""The documented interface is the real one, and random calls find no crash."""

from __future__ import annotations

import itertools
import json
import os
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from hypothesis import HealthCheck, given, settings
from rest_framework.test import APIClient
from schemathesis.core import NotSet

from estimator.core.workload.fields import FIELDS
from governance.domain.requests import fields
from tests.cast import Cast


@pytest.fixture(scope="module")
def document() -> dict:
    return SchemaGenerator().get_schema(request=None, public=True)


def test_the_schema_is_valid_and_complete(document: dict):
    validate_schema(document)
    assert document["openapi"].startswith("3.")
    assert {"/api/v1/requests/", "/api/v1/requests/preview/", "/api/v1/estimates/"} <= set(document["paths"])


# Small with every other test; `make soak` makes thousands of calls.
IS_SOAK = os.environ.get("SOAK") == "1"
EXAMPLES = 50 if IS_SOAK else 12
CALLS_MIN = 3_000 if IS_SOAK else 600


@pytest.mark.django_db
def test_random_calls_never_crash(document: dict, cast: Cast):
    operations = [found.ok() for found in schemathesis.openapi.from_dict(document).get_all_operations()]
    assert len(operations) >= 15
    answers: Counter[int] = Counter()
    client = APIClient(raise_request_exception=False)
    for who, operation in itertools.product(("alice", "grace"), operations):
        client.force_authenticate(cast.users[who])

        @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy())
        def never_crashes(case: schemathesis.Case) -> None:
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
            if response.status_code >= 400:
                assert response["Content-Type"].startswith("application/problem+json")

        never_crashes()
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
    {"workload": "pretraining", "ask": "work", "work": {"parameters_billion": 7.0, "tokens_billion": 100.0}},
    {"workload": "inference_online", "ask": "work", "work": {
        "parameters_billion": 7.0, "requests_per_day": 1e4, "input_tokens": 1e3, "output_tokens": 1e3}},
    {"workload": "hosted_api", "ask": "cap", "money_cap_usd": 100.0},
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
