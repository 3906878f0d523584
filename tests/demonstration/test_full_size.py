"""All of it as a first start loads it, and the stories on other days of the calendar."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from django.utils import timezone

from governance.demonstration.load import load
from governance.demonstration.past.plan import REQUESTS
from governance.models import Assessment, Flag, Grant, ProvisioningRequest
from tests.house import broken_promises

pytestmark = [pytest.mark.prove, pytest.mark.timeout(900)]

SECONDS_MAX = 90
"""On a machine that does other things as well; alone it takes a fifth of this."""

STARTS = (
    datetime(2026, 11, 22, 11, 0, tzinfo=UTC),
    datetime(2026, 11, 23, 7, 30, tzinfo=UTC),
    datetime(2026, 11, 25, 0, 10, tzinfo=UTC),
    datetime(2026, 11, 26, 12, 0, tzinfo=UTC),
    datetime(2026, 11, 27, 23, 50, tzinfo=UTC),
    datetime(2026, 12, 26, 9, 0, tzinfo=UTC),
    datetime(2027, 2, 1, 9, 0, tzinfo=UTC),
    datetime(2027, 3, 31, 23, 30, tzinfo=UTC),
    datetime(2028, 2, 29, 12, 0, tzinfo=UTC),
)


def test_the_whole_year_holds(empty_house: None):
    began = time.monotonic()
    loaded = load(start=timezone.now())
    took = time.monotonic() - began
    assert loaded is not None
    assert loaded.cut_short == {}
    assert loaded.past_count == REQUESTS
    assert ProvisioningRequest.objects.count() == REQUESTS + len(loaded.world.requests)
    unpriced = str(loaded.world.requests[37])
    assert [problem for problem in broken_promises() if not problem.startswith(unpriced)] == []
    stories = [request.pk for request in loaded.world.requests.values()]
    everyday = Assessment.objects.filter(occasion="submit").exclude(revision__provisioning_request__in=stories)
    outcomes = list(everyday.values_list("outcome", flat=True))
    # Rules answer most everyday requests, people some, and one or a few are refused, beside six stories.
    assert len(outcomes) == REQUESTS
    assert 0.70 < outcomes.count("allow") / len(outcomes) < 0.90
    assert 0 < outcomes.count("deny") / len(outcomes) < 0.05
    assert took < SECONDS_MAX


@pytest.mark.parametrize("start", STARTS, ids=lambda start: f"{start:%a %d %b %Y %H:%M}")
def test_stories_are_the_same_on_any_day(empty_house: None, start: datetime):
    loaded = load(start=start, past_count=0)
    assert loaded is not None
    assert loaded.cut_short == {}
    assert Grant.objects.filter(state="active").count() == 13
    assert Flag.objects.filter(closed_at=None).count() == 9
