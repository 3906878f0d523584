"""The requests that the whole house looks at: stories 10, 11, 21 and 22."""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime, timedelta

from governance.demonstration.calendar import in_office_hours
from governance.demonstration.contents import content, evidence
from governance.demonstration.organisation.world import Story, World
from governance.domain.states.approvals import Verdict
from governance.models import ProvisioningRequest


def borealis(world: World) -> Story:
    """Story 10: 4.5 million and three months of the whole reserved pool; waits for the second executive."""
    calendar = world.cast.calendar
    now = yield calendar.at(-11, "09:00")
    request = yield from world.ask(
        10,
        "nora",
        content(
            "Borealis 34B, 12 T tokens",
            project="borealis",
            workload="pretraining",
            place="coreweave",
            count=768,
            hours=1_720_000.0,
            start=now + timedelta(days=31),
            days=94,
            work={"parameters_billion": 34, "tokens_billion": 12000},
            why="The year's large release. The pilot of one tenth is reported in the link; the rest follows in "
            "one run of 93 days on all 768 H200.",
            lineage="borealis",
            modalities=["text"],
            purpose="product",
            exposure_of_output="public",
            eu_market=True,
            evidence=evidence("pilot_run", "board_resolution", "exit_plan", "cost_comparison"),
        ),
        now,
    )
    now = yield calendar.at(-10, "10:30")
    world.decide(request, "ines", "This is what the reservation was made for.", now)
    now = yield calendar.at(-10, "14:45")
    world.decide(request, "bob", "All 768 from next month on: Aurora's phase then cannot run in January.", now)
    now = yield calendar.at(-9, "09:20")
    world.decide(request, "dmitri", "Inside Borealis' budget, which ends the year at 93 %.", now)
    now = yield calendar.at(-8, "11:15")
    world.decide(request, "priya", "Above 1e23, far below 1e25. The documentation file is open.", now)
    now = yield calendar.at(-8, "15:35")
    world.decide(request, "omar", "The exit plan covers the first six months; no objection.", now)
    now = yield calendar.at(-4, "10:05")
    world.decide(request, "greta", "Hydro power; I have booked it against the team's allowance.", now)
    now = yield calendar.at(-2, "16:00")
    world.decide(request, "carol", "The board paper is in order. Paul's word is still missing.", now)


def aurora(world: World) -> Story:
    """Story 11: may exceed 1e25. Three of five of the safety board decide, and whoever benefits does not."""
    calendar = world.cast.calendar
    now = yield calendar.at(-9, "10:00")
    request = yield from world.ask(
        11,
        "jonas",
        content(
            "Aurora: reinforcement-learning phase",
            project="aurora",
            workload="rl_synthetic",
            place="coreweave",
            count=384,
            hours=843_000.0,
            start=now + timedelta(days=30),
            days=92,
            work={
                "parameters_billion": 400, "active_parameters_billion": 40, "architecture": "mixture_of_experts",
                "generated_tokens_billion": 6500, "trained_tokens_billion": 2800,
            },
            why="The phase that turns the base into an assistant. Lineage so far: 4.8e24 direct, 2.1e24 synthetic.",
            lineage="aurora",
            modalities=["text", "image_gen"],
            purpose="product",
            exposure_of_output="public",
            eu_market=True,
            evidence=evidence("pilot_run", "board_resolution", "exit_plan", "notification_owner"),
        ),
        now,
    )  # fmt: skip
    now = yield calendar.at(-8, "10:40")
    world.decide(request, "freya", "Planned for since spring; Ines owns the lineage and does not vote.", now)
    now = yield calendar.at(-8, "13:10")
    world.decide(
        request, "erik", "Half of the reserved pool; collides with Borealis in January, see the calendar.", now
    )
    now = yield calendar.at(-7, "09:30")
    world.decide(request, "dmitri", "Within Aurora's budget.", now)
    now = yield calendar.at(-7, "11:50")
    world.decide(request, "priya", "p90 crosses 1e25: I own the notification, the draft is ready.", now)
    now = yield calendar.at(-6, "10:15")
    world.decide(request, "henrik", "If it is exceeded we have two weeks; the draft is sufficient.", now)
    now = yield calendar.at(-6, "14:20")
    world.decide(request, "omar", "Exit plan as for Borealis.", now)
    now = yield calendar.at(-4, "15:10")
    world.decide(request, "greta", "Booked against the allowance.", now)
    now = yield calendar.at(-2, "11:00")
    world.decide(
        request, "adaeze", "Yes, with a stop at 9.5e24 and the evaluations of the red team before it goes on.", now
    )
    now = yield calendar.lately(4)
    world.decide(request, "nils", "Yes under Adaeze's condition.", now)


def aurora_before(world: World) -> Story:
    """What came before story 11: two phases of the same lineage, which its page shows as precedents."""
    calendar = world.cast.calendar
    now = yield calendar.at(-170, "09:30")
    request = yield from world.ask(
        110,
        "jonas",
        content(
            "Aurora: synthetic conversations",
            project="aurora",
            workload="rl_synthetic",
            place="coreweave",
            count=128,
            hours=150_000.0,
            start=now + timedelta(days=6),
            days=60,
            work={
                "parameters_billion": 400, "active_parameters_billion": 40, "architecture": "mixture_of_experts",
                "generated_tokens_billion": 900, "trained_tokens_billion": 0,
            },
            why="Conversations in eleven languages; the base writes them, people look at one in a thousand.",
            lineage="aurora",
            modalities=["text"],
            purpose="product",
            evidence=evidence("pilot_run"),
        ),
        now,
    )  # fmt: skip
    yield from _approve(world, request, calendar.at(-168, "10:00"))
    now = yield in_office_hours(world.grant_of(request).ends_at + timedelta(hours=9))
    world.measure(request, hours=141_300.0, spent_usd=141_300 * 2.60, utilisation=0.87)
    world.end(request, "jonas", now)
    now = yield calendar.at(-80, "10:30")
    request = yield from world.ask(
        111,
        "jonas",
        content(
            "Aurora: long documents and code",
            project="aurora",
            workload="continued_pretraining",
            place="coreweave",
            count=128,
            hours=66_000.0,
            start=now + timedelta(days=5),
            days=30,
            work={
                "parameters_billion": 400, "active_parameters_billion": 40, "architecture": "mixture_of_experts",
                "tokens_billion": 300,
            },
            why="What the base read too little of, before the assistant is trained.",
            lineage="aurora",
            modalities=["text"],
            purpose="product",
            evidence=evidence("pilot_run"),
        ),
        now,
    )  # fmt: skip
    yield from _approve(world, request, calendar.at(-78, "10:00"))
    now = yield in_office_hours(world.grant_of(request).ends_at + timedelta(hours=9))
    world.measure(request, hours=63_900.0, spent_usd=63_900 * 2.60, utilisation=0.9)
    world.end(request, "jonas", now)


def _approve(world: World, request: ProvisioningRequest, at: datetime) -> Generator[datetime, datetime, None]:
    """Everybody who is asked about a phase of Aurora says yes, some hours apart."""
    for who, reason in (
        ("freya", "Part of the year's plan."),
        ("erik", "The pool has room until autumn."),
        ("dmitri", "Within Aurora's budget."),
        ("priya", "Counted towards the lineage."),
        ("henrik", "No objection."),
        ("omar", "No change in what we owe."),
        ("greta", "Booked against the allowance."),
    ):
        at = yield at + timedelta(hours=1)
        world.decide_if_asked(request, who, reason, at)
    for flag in request.flags.filter(closed_at=None):
        world.close_flag(flag, "priya", "The board has it on its list for autumn.", at)


def purchase(world: World) -> Story:
    """Story 21: eight nodes to own; withdrawn once buying and renting stood side by side."""
    calendar = world.cast.calendar
    now = yield calendar.at(-124, "10:50")
    request = yield from world.ask(
        21,
        "jonas",
        content(
            "Purchase of 64 × B200, eight nodes",
            project="aurora",
            workload="purchase",
            place="pool",
            count=64,
            start=now + timedelta(days=30),
            days=1,
            work={"unit_price_usd": 56250, "lifetime_years": 4},
            why="Eight nodes in Luleå instead of renting; break-even at 57 % use over four years.",
            purpose="infrastructure",
            destination_country="SE",
            price_term="purchase",
            accelerator="b200-sxm",
            evidence=evidence("cost_comparison", "board_resolution", "exit_plan"),
        ),
        now,
    )
    now = yield calendar.at(-122, "14:00")
    world.decide(request, "ines", "I would rather own them, but show me the comparison.", now)
    now = yield calendar.at(-118, "09:25")
    world.comment(
        "dmitri", request, "At our 49 % use of that class, renting stays 11 % cheaper. See the comparison.", now
    )
    now = yield calendar.at(-117, "10:10")
    world.withdraw("jonas", request, "The comparison says rent. We come back when use is above 57 %.", now)


def reservation(world: World) -> Story:
    """Story 22: a year's reservation, all of it owed; the exit plan was missing, now Paul's word is."""
    calendar = world.cast.calendar
    now = yield calendar.at(-13, "09:10")
    request = yield from world.ask(
        22,
        "freya",
        content(
            "Reserve 64 × H100 for one year",
            project="reserved-capacity",
            workload="lease",
            place="coreweave-year",
            count=64,
            start=now + timedelta(days=28),
            days=365,
            work={},
            why="Evaluations run on demand all year; reserved they cost 2.10 instead of 2.95 an hour.",
            purpose="infrastructure",
            evidence=evidence("cost_comparison"),
        ),
        now,
    )
    now = yield calendar.at(-13, "11:30")
    world.decide(
        request,
        "ines",
        "45 % with one provider: the rule wants an exit plan. Add it, please.",
        now,
        verdict=Verdict.CHANGES,
    )
    now = yield calendar.at(-11, "09:35")
    world.ask_again("freya", request, {"evidence": evidence("cost_comparison", "exit_plan")}, now)
    now = yield calendar.at(-11, "13:20")
    world.decide(request, "ines", "With the exit plan, yes.", now)
    now = yield calendar.at(-11, "14:10")
    world.decide(request, "erik", "Fills the gap of the evaluations.", now)
    now = yield calendar.at(-10, "10:20")
    world.decide(request, "dmitri", "1.18 million, owed whatever happens; saves 0.47 million against on demand.", now)
    now = yield calendar.at(-10, "15:45")
    world.decide(request, "omar", "The exit plan names two other sellers at similar prices.", now)
    now = yield calendar.at(-9, "16:20")
    world.decide(request, "greta", "Same energy as on demand, in a cleaner place.", now)
    now = yield calendar.at(-8, "16:15")
    world.decide(request, "carol", "Approved from finance's side.", now)


STORIES = (borealis, aurora_before, aurora, purchase, reservation)
