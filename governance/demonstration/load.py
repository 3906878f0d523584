"""Loads the demonstration organisation: founded 13 months ago, then lived through up to the first start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from governance.demonstration import afterwards, runner
from governance.demonstration.calendar import Calendar
from governance.demonstration.organisation import acceptable_use, budgets, organisation, registers
from governance.demonstration.organisation.cast import Cast
from governance.demonstration.organisation.world import World, within
from governance.demonstration.past import course
from governance.demonstration.past.plan import REQUESTS, SEED, PastAsk, plan
from governance.demonstration.stories import STORIES
from governance.domain.states.record import JobState
from governance.models import JobRun, Person
from governance.selectors.people.accounts import DEMONSTRATION_JOB
from governance.selectors.people.people import SYSTEM_EMAIL, system_actor
from governance.services.record import audit
from governance.services.rules import policies

_LOCK = 7_305_113
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load brought about."""

    cast: Cast
    world: World
    past_count: int
    cut_short: dict[str, str]


class Occupied(Exception):
    """The database has people of its own, and nobody wants invented ones among them."""


def last_load() -> JobRun | None:
    """The load that brought the demonstration which is here now; None when there is none."""
    return JobRun.objects.filter(name=DEMONSTRATION_JOB, state=JobState.DONE).first()


def load(*, start: datetime, past_count: int = REQUESTS, say: Say = lambda line: None) -> Loaded | None:
    """Load everything into an empty installation, and look at it once as the sweeps do.

    The load is one transaction: interrupted, it leaves nothing. What the first look finds, the sweeps of the running
    product would find minutes later.

    Args:
        start: aware instant of the first start, from which all dates are counted.
        past_count: how many past requests to draw; tests take fewer.
        say: told how far it is.

    Returns:
        What came about; None when the demonstration is here already.

    Raises:
        Occupied: people other than the demonstration's are here; nothing is written.
    """
    loaded = _load(start, past_count, say)
    if loaded is not None:
        afterwards.look_around(loaded.world, start)
        say("looked at")
    return loaded


@transaction.atomic(durable=True)
def _load(start: datetime, past_count: int, say: Say) -> Loaded | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        # The app role's limits are for people's clicks; this is one long transaction with much arithmetic in between.
        cursor.execute("SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0")
    if last_load() is not None:
        return None
    if Person.objects.exclude(email=SYSTEM_EMAIL).exists():
        raise Occupied("this installation has people of its own; the demonstration is loaded into an empty one only")
    began = timezone.now()
    calendar = Calendar(start)
    cast, plans = _found(calendar)
    say("founded")
    world = World(cast)
    everyday = [course.lived(each) for each in _past(cast, past_count)]
    cut_short = runner.run(world, (budgets.metering(plans), *STORIES, *afterwards.TURNS, *everyday))
    say("lived through")
    _meter_the_last_week(cast, plans, start)
    afterwards.settle(world, start)
    JobRun.objects.create(
        name=DEMONSTRATION_JOB, state=JobState.DONE, requested_by=cast.system,
        done_count=len(world.past) + len(world.requests), total_count=past_count + len(world.requests),
        started_at=began, finished_at=timezone.now(),
        result={"past": len(world.past), "not_requested": world.not_requested, "cut_short": cut_short, "seed": SEED}
        | {"tour": organisation.tour(), "password": organisation.PASSWORD},
    )  # fmt: skip
    audit.record(
        "demonstration.loaded", actor=system_actor(), subject=cast.teams[organisation.ROOT], now=start,
        requests=len(world.past) + len(world.requests),
    )  # fmt: skip
    return Loaded(cast, world, len(world.past), cut_short)


def _found(calendar: Calendar) -> tuple[Cast, list[budgets.Plan]]:
    """The organisation on the day of its founding: people, budgets, registers, rules, and everybody's acceptance."""
    cast = organisation.found(calendar)
    registers.fill_registers(cast)
    registers.commit_to_providers(cast)
    plans = budgets.found_budgets(cast)
    registers.publish_prices(cast)
    within(policies.install_shipped, actor=cast.system, now=calendar.founded)
    version = acceptable_use.publish_first(cast)
    humans = [user for user in cast.users if not user.is_service_account]
    acceptable_use.accept(version, humans, calendar.founded + timedelta(hours=1))
    return cast, plans


def _past(cast: Cast, count: int) -> list[PastAsk]:
    """The everyday requests of the year, for the people and projects that there are."""
    return plan(
        cast.calendar,
        staff={team: len(users) for team, users in cast.staff.items()},
        projects={team: [project.slug for project in projects] for team, projects in cast.everyday.items()},
        count=count,
    )


def _meter_the_last_week(cast: Cast, plans: list[budgets.Plan], start: datetime) -> None:
    """Bring every budget to the share it is known for, leaves first."""
    at = start - timedelta(minutes=runner.LAST_MINUTES - 5)
    for one in plans:
        for movement in budgets.last_week(one, at):
            budgets.post(movement, cast.system, at)
