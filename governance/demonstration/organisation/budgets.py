"""The tree of budgets over three fiscal years, and the metered use that is not the doing of any one request."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from governance.demonstration import data
from governance.demonstration.organisation.cast import Cast
from governance.demonstration.organisation.organisation import ROOT
from governance.demonstration.organisation.world import Story, World, within
from governance.demonstration.past.plan import SEED
from governance.domain.money.ledger import JournalKind
from governance.domain.money.money import MICRO_PER_CENT, MICRO_PER_UNIT
from governance.models import Budget, User
from governance.services.money import budgets

MILLION = 1_000_000 * MICRO_PER_UNIT
TIME_ZONE = "Europe/Dublin"
COMMITTED_DAYS_AGO = 45
# Kept back from the weeks' metering, so that the last one can bring each budget to the share it is known for.
KEPT_BACK = 0.025
_YEARS = {-1: "{name}, year before", 0: "{name}", 1: "{name}, next year"}


@dataclass(frozen=True, slots=True)
class Plan:
    """One budget of the present year and where it stands at the first start, micro-units."""

    budget: Budget
    used_micro: int
    asked_micro: int
    committed_micro: int


@dataclass(frozen=True, slots=True)
class Movement:
    """Money that moves on a budget at an instant, without a request."""

    at: datetime
    kind: JournalKind
    budget: Budget
    amount_micro: int
    key: str


def found_budgets(cast: Cast) -> list[Plan]:
    """Create last year's, this year's and next year's budgets; plans for this year's, leaves first."""
    plain = data.read("budgets")
    plans: list[Plan] = []
    for offset in _YEARS:
        _found_year(cast, plain, offset, plans)
    return sorted(plans, key=lambda plan: -len(plan.budget.path_ids))


def _found_year(cast: Cast, plain: dict[str, Any], offset: int, plans: list[Plan]) -> None:
    """Budgets of one fiscal year; projects have their own ones only in the present year."""
    starts, ends = cast.calendar.year(offset)

    def add(slug: str, name: str, each: dict[str, Any], owner: str, parent: Budget | None, **scope: Any) -> Budget:
        budget: Budget = within(
            budgets.create_budget, actor=cast["dmitri"], slug=f"{slug}-{starts.year}",
            name=_YEARS[offset].format(name=name), limit_micro=_limit(plain, each, offset), owner=cast[owner].person,
            parent=parent, period_start=starts, period_end=ends, time_zone=TIME_ZONE, now=cast.calendar.founded,
            **scope,
        )  # fmt: skip
        return budget

    top = plain["organisation"]
    root = add(top["slug"], top["name"], top, top["owner"], None, team=cast.teams[ROOT])
    for each in plain["teams"]:
        team = add(each["team"], each["name"], each, each["owner"], root, team=cast.teams[each["team"]])
        if offset != 0:
            continue
        plans.append(_plan(team, each))
        for below in each["projects"]:
            project = cast.projects[below["project"]]
            plans.append(_plan(add(project.slug, project.name, below, each["owner"], team, project=project), below))


def _plan(budget: Budget, plain: dict[str, Any]) -> Plan:
    return Plan(
        budget=budget,
        used_micro=_micro(plain["limit"] * plain["used"]),
        asked_micro=_micro(plain["asked"]),
        committed_micro=_micro(plain["limit"] * plain.get("committed", 0.0)),
    )


def _limit(plain: dict[str, Any], each: dict[str, Any], offset: int) -> int:
    """What a budget begins with: before the transfer that a story makes, and a smaller amount in the year before."""
    if offset < 0:
        return _micro(each["limit"] * plain["previous_year"]["limits"])
    return _micro(each["limit"] - (each.get("from_reserve", 0.0) if offset == 0 else 0.0))


def metering(plans: list[Plan]) -> Callable[[World], Story]:
    """What pools and vendors meter week by week, as a story of its own: most of the money, and nobody's request."""

    def tell(world: World) -> Story:
        movements = sorted(metered(world.cast, plans, random.Random(SEED)), key=lambda movement: movement.at)
        for at, of_instant in groupby(movements, key=lambda movement: movement.at):
            now = yield at
            for movement in of_instant:
                post(movement, world.cast.system, now)

    return tell


def post(movement: Movement, actor: User, now: datetime) -> None:
    """Move the money of one movement, on the budget and everything above it, in the load's transaction."""
    budgets.move(
        movement.kind, Budget.objects.lock_path_of(movement.budget), movement.amount_micro, key=movement.key,
        actor=actor, now=now,
    )  # fmt: skip


def metered(cast: Cast, plans: list[Plan], rng: random.Random) -> Iterator[Movement]:
    """What pools and vendors metered, week by week: most of the money, and nobody's single request. In no order."""
    calendar = cast.calendar
    below = _below(plans)
    for plan in plans:
        own = (
            plan.used_micro - plan.asked_micro - plan.committed_micro - sum(p.used_micro for p in below[plan.budget.pk])
        )
        yield from _weeks(plan.budget, round(own * (1 - KEPT_BACK)), calendar.year_start, calendar.start, rng)
        if plan.committed_micro:
            yield from _promised(plan.budget, plan.committed_micro, calendar.at(-COMMITTED_DAYS_AGO, "09:00"))
    before = calendar.year(-1)
    whole = (before[1] - before[0]).total_seconds()
    used = data.read("budgets")["previous_year"]["used"]
    for budget in Budget.objects.filter(period_start=before[0], parent__isnull=False).exclude(team__slug="reserve"):
        total = round(budget.limit_micro * used)
        earlier = _cents(round(total * (calendar.founded - before[0]).total_seconds() / whole))
        yield from _promised(budget, earlier, calendar.founded)
        yield Movement(calendar.founded, JournalKind.SPEND, budget, earlier, f"metered:{budget.slug}:before")
        yield from _weeks(budget, (total - earlier) * 9 // 10, calendar.founded, before[1], rng)


def last_week(plan: Plan, at: datetime) -> list[Movement]:
    """The metering that brings a budget to the share it is known for; nothing when requests have used more."""
    budget = Budget.objects.get(pk=plan.budget.pk)
    missing = _cents(plan.used_micro - (budget.limit_micro - budget.headroom_micro))
    if missing <= 0:
        return []
    spent = Movement(at, JournalKind.SPEND, budget, missing, f"metered:{budget.slug}:last")
    return [*_promised(budget, missing, at), spent]


def _below(plans: list[Plan]) -> dict[int, list[Plan]]:
    return {plan.budget.pk: [p for p in plans if p.budget.parent_id == plan.budget.pk] for plan in plans}


def _weeks(budget: Budget, total_micro: int, first: datetime, last: datetime, rng: random.Random) -> Iterator[Movement]:
    """A total in uneven weeks; a quarter's weeks are promised together before the first is spent."""
    weeks = []
    week = first + timedelta(days=(7 - first.weekday()) % 7 or 7, hours=6)
    while week < last:
        weeks.append(week.astimezone(UTC))
        week += timedelta(weeks=1)
    shares = [rng.uniform(0.75, 1.25) for _ in weeks]
    amounts = [_cents(int(total_micro * share / sum(shares))) for share in shares]
    promised: set[tuple[int, int]] = set()
    for at, amount in zip(weeks, amounts, strict=True):
        quarter = _quarter(at)
        if quarter not in promised:
            promised.add(quarter)
            of_quarter = sum(each for day, each in zip(weeks, amounts, strict=True) if _quarter(day) == quarter)
            yield from _promised(budget, of_quarter, at)
        if amount > 0:
            yield Movement(at, JournalKind.SPEND, budget, amount, f"metered:{budget.slug}:{at:%Y-%m-%d}")


def _quarter(at: datetime) -> tuple[int, int]:
    return at.year, (at.month - 1) // 3


def _promised(budget: Budget, amount_micro: int, at: datetime) -> Iterator[Movement]:
    amount, key = _cents(amount_micro), f"{budget.slug}:{at:%Y-%m-%dT%H:%M}"
    if amount > 0:
        yield Movement(at, JournalKind.HOLD, budget, amount, f"metered-hold:{key}")
        yield Movement(at, JournalKind.CAPTURE, budget, amount, f"metered-commit:{key}")


def _cents(amount_micro: int) -> int:
    return amount_micro - amount_micro % MICRO_PER_CENT


def _micro(million: float) -> int:
    return round(million * 10_000) * (MILLION // 10_000)
