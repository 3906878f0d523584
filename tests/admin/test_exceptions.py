"""Exceptions on the desk: what cannot be is said beside its field, and people see those of their own teams."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse

from governance.models import PolicyException
from tests.admin.conftest import signed_in
from tests.cast import Cast

pytestmark = pytest.mark.django_db


def fields(cast: Cast, **changes: Any) -> dict[str, Any]:
    return {
        "rule_id": "VR-1", "team": cast.team.pk, "project": "", "reason": "terms are under review",
        "valid_from": "", "valid_to": "2030-01-01T00:00",
    } | changes  # fmt: skip


@pytest.mark.parametrize(
    "days",
    [
        {"valid_from": "9999-12-30T10:00", "valid_to": "9999-12-31T10:00"},
        {"valid_from": "9999-12-31T23:59", "valid_to": "9999-12-31T23:59"},
        {"valid_to": "9999-12-31T23:59"},
        {"valid_from": "0001-01-01T00:00", "valid_to": "0001-01-01T00:00"},
    ],
)
def test_days_at_the_ends_of_the_calendar_are_refused_in_words(house_cast: Cast, days: dict[str, str]) -> None:
    response = signed_in(house_cast.grace).post(
        reverse("admin:governance_policyexception_ask"), fields(house_cast, **days)
    )
    assert response.status_code == 400
    text = response.content.decode()
    assert "days ahead" in text or "days after the start" in text or "has passed" in text
    assert not PolicyException.objects.exists()
