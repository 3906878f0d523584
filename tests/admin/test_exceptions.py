"""Exceptions on the desk: what cannot be is said beside its field, and people see those of their own teams."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse

from governance.models import PolicyException
from tests.admin.conftest import signed_in
from tests.cast import Cast, add_person, add_team

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
        reverse("admin:governance_policyexception_request"), fields(house_cast, **days)
    )
    assert response.status_code == 400
    text = response.content.decode()
    assert "days ahead" in text or "days after the start" in text or "Give a day from 2000 to 2199" in text
    assert not PolicyException.objects.exists()


def add(cast: Cast, now: datetime, **scope: Any) -> PolicyException:
    return PolicyException.objects.create(
        rule_id="VR-1", reason="terms are under review", asked_by=cast.grace, asked_at=now, valid_from=now,
        valid_to=now + timedelta(days=30), **scope,
    )  # fmt: skip


def test_people_see_the_exceptions_of_their_own_teams(house_cast: Cast, now: datetime) -> None:
    other = add_team("vision", house_cast.root)
    own, project, elsewhere = (
        add(house_cast, now, **scope)
        for scope in ({"team": house_cast.team}, {"project": house_cast.project}, {"team": other})
    )
    lead = add_person("luke", team=house_cast.team, roles=["team_lead"], scope=house_cast.team, now=now)
    narrow = add_person("olga", team=house_cast.team, roles=["policy_officer"], scope=house_cast.team, now=now)
    for who, seen in (
        (lead, {own, project}),
        (narrow, {own, project, elsewhere}),
        (house_cast.erin, {own, project, elsewhere}),
    ):
        client = signed_in(who)
        text = client.get(reverse("admin:governance_policyexception_changelist")).content.decode()
        for row in (own, project, elsewhere):
            address = reverse("admin:governance_policyexception_change", args=[row.pk])
            assert (address in text) is (row in seen), (who, row)
            assert client.get(address).status_code == (200 if row in seen else 404), (who, row)
    # Whoever keeps policies over one team only answers what they are shown.
    answer = reverse("admin:governance_policyexception_answer", args=[elsewhere.pk])
    assert signed_in(narrow).get(answer).status_code == 200
    assert signed_in(lead).get(answer).status_code == 404


def test_the_row_of_a_table_fits_the_form_whatever_its_length(house_cast: Cast) -> None:
    form = signed_in(house_cast.grace).get(reverse("admin:governance_policyexception_request")).content.decode()
    assert 'maxlength="81"' in form


def test_an_exception_says_rule_as_every_other_page_does(house_cast: Cast, now: datetime) -> None:
    add(house_cast, now, team=house_cast.team)
    row = PolicyException.objects.get()
    browser = signed_in(house_cast.grace)
    places = [
        reverse("admin:governance_policyexception_changelist"),
        reverse("admin:governance_policyexception_request"),
    ]
    for place in [*places, reverse("admin:governance_policyexception_change", args=[row.pk])]:
        text = browser.get(place).content.decode()
        assert "Rule id" not in text
        assert "Which rule" not in text
        assert re.search(r">\s*Rule\s*<", text), place
