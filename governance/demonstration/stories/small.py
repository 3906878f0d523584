"""Small requests that no person has to decide, and what was noticed about some: stories 1 to 6, 28 to 31, 39."""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import datetime, timedelta
from typing import Any

from governance.demonstration.calendar import in_office_hours
from governance.demonstration.contents import content
from governance.demonstration.organisation.world import Story, World
from governance.domain.requests.parse import RequestContent
from governance.domain.states.approvals import Verdict
from governance.domain.states.requests import RequestKind
from governance.services.messages.flags import is_sampled

SAMPLE_TRIES = 400


def adapter(
    number: int, who: str, lead: str, project: str, days_ago: int, *, is_new: bool = False
) -> Callable[[World], Story]:
    """Stories 1 to 3: adapters for an 8B model, allowed at once; the new one runs, and was drawn for a later look."""

    def tell(world: World) -> Story:
        now = yield world.cast.calendar.at(-days_ago, "09:40")
        asked = _adapter_request(world, project, now)
        request = yield from world.ask(number, who, _drawn(asked) if is_new else asked, now)
        if is_new:
            now = yield world.cast.calendar.ago(hours=3)
            world.measure(request, hours=29.0, spent_usd=85.55, utilisation=0.78)
            return
        now = yield now + timedelta(days=4)
        world.measure(request, hours=44.0, spent_usd=129.8, utilisation=0.71)
        now = yield now + timedelta(days=4)
        world.end(request, lead, now)

    return tell


def _adapter_request(world: World, project: str, now: datetime) -> dict[str, Any]:
    return content(
        "LoRA on an 8B model, 1 B tokens",
        project=project,
        workload="fine_tuning",
        place="google",
        count=8,
        hours=48.0,
        start=now,
        days=7,
        work={"parameters_billion": 8, "tokens_billion": 1, "method": "lora"},
        why="Adapter for the team's own documents; the base stays as it is. Seed 42.",
        modalities=["text"],
        purpose="product",
    )


def _drawn(asked: dict[str, Any]) -> dict[str, Any]:
    """The same request with a seed by which its digest falls into the sample: which ones do is not for us to choose."""
    for seed in range(43, 43 + SAMPLE_TRIES):
        tried = {**asked, "justification": asked["justification"].replace("42", str(seed))}
        if is_sampled(RequestContent.parse(tried).digest, ratio=0.05):
            return tried
    return asked


def notebooks(number: int, who: str, days_ago: int, *, idle: bool) -> Callable[[World], Story]:
    """Stories 4 and 5: shared notebooks; one stands idle and is flagged."""

    def tell(world: World) -> Story:
        now = yield world.cast.calendar.at(-days_ago, "13:15")
        request = yield from world.ask(
            number,
            who,
            content(
                "Notebooks for the summer project" if idle else "Notebooks for the platform guild",
                project="shared-notebooks",
                workload="interactive",
                place="verda",
                count=8,
                hours=1280.0,
                start=now,
                days=28,
                work={"hours_per_accelerator": 160},
                purpose="internal_tooling",
                why="Eight cards for pair work and teaching, 160 hours each over four weeks.",
            ),
            now,
        )
        now = yield world.cast.calendar.ago(hours=30 if idle else 31)
        hours, share = (324.0, 0.17) if idle else (702.0, 0.64)
        world.measure(request, hours=hours, spent_usd=hours * 0.95, utilisation=share)
        if idle:
            world.flag(
                f"idle:{request.pk}",
                "idle",
                f"{request.reference}: 83 % of its accelerators stood idle for four weeks",
                request,
                now,
            )

    return tell


def vision(world: World) -> Story:
    """Story 6: three days on one accelerator."""
    now = yield world.cast.calendar.at(-46, "10:30")
    request = yield from world.ask(
        6,
        "alice",
        content(
            "Convolutional baseline, 25 M parameters",
            project="vision",
            workload="fine_tuning",
            place="google-spot",
            count=1,
            hours=72.0,
            start=now,
            days=5,
            work={"architecture": "convolutional", "samples_million": 125, "forward_gflop_per_sample": 8.2},
            why="The number every later vision run is compared with.",
            modalities=["vision"],
            data_class="public",
        ),
        now,
    )
    now = yield now + timedelta(days=5)
    world.measure(request, hours=70.0, spent_usd=66.5, utilisation=0.88)
    now = yield now + timedelta(days=2)
    world.end(request, "sofia", now)


def split(world: World) -> Story:
    """Stories 28 to 31: four requests of 2,300 by two people in nine days, seen as one and judged at the sum.

    The first is allowed at once. The second goes to the team lead, who asks for the study in one piece; while it waits
    for that, the third and the fourth make three that count together.
    """
    calendar = world.cast.calendar

    def ask(number: int, who: str, part: str, now: datetime) -> Generator[datetime, datetime, None]:
        yield from world.ask(
            number,
            who,
            content(
                f"Resolution study, part {part}",
                project="vision",
                workload="fine_tuning",
                place="aws",
                count=8,
                hours=779.0,
                start=now,
                days=5,
                work={"parameters_billion": 1.2, "tokens_billion": 150},
                why="One resolution per run, so that the curves can be laid over each other.",
                modalities=["vision"],
            ),
            now,
        )

    now = yield calendar.at(-10, "09:20")
    yield from ask(28, "julia", "one", now)
    now = yield calendar.at(-8, "11:05")
    yield from ask(29, "emil", "two", now)
    now = yield calendar.at(-7, "15:30")
    world.decide(
        world.requests[29],
        "sofia",
        "Please ask for the rest of the study in one piece; part three may go ahead as booked.",
        now,
        verdict=Verdict.CHANGES,
    )
    now = yield calendar.at(-6, "10:10")
    yield from ask(30, "emil", "three", now)
    now = yield calendar.at(-5, "16:40")
    world.decide(
        world.requests[30], "sofia", "Third of the same study: approved, because the machines are booked.", now
    )
    now = yield calendar.lately(5)
    yield from ask(31, "emil", "four", now)


def split_parts_end(world: World) -> Story:
    """The end of the two parts that were granted, whose machines were booked for five days each."""
    yield world.cast.calendar.on(-4, "17:30")
    for number, hours in ((28, 731.0), (30, 702.0)):
        request = world.requests[number]
        now = yield in_office_hours(world.grant_of(request).ends_at + timedelta(hours=9, minutes=20))
        world.measure(request, hours=hours, spent_usd=hours * 2.95, utilisation=0.8)
        world.end(request, "sofia", now)


def half_filled(world: World) -> Story:
    """Story 39: a draft that was saved half way."""
    now = yield world.cast.calendar.lately(7)
    world.requests[39] = world.draft(
        "alice",
        {
            "title": "Longer context, second try",
            "kind": RequestKind.NEW,
            "project": "long-context",
            "workload": "continued_pretraining",
            "purpose": "research",
            "sizing": "work",
            "work": {"parameters_billion": 13, "context_tokens": 131072},
        },
        now,
    )


STORIES = (
    adapter(1, "nora", "jonas", "adapters", 82),
    adapter(2, "mina", "hannah", "document-assistant", 96),
    adapter(3, "alice", "sofia", "long-context", 4, is_new=True),
    notebooks(4, "theo", 16, idle=False),
    notebooks(5, "erik", 12, idle=True),
    vision,
    split,
    split_parts_end,
    half_filled,
)
