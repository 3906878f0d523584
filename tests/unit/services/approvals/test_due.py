"""An approval is due at the end of the organisation's working day, before submission and after."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone

from governance.display import reader
from governance.models import ApprovalStage
from governance.selectors.approvals.due import working_time
from governance.selectors.requests import assessments, similar
from governance.selectors.requests.advice import advice
from governance.web.requests.verdict import verdict
from tests.cast import NOW, Cast, reviewed, submitted


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("UTC", datetime(2026, 6, 2, 17, tzinfo=UTC)),
        ("Europe/Dublin", datetime(2026, 6, 2, 16, tzinfo=UTC)),
        ("America/Toronto", datetime(2026, 6, 2, 21, tzinfo=UTC)),
        ("Pacific/Kiritimati", datetime(2026, 6, 2, 3, tzinfo=UTC)),
    ],
)
@pytest.mark.django_db
def test_five_in_the_afternoon_where_the_organisation_works(settings: Any, zone: str, expected: datetime) -> None:
    settings.ORGANISATION_TIME_ZONE = zone
    assert working_time().due_at(NOW, 1) == expected


@pytest.mark.parametrize("zone", ["Europe/Dublin", "America/Toronto", "Asia/Tokyo", "UTC"])
def test_the_form_names_the_instant_that_the_stage_then_has(cast: Cast, settings: Any, zone: str) -> None:
    settings.ORGANISATION_TIME_ZONE = "Europe/Stockholm"
    assessed = assessments.preview(reviewed(), actor=cast.alice, now=NOW)
    with timezone.override(zone):
        shown = verdict(assessed, now=NOW, counted=similar.Listed((), 0), advice=advice.NOTHING)
        due = ApprovalStage.objects.get(provisioning_request=submitted(cast)).due_at
        assert due == working_time().due_at(NOW, 2)
        assert shown.deciders[0].due == f"due {reader.moment(due)}"
