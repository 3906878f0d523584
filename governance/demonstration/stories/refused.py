"""Asks that a rule refused, that lack something, or whose size or price is unknown: stories 23 to 27, 36 to 38, 40."""

from __future__ import annotations

from datetime import timedelta

from governance.demonstration.contents import content, evidence
from governance.demonstration.organisation.world import Story, World, within
from governance.domain.states.requests import RequestKind
from governance.services.requests import drafts


def restricted_partner(world: World) -> Story:
    """Story 23: the partner's people work in a country that needs a licence."""
    now = yield world.cast.calendar.at(-43, "10:30")
    yield from world.ask(
        23,
        "tove",
        content(
            "Joint study with the Institute of Applied Computation",
            project="university-grant",
            workload="fine_tuning",
            place="pool",
            count=8,
            hours=8276.0,
            start=now + timedelta(days=10),
            days=45,
            work={"parameters_billion": 3, "tokens_billion": 550},
            why="The partner's group runs half of the experiments from its own offices.",
            beneficiary_entity="Institute of Applied Computation",
            beneficiary_hq_country="RU",
            access_countries=["RU", "SE"],
            modalities=["text"],
        ),
        now,
    )


def customer_transcripts(world: World) -> Story:
    """Stories 24 and 25: customers' conversations may not leave Europe; the same request in Stockholm is approved."""
    calendar = world.cast.calendar
    now = yield calendar.at(-17, "09:25")
    asked = content(
        "Call transcripts: fine-tune of the summariser",
        project="contact-centre",
        workload="fine_tuning",
        place="aws",
        count=16,
        hours=6100.0,
        start=now + timedelta(days=3),
        days=30,
        work={"parameters_billion": 8, "tokens_billion": 140},
        why="Summaries miss what callers ask for second; nine years of transcripts, with consent.",
        purpose="customer_delivery",
        data_class="personal",
        customer_data=True,
        modalities=["text"],
        beneficiary_entity="Meridian Insurance Group",
        beneficiary_hq_country="IE",
        evidence=evidence("dpia"),
    )
    denied = yield from world.ask(24, "isla", {**asked, "region": "us-east-1", "country": "US"}, now)
    now = yield calendar.at(-15, "10:40")
    copy = within(drafts.clone_request, request_id=denied.pk, actor=world.cast["isla"], now=now)
    within(
        drafts.save_draft,
        request_id=copy.pk,
        actor=world.cast["isla"],
        content={**asked, "start_on": world.day(now, 3), "end_on": world.day(now, 32)},
        now=now,
    )
    now = yield now + timedelta(minutes=6)
    world.requests[25] = world.submit("isla", copy, now)
    now = yield calendar.at(-14, "11:15")
    world.decide(world.requests[25], "hannah", "Needed for Meridian's second wave.", now)
    now = yield calendar.at(-11, "14:25")
    world.decide(world.requests[25], "lena", "The assessment covers it; delete the transcripts after the run.", now)
    now = yield calendar.ago(hours=32)
    world.measure(world.requests[25], hours=2950.0, spent_usd=2950 * 2.95, utilisation=0.83)


def marketplace(world: World) -> Story:
    """Story 26: confidential data on a marketplace that nobody approved."""
    now = yield world.cast.calendar.at(-26, "16:05")
    yield from world.ask(
        26,
        "theo",
        content(
            "Rented desktops for log search",
            project="ci",
            workload="interactive",
            place="vast",
            count=8,
            hours=2571.0,
            start=now,
            days=20,
            purpose="internal_tooling",
            data_class="confidential",
            why="The cheapest cards there are; 900 USD for three weeks.",
        ),
        now,
    )


def emotions(world: World) -> Story:
    """Story 27: prohibited by clause 4.2 of the acceptable-use statement."""
    now = yield world.cast.calendar.at(-21, "13:50")
    yield from world.ask(
        27,
        "mina",
        content(
            "Stress levels of call agents",
            project="contact-centre",
            workload="fine_tuning",
            place="aws",
            count=8,
            hours=2034.0,
            start=now + timedelta(days=2),
            days=30,
            work={"parameters_billion": 3, "tokens_billion": 130},
            why="A supervisor's dashboard that shows who sounds tired.",
            purpose="product",
            prohibited_uses=["emotion-recognition-at-work"],
            modalities=["audio"],
        ),
        now,
    )


def found_in_the_bill(world: World) -> Story:
    """Story 36: sixteen accelerators that ran without a grant; ratified, with a finding."""
    calendar = world.cast.calendar
    now = yield calendar.at(-10, "09:35")
    began = now - timedelta(days=26)
    request = yield from world.ask(
        36,
        "theo",
        content(
            "Found in the bill: 16 × A100 for eleven days",
            project="ci",
            workload="interactive",
            place="lambda",
            count=16,
            hours=4224.0,
            start=began,
            days=11,
            purpose="infrastructure",
            why="A test cluster that nobody switched off; found when last month's bill was matched with grants.",
            kind=RequestKind.RATIFICATION,
        ),
        now,
    )
    now = yield calendar.at(-9, "11:25")
    world.decide(request, "bob", "Ratified. Finding: the clean-up job had no owner; it is Theo's now.", now)
    now = yield calendar.at(-8, "09:50")
    world.measure(request, hours=4224.0, spent_usd=5913.6, utilisation=0.02)
    world.end(request, "bob", now)


def without_a_price(world: World) -> Story:
    """Story 37: no dated price, so the cost is unknown, and unknown is never zero."""
    now = yield world.cast.calendar.lately(7)
    yield from world.ask(
        37,
        "isla",
        content(
            "Trial of Maia accelerators",
            project="document-assistant",
            workload="inference_batch",
            place="azure",
            count=8,
            hours=400.0,
            start=now,
            days=14,
            work={"parameters_billion": 8, "requests": 500000, "input_tokens": 800, "output_tokens": 80},
            why="Whether our runtime works there at all.",
            purpose="product",
        ),
        now,
    )


def contractor(world: World) -> Story:
    """Story 38: a contractor's ask above the cap."""
    now = yield world.cast.calendar.at(-14, "15:45")
    yield from world.ask(
        38,
        "kofi",
        content(
            "Layout model for scanned forms",
            project="document-assistant",
            workload="fine_tuning",
            place="aws",
            count=16,
            hours=4068.0,
            start=now + timedelta(days=3),
            days=30,
            work={"parameters_billion": 4, "tokens_billion": 200},
            why="Forms with handwriting; the present model reads 71 % of the fields.",
            modalities=["text", "vision"],
            purpose="product",
        ),
        now,
    )


def never_answered(world: World) -> Story:
    """Story 40: nobody answered what was asked back, and after 14 days the hold ended."""
    calendar = world.cast.calendar
    now = yield calendar.at(-20, "10:15")
    request = yield from world.ask(
        40,
        "adaeze",
        content(
            "Long red-team campaign with agents",
            project="red-team",
            workload="agentic",
            place="pool",
            count=32,
            hours=15172.0,
            start=now + timedelta(days=14),
            days=60,
            work={
                "parameters_billion": 34, "tasks": 200000, "steps_per_task": 30, "input_tokens": 6000,
                "output_tokens": 400,
            },
            why="Agents that try to talk Assist into acting against its owner.",
            purpose="safety",
        ),
        now,
    )  # fmt: skip
    now = yield calendar.at(-18, "09:30")
    world.comment("grace", request, "Please link the pilot: how many of the tries were new?", now)
    now = yield calendar.on(-5, "23:00")
    world.expire(request, now)


STORIES = (
    restricted_partner,
    customer_transcripts,
    marketplace,
    emotions,
    found_in_the_bill,
    without_a_price,
    contractor,
    never_answered,
)
