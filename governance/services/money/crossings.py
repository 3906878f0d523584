"""Tells the owner of a budget when it crosses a line: the highest only, once, until it was well below again."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from governance.display import numbers
from governance.domain import prose
from governance.domain.states.messages import FlagKind
from governance.models import Budget, Flag, User
from governance.selectors.money.crossings import Crossing, crossing_of, is_rearmed, level_of, owners_of
from governance.selectors.people.people import system_actor
from governance.services.messages import alerts, flags
from governance.services.record import audit, jobs

KIND = FlagKind.BUDGET_THRESHOLD


def sweep_budgets(*, now: datetime) -> int:
    """Look at every budget of the present period. How many crossings are news."""
    with jobs.sweep("sweep_budgets", now=now) as run:
        if run is None:
            return 0
        actor = system_actor()
        latest = _latest_flags(now)
        for budget in run.rows(Budget.objects.filter(period_start__lte=now, period_end__gt=now), "budgets"):
            if _is_news(budget, latest.get(budget.pk), now=now):
                with run.apart(f"budget {budget.pk}"):
                    run.done_count += _look_at(budget_id=budget.pk, actor=actor, now=now)
        return run.done_count


@transaction.atomic(durable=True)
def _look_at(*, budget_id: int, actor: User, now: datetime) -> bool:
    """Flag and tell a crossing, or note that the budget is below all lines again. True when it is told."""
    budget = Budget.objects.lock(budget_id)
    last = Flag.objects.filter(budget=budget, kind=KIND).order_by("-pk").first()
    if not _is_news(budget, last, now=now):
        return False
    crossing = crossing_of(budget, now=now)
    if crossing is None:
        _rearm(budget, last, actor=actor, now=now)
        return False
    generation = 0 if last is None else int(last.data["generation"]) + bool(last.data.get("is_rearmed"))
    flag = flags.raise_flag(
        key=f"budget:{budget.pk}:{generation}:{crossing.level}",
        kind=KIND,
        sentence=_sentence(budget, crossing),
        budget=budget,
        now=now,
        level=crossing.level,
        generation=generation,
    )
    if flag is None:
        return False
    closed = _close_lower(flag, actor=actor, now=now)
    alerts.tell_budget_crossed(budget, flag, crossing, owners_of(budget, now=now), now=now)
    audit.record("flag.raised", actor=actor, subject=flag, now=now, kind=KIND, level=crossing.level, supersedes=closed)
    return True


def _latest_flags(now: datetime) -> dict[int, Flag]:
    """The last flag of each budget of the present period; one query."""
    rows = Flag.objects.filter(kind=KIND, budget__period_start__lte=now, budget__period_end__gt=now).order_by("pk")
    return {flag.budget_id: flag for flag in rows if flag.budget_id is not None}


def _is_news(budget: Budget, last: Flag | None, *, now: datetime) -> bool:
    """A line above the one that was told, or a fall far below a line that was."""
    level = level_of(budget, now=now)
    if last is None or last.data.get("is_rearmed"):
        return level is not None
    if level is None:
        return is_rearmed(budget, now=now)
    return level > int(last.data["level"])


def _rearm(budget: Budget, last: Flag | None, *, actor: User, now: datetime) -> None:
    if last is None:
        return
    last.data = last.data | {"is_rearmed": True}
    was_open = last.closed_at is None
    if was_open:
        last.closed_at, last.closed_by, last.close_reason = now, actor, "the budget is well below the threshold again"
    last.save(update_fields=["data", "closed_at", "closed_by", "close_reason"])
    if was_open:
        audit.record("flag.closed", actor=actor, subject=last, now=now, kind=KIND, budget=budget.pk)


def _close_lower(flag: Flag, *, actor: User, now: datetime) -> list[int]:
    """Close the open flags of lower lines: the highest one says it all. Their mails, if unsent, have nothing to say."""
    lower = Flag.objects.filter(budget=flag.budget, kind=KIND, closed_at__isnull=True).exclude(pk=flag.pk)
    ids = list(lower.values_list("pk", flat=True))
    lower.update(
        closed_at=now, closed_by=actor, close_reason=f"the {flag.data['level']} % threshold was crossed as well"
    )
    return ids


def _sentence(budget: Budget, crossing: Crossing) -> str:
    ratio = crossing.forecast_ratio if crossing.is_forecast and crossing.forecast_ratio else crossing.used_ratio
    verb = "is forecast to use" if crossing.is_forecast else "has spent, committed or held"
    return f"{budget.name} {verb} {numbers.percent(ratio)} of {prose.money(budget.limit_micro)}"
