"""Renewals: one of a grant that was used, story 32, and one of a grant that stood idle, story 33."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from governance.demonstration.calendar import in_office_hours
from governance.demonstration.contents import content
from governance.demonstration.organisation.world import Story, World, within
from governance.domain.states.requests import RequestKind
from governance.services.grants import grants


def used(world: World) -> Story:
    """Story 32: 78 % utilisation and a fifth more; renewed without a person."""
    calendar = world.cast.calendar
    now = yield calendar.at(-92, "10:25")
    asked: dict[str, Any] = {
        "title": "Regression checks every night",
        "project": "benchmarks",
        "workload": "evaluation",
        "place": "pool",
        "count": 8,
        "work": {"parameters_billion": 34, "requests": 3000000, "input_tokens": 1500, "output_tokens": 600},
        "purpose": "evaluation",
        "why": "Every change of the serving stack is measured against last week's answers.",
    }
    original = yield from world.ask(320, "amara", content(**asked, hours=5517.0, start=now, days=90), now)
    now = yield calendar.at(-91, "13:00")
    world.decide(original, "grace", "The checks found two regressions in the trial.", now)
    now = yield calendar.at(-6, "09:15")
    grant = world.measure(original, hours=5020.0, spent_usd=5020 * 1.45, utilisation=0.78)
    yield from world.ask(
        32,
        "amara",
        content(
            **asked, hours=6620.0, start=now + timedelta(days=2), days=90, kind=RequestKind.RENEWAL,
            related_grant=grant.reference,
        ),
        now,
    )  # fmt: skip
    now = yield in_office_hours(grant.ends_at + timedelta(hours=9))
    world.end(original, "grace", now)
    now = yield calendar.ago(hours=20)
    world.measure(world.requests[32], hours=210.0, spent_usd=304.5, utilisation=0.8)


def idle(world: World) -> Story:
    """Story 33: 19 % utilisation; not renewed, and half of the money goes back."""
    calendar = world.cast.calendar
    now = yield calendar.at(-101, "11:00")
    asked: dict[str, Any] = {
        "title": "Interactive cleaning of crawl samples",
        "project": "curation",
        "workload": "interactive",
        "place": "pool",
        "count": 16,
        "purpose": "research",
        "why": "Sixteen cards, always there, so that samples can be looked at without waiting.",
    }
    original = yield from world.ask(330, "pavel", content(**asked, hours=21380.0, start=now, days=105), now)
    now = yield calendar.at(-100, "10:10")
    world.decide(original, "tomas", "For one quarter, to see whether it is used.", now)
    now = yield calendar.at(-100, "15:20")
    world.decide(original, "bob", "The pool has them.", now)
    now = yield calendar.at(-9, "10:45")
    grant = world.measure(original, hours=10690.0, spent_usd=15500.5, utilisation=0.19)
    yield from world.ask(
        33,
        "pavel",
        content(
            **asked, hours=21380.0, start=now + timedelta(days=7), days=105, kind=RequestKind.RENEWAL,
            related_grant=grant.reference,
        ),
        now,
    )  # fmt: skip
    now = yield calendar.at(-8, "09:00")
    within(grants.return_grant, grant_id=grant.pk, actor=world.cast["pavel"], now=now)


STORIES = (used, idle)
