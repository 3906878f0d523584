"""List prices that are old warn and never decide alone; agreed prices hold to their end."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from governance.policy.bundle.effects import Outcome
from governance.selectors.people import people
from governance.selectors.requests import assessments, judgement, provisioning
from governance.services.requests import submission
from tests.cast import NOW, Cast, content, submitted
from tests.unit.selectors.register.test_usable_places import add_price

DAY = NOW.date()
ELSEWHERE = {"provider": "acme", "accelerator": "l40s", "gpu_hours_cap": 100.0, "price_term": "on_demand"}


def priced(days: int) -> None:
    add_price("acme", usd="1.00", is_own=False, accelerator="l40s", as_of=DAY - timedelta(days=days))


def assessed(cast: Cast, **changes: Any) -> judgement.Assessed:
    return assessments.preview(content(**ELSEWHERE | changes), actor=cast.alice, now=NOW)


@pytest.mark.parametrize(("days", "outcome"), [(0, Outcome.ALLOW), (180, Outcome.ALLOW), (181, Outcome.REVIEW)])
def test_a_list_price_decides_alone_for_180_days(cast: Cast, days: int, outcome: Outcome) -> None:
    priced(days)
    found = assessed(cast)
    assert found.decision.outcome is Outcome.ALLOW
    assert found.outcome is outcome
    is_old = outcome is Outcome.REVIEW
    assert bool(found.stages) is is_old
    assert ("181\u00a0days old" in found.held_back) is is_old
    assert any("the list price at `acme`" in text for text in found.estimate.warnings) is is_old


def test_the_age_is_a_setting(cast: Cast, settings: Any) -> None:
    priced(181)
    settings.LIST_PRICE_DAYS_MAX = 200
    assert assessed(cast).outcome is Outcome.ALLOW


def test_a_cap_in_money_is_not_decided_by_a_price(cast: Cast) -> None:
    priced(500)
    assert assessed(cast, money_cap_usd=50.0).outcome is Outcome.ALLOW


def test_nothing_is_granted_and_the_page_says_why(cast: Cast) -> None:
    priced(300)
    request = submission.create_and_submit(actor=cast.alice, content=content(**ELSEWHERE), now=NOW)
    assert request.state == "in_review"
    read = provisioning.story(
        request.number, visibility=people.visibility_of(cast.alice, now=NOW), viewer_id=cast.alice.person_id, now=NOW
    )
    assert "300\u00a0days old" in read.held_back


@pytest.mark.parametrize(("days", "outcome"), [(13, Outcome.REVIEW), (14, Outcome.ALLOW), (None, Outcome.ALLOW)])
def test_an_agreed_price_holds_to_its_end_and_no_day_longer(cast: Cast, days: int | None, outcome: Outcome) -> None:
    """The window of the tests' request has fourteen days: an end on the fifteenth covers it."""
    ends = None if days is None else DAY + timedelta(days=days)
    add_price("acme", usd="1.00", accelerator="l40s", effective_to=ends, as_of=date(2024, 1, 1))
    found = assessed(cast)
    assert found.estimate.price is not None
    assert found.estimate.price.is_own
    assert found.outcome is outcome


def test_what_people_decide_is_not_held_back_twice(cast: Cast) -> None:
    request = submitted(cast)
    read = provisioning.story(
        request.number, visibility=people.visibility_of(cast.alice, now=NOW), viewer_id=cast.alice.person_id, now=NOW
    )
    assert read.held_back == ""
