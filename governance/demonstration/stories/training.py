"""Training runs that people decided: stories 7 to 9, 12, 13, and 18."""

from __future__ import annotations

from datetime import datetime, timedelta

from governance.demonstration.contents import content, evidence
from governance.demonstration.organisation.world import Story, World, within
from governance.domain.money.money import MICRO_PER_UNIT
from governance.models import Budget, Role
from governance.services.approvals import delegations
from governance.services.money import budgets


def full_fine_tune(world: World) -> Story:
    """Story 7: a team lead's yes; in the end it took more hours than were granted."""
    now = yield world.cast.calendar.at(-45, "10:20")
    request = yield from world.ask(
        7,
        "nora",
        content(
            "Full fine-tune of the 70B, 10 B tokens",
            project="adapters",
            workload="fine_tuning",
            place="pool",
            count=32,
            hours=2950.0,
            start=now,
            days=14,
            work={"parameters_billion": 70, "tokens_billion": 10, "method": "full"},
            why="All parameters change, because the adapters plateaued in three trials.",
            modalities=["text"],
            purpose="product",
        ),
        now,
    )
    now = yield now + timedelta(hours=5)
    world.decide(request, "jonas", "The three trials are convincing. Stop if the loss does not fall by day four.", now)
    now = yield now + timedelta(days=13)
    grant = world.measure(request, hours=3410.0, spent_usd=3410 * 1.45, utilisation=0.86)
    over = world.flag(
        f"grant_over_cap:{grant.pk}:hours:{grant.gpu_hours_cap}",
        "grant_over_cap",
        f"{grant.reference} has used 3,410 of 2,950 h: the estimate is reviewed",
        request,
        now,
    )
    now = yield now + timedelta(days=2)
    world.end(request, "jonas", now)
    world.close_flag(over, "jonas", "Two node failures; the next plan allows for restarts.", now)
    world.comment(
        "jonas", request, "Two restarts after node failures: 460 hours. We plan 15 % for this next time.", now
    )


def continued_pretraining(world: World) -> Story:
    """Story 8: 28.5 k, running."""
    calendar = world.cast.calendar
    now = yield calendar.at(-38, "09:50")
    request = yield from world.ask(
        8,
        "samir",
        content(
            "Continued pre-training of the 13B ranker, 200 B tokens",
            project="search-ranking",
            workload="continued_pretraining",
            place="coreweave",
            count=16,
            hours=10960.0,
            start=now,
            days=52,
            work={"parameters_billion": 13, "tokens_billion": 200},
            why="The ranker has not seen this year's pages; recall on new queries fell by six points since spring.",
            modalities=["text"],
            purpose="product",
            eu_market=False,
        ),
        now,
    )
    now = yield calendar.at(-37, "14:05")
    world.decide(request, "marcus", "Recall is our first goal this quarter.", now)
    now = yield calendar.at(-36, "09:15")
    world.decide(request, "bob", "Sixteen of the reserved H200 are free until mid-month; more would collide.", now)
    now = yield calendar.lately(16)
    world.measure(request, hours=6905.0, spent_usd=6905 * 2.60, utilisation=0.81)


def tern(world: World) -> Story:
    """Story 9: does exceed the indicative line of general-purpose models; finance and AI governance said yes."""
    calendar = world.cast.calendar
    now = yield calendar.at(-34, "11:30")
    request = yield from world.ask(
        9,
        "nora",
        content(
            "Tern 7B, 4 T tokens",
            project="tern",
            workload="pretraining",
            place="coreweave",
            count=512,
            hours=118000.0,
            start=now + timedelta(days=6),
            days=40,
            work={"parameters_billion": 7, "tokens_billion": 4000},
            why="The small model for devices; the pilot on 50 B tokens met its loss.",
            lineage="tern",
            modalities=["text"],
            purpose="product",
            exposure_of_output="public",
            eu_market=True,
            evidence=evidence("pilot_run"),
        ),
        now,
    )
    now = yield calendar.at(-33, "10:00")
    world.decide(request, "ines", "Tern is the first of this year's two releases.", now)
    now = yield calendar.at(-33, "15:20")
    world.decide(request, "bob", "512 of 768 until the end of the window; nothing else is planned there.", now)
    now = yield calendar.at(-31, "09:45")
    world.decide(request, "dmitri", "Within Tern's budget: three quarters of it used afterwards.", now)
    now = yield calendar.at(-30, "16:10")
    world.decide(request, "priya", "Above 1e23: the technical documentation is opened today, I keep the file.", now)
    now = yield calendar.ago(hours=28)
    world.measure(request, hours=81200.0, spent_usd=81200 * 2.60, utilisation=0.93)


def modified_base(world: World) -> Story:
    """Story 12: more than a third of the base's compute, so we become provider of the modified model."""
    calendar = world.cast.calendar
    now = yield calendar.at(-58, "10:10")
    request = yield from world.ask(
        12,
        "julia",
        content(
            "Fjord 9B: 2.1 T more tokens on an open base",
            project="domain-adaptation",
            workload="continued_pretraining",
            place="pool",
            count=64,
            hours=79300.0,
            start=now + timedelta(days=5),
            days=60,
            work={"parameters_billion": 9, "tokens_billion": 2100},
            why="The Nordic languages are thin in the base; we train on two trillion tokens of our own.",
            lineage="fjord-9b",
            modalities=["text"],
            exposure_of_output="public",
            eu_market=True,
            evidence=evidence("pilot_run"),
        ),
        now,
    )
    now = yield calendar.at(-57, "09:30")
    world.decide(request, "yuki", "This is the year's main result of the group.", now)
    now = yield calendar.at(-56, "11:00")
    world.decide(request, "erik", "Sixty-four of the pool for two months; the notebooks move to Verda.", now)
    now = yield calendar.at(-55, "13:40")
    world.decide(request, "dmitri", "Fits the year's plan.", now)
    now = yield calendar.at(-53, "10:25")
    world.decide(
        request, "priya", "Ratio 0.42 of the base's compute: we are the provider. Documentation is due at release.", now
    )
    now = yield calendar.at(-52, "15:00")
    world.decide(request, "henrik", "Approved with a note: the base's licence text travels with the weights.", now)
    now = yield calendar.ago(hours=29)
    world.measure(request, hours=61000.0, spent_usd=61000 * 1.45, utilisation=0.77)


def small_tune_of_large_base(world: World) -> Story:
    """Story 13: four thousandths of the base's compute, so no provider's duty; Sofia decides for Yuki, who is away."""
    calendar = world.cast.calendar
    now = yield calendar.at(-4, "08:30")
    _delegate(world, now)
    now = yield calendar.at(-4, "14:10")
    request = yield from world.ask(
        13,
        "tove",
        content(
            "Harbour: tone and format on a large open base",
            project="domain-adaptation",
            workload="fine_tuning",
            place="pool",
            count=32,
            hours=18000.0,
            start=now + timedelta(days=3),
            days=30,
            work={"parameters_billion": 70, "tokens_billion": 60, "method": "full"},
            why="Form letters in five languages; 2.5e22 FLOP on a base of 6.3e24.",
            lineage="harbour",
            modalities=["text"],
            eu_market=True,
            purpose="product",
        ),
        now,
    )
    now = yield calendar.at(-3, "10:40")
    world.decide(request, "bob", "Free in the pool from next week on.", now)
    now = yield calendar.at(-2, "11:20")
    world.decide(request, "sofia", "For Yuki, who is away: agreed with him before he left.", now)
    now = yield calendar.lately(6)
    for flag in request.flags.filter(closed_at=None):
        world.close_flag(flag, "priya", "The base alone is above our line; we add four thousandths to it.", now)
    world.decide(
        request,
        "priya",
        "No provider duty: four thousandths of the base's compute. The base alone is above our line.",
        now,
    )


def _delegate(world: World, now: datetime) -> None:
    """Yuki is away this week: Sofia decides for him, up to 100,000 USD, for seven days."""
    cast = world.cast
    within(
        delegations.give_delegation,
        actor=cast["yuki"],
        delegator=cast["yuki"].person,
        delegate=cast["sofia"].person,
        role=Role.objects.get(slug="budget_owner"),
        amount_micro_max=100_000 * MICRO_PER_UNIT,
        valid_from=now,
        valid_to=now + timedelta(days=7),
        reason="On leave this week",
        now=now,
    )


def synthetic_data(world: World) -> Story:
    """Story 18: the budget was nearly used up, so money came from the reserve first."""
    calendar, cast = world.cast.calendar, world.cast
    now = yield calendar.at(-24, "10:00")
    year = calendar.year_start.year
    for slug, sign in ((f"reserve-{year}", -1), (f"data-and-synthetic-{year}", 1), (f"synthetic-1-{year}", 1)):
        budget = Budget.objects.get(slug=slug)
        within(
            budgets.change_limit,
            budget_id=budget.pk,
            actor=cast["dmitri"],
            limit_micro=budget.limit_micro + sign * 150_000 * MICRO_PER_UNIT,
            reason="150,000 USD from the Reserve to Synthetic-1, as agreed by Carol and Tomás",
            now=now,
        )
    now = yield calendar.at(-21, "09:05")
    request = yield from world.ask(
        18,
        "luca",
        content(
            "Synthetic-1: 300 B tokens from a 34B teacher",
            project="synthetic-1",
            workload="rl_synthetic",
            place="coreweave",
            count=64,
            hours=57000.0,
            start=now + timedelta(days=4),
            days=45,
            work={"parameters_billion": 34, "generated_tokens_billion": 300, "trained_tokens_billion": 0},
            why="Worked solutions for mathematics and code, three attempts each, the best one kept.",
            modalities=["text"],
            evidence=evidence("pilot_run"),
            eu_market=False,
        ),
        now,
    )
    now = yield calendar.at(-20, "13:30")
    world.decide(request, "tomas", "The reserve pays for this one; the pilot's yield was 61 %.", now)
    now = yield calendar.at(-19, "10:15")
    world.decide(request, "bob", "Sixty-four beside Tern, which leaves 192.", now)
    now = yield calendar.at(-18, "14:50")
    world.decide(request, "dmitri", "Covered by the transfer of last week.", now)
    now = yield calendar.ago(hours=33)
    world.measure(request, hours=21400.0, spent_usd=21400 * 2.60, utilisation=0.88)


STORIES = (
    full_fine_tune,
    continued_pretraining,
    tern,
    modified_base,
    small_tune_of_large_base,
    synthetic_data,
)
