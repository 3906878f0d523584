"""Work that serves or measures: stories 14 to 17, 19 and 20."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from governance.demonstration.calendar import in_office_hours
from governance.demonstration.contents import content
from governance.demonstration.organisation.world import Story, World
from governance.domain.states.approvals import Verdict


def serving(world: World) -> Story:
    """Story 14: a service without an end; its grant lasts 90 days and has to be looked at again in nine."""
    calendar = world.cast.calendar
    now = yield calendar.at(-83, "09:45")
    request = yield from world.ask(
        14,
        "samir",
        content(
            "Assist serving, 70B in FP8",
            project="assist-serving",
            workload="inference_online",
            place="coreweave",
            count=24,
            hours=51840.0,
            start=now,
            days=None,
            work={
                "parameters_billion": 70, "precision": "fp8", "requests_per_day": 900000, "input_tokens": 900,
                "output_tokens": 250, "latency_target_ms": 450,
            },
            why="Assist answers 900,000 questions a day; 95 % of first tokens within 450 ms.",
            purpose="product",
            exposure_of_output="public",
        ),
        now,
    )  # fmt: skip
    now = yield calendar.at(-82, "10:05")
    world.decide(request, "marcus", "Assist pays for half of this team.", now)
    now = yield calendar.at(-82, "13:25")
    world.decide(request, "bob", "Twenty-four of the reserved pool.", now)
    # The last yes falls on the day from which ninety days end nine days after the first start.
    now = yield calendar.on(-81, "07:40")
    world.decide(request, "dmitri", "45.6 k a month, as planned.", now)
    now = yield calendar.ago(hours=26)
    world.measure(request, hours=46200.0, spent_usd=46200 * 2.60, utilisation=0.74)


def launch_spike(world: World) -> Story:
    """Story 15: two weeks of ten times the load; over, and 41 % used."""
    calendar = world.cast.calendar
    now = yield calendar.at(-52, "09:30")
    request = yield from world.ask(
        15,
        "mina",
        content(
            "Assist launch: ten times the load for two weeks",
            project="assist-serving",
            workload="inference_online",
            place="aws",
            count=96,
            hours=32256.0,
            start=now + timedelta(days=5),
            days=14,
            work={
                "parameters_billion": 70, "precision": "fp8", "requests_per_day": 9000000, "input_tokens": 900,
                "output_tokens": 250, "latency_target_ms": 450,
            },
            why="Marketing expects ten times the questions in the two weeks after the launch.",
            purpose="product",
            exposure_of_output="public",
        ),
        now,
    )  # fmt: skip
    now = yield calendar.at(-51, "10:15")
    world.decide(request, "marcus", "A launch that answers slowly costs more.", now)
    now = yield calendar.at(-51, "15:00")
    world.decide(request, "bob", "On demand, because the pool is full then.", now)
    now = yield calendar.at(-50, "11:10")
    world.decide_if_asked(request, "dmitri", "Once, and not as the new base load.", now)
    now = yield in_office_hours(world.grant_of(request).ends_at + timedelta(hours=9))
    world.measure(request, hours=13225.0, spent_usd=13225 * 2.95, utilisation=0.41)
    world.end(request, "hannah", now)
    for flag in request.flags.filter(closed_at=None):
        world.close_flag(flag, "hannah", "Over: 41 % of it was needed.", now)


def nightly_batch(world: World) -> Story:
    """Story 16: spot machines at night, interrupted six times so far."""
    calendar = world.cast.calendar
    now = yield calendar.at(-13, "10:35")
    request = yield from world.ask(
        16,
        "pavel",
        content(
            "Nightly quality scores for new pages",
            project="curation",
            workload="inference_batch",
            place="google-spot",
            count=32,
            hours=7680.0,
            start=now,
            days=28,
            work={"parameters_billion": 8, "requests": 60000000, "input_tokens": 1200, "output_tokens": 20},
            why="Thirty-two spot cards, ten hours a night; whatever is interrupted is done the next night.",
            data_class="public",
        ),
        now,
    )
    now = yield calendar.at(-12, "09:10")
    world.decide(request, "luca", "Cheap and patient, as it should be.", now)
    now = yield calendar.ago(hours=22)
    world.measure(request, hours=3360.0, spent_usd=3360 * 0.95, utilisation=0.69)
    world.comment("pavel", request, "Interrupted six times so far; each time it went on from the last shard.", now)


def hosted_model(world: World) -> Story:
    """Story 17: changes were asked for; with caching and batches it costs a third less."""
    calendar = world.cast.calendar
    now = yield calendar.at(-62, "11:20")
    month = {
        "api_model": "GPT-4o, enterprise agreement",
        "input_tokens_million_month": 40000,
        "output_tokens_million_month": 6000,
        "months": 3,
    }
    request = yield from world.ask(
        17,
        "isla",
        content(
            "Hosted model for call summaries, three months",
            project="contact-centre",
            workload="hosted_api",
            place="openai",
            start=now + timedelta(days=7),
            days=90,
            work=month,
            why="40 billion tokens in and 6 billion out a month, until our own 34B can take over.",
            purpose="product",
            exposure_of_output="pilot",
            money_cap_usd=480000.0,
        ),
        now,
    )
    now = yield calendar.at(-61, "10:00")
    world.decide(
        request,
        "marcus",
        "Half of the prompt is the same every time, and nobody waits at night: use caching and the batch price.",
        now,
        verdict=Verdict.CHANGES,
    )
    now = yield calendar.at(-60, "14:30")
    world.ask_again(
        "isla",
        request,
        {
            "money_cap_usd": 298000.0,
            "work": {**month, "cached_percent": 45, "batch_percent": 67},
            "justification": "40 billion tokens in and 6 billion out a month. 45 % of the input is cached, and two "
            "thirds wait for the batch price: 38 % less than before.",
        },
        now,
    )
    now = yield calendar.at(-59, "09:20")
    world.decide(request, "marcus", "That is the request I wanted to see.", now)
    now = yield calendar.at(-59, "13:40")
    world.decide(request, "bob", "No machines of ours.", now)
    now = yield calendar.at(-58, "10:50")
    world.decide(request, "dmitri", "Self-hosting breaks even at 61 % use, which we do not have yet.", now)
    now = yield calendar.ago(hours=25)
    world.measure(request, hours=0.0, spent_usd=171400.0)


def suite(number: int, who: str, project: str, title: str, days_ago: int) -> Callable[[World], Story]:
    """Stories 19 and 20: evaluation suites, allowed at once, closed at 94 % of the estimate."""

    def tell(world: World) -> Story:
        now = yield world.cast.calendar.at(-days_ago, "15:05")
        request = yield from world.ask(
            number,
            who,
            content(
                title,
                project=project,
                workload="evaluation",
                place="pool",
                count=8,
                hours=1152.0,
                start=now,
                days=7,
                work={"parameters_billion": 34, "requests": 900000, "input_tokens": 1500, "output_tokens": 600},
                why="The whole suite before the release, on the weights as they will ship.",
                purpose="evaluation",
            ),
            now,
        )
        now = yield now + timedelta(days=7)
        world.measure(request, hours=1083.0, spent_usd=1083 * 1.45, utilisation=0.9)
        now = yield now + timedelta(days=2)
        world.end(request, "grace", now)

    return tell


STORIES = (
    serving,
    launch_spike,
    nightly_batch,
    hosted_model,
    suite(19, "amara", "red-team", "Red-team suite for Assist", 48),
    suite(20, "grace", "benchmarks", "Benchmark suite for Tern", 41),
)
