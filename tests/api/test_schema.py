"""The documented interface is the real one, and random calls find no crash."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
import schemathesis
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from hypothesis import HealthCheck, given, settings
from rest_framework.test import APIClient
from schemathesis.core import NotSet

from tests.cast import Cast


@pytest.fixture(scope="module")
def document() -> dict:
    return SchemaGenerator().get_schema(request=None, public=True)


def test_the_schema_is_valid_and_complete(document: dict):
    validate_schema(document)
    assert document["openapi"].startswith("3.")
    assert {"/api/v1/requests/", "/api/v1/requests/preview/", "/api/v1/estimates/"} <= set(document["paths"])


@pytest.mark.django_db
@pytest.mark.parametrize("who", ["alice", "grace"], ids=["requester", "officer"])
def test_random_calls_never_crash(document: dict, cast: Cast, who: str):
    client = APIClient(raise_request_exception=False)
    client.force_authenticate(cast.users[who])
    operations = [found.ok() for found in schemathesis.openapi.from_dict(document).get_all_operations()]
    assert len(operations) >= 15
    for operation in operations:

        @settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
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
            # A machine that is too busy says so in the documented way; anything else above 499 is a crash.
            is_busy = response.status_code == 503 and response.json()["code"] == "busy"
            assert response.status_code < 500 or is_busy, (case.method, case.path, response.content[:300])

        never_crashes()
