"""Reads for backtests: the two policies that are compared, one month of history under both, runs and their progress."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import Count, Q, QuerySet, Sum
from numpy.typing import NDArray

from governance.domain.errors import NotFound
from governance.domain.states.rules import ExceptionState
from governance.models import PolicyBacktest, PolicyException, PolicyVersion
from governance.policy.backends.bitmaps import Bits, count_bits, full
from governance.policy.backends.columns import Columns, concatenate, microseconds
from governance.policy.backtest.backtest import OUTCOME_COLUMN, Backtest, Matrix, combine, outcomes_of
from governance.policy.backtest.effects_changed import EffectChanges, Side, effect_changes, unfillable_rows
from governance.policy.backtest.tally import (
    AT_COLUMN,
    EXPOSURE_FACT,
    PROJECT_COLUMN,
    TALLY_FACTS,
    TEAM_FACT,
    Tally,
    added,
    demands,
    held_back,
    tally,
    unpriced_rows,
)
from governance.policy.bundle.effects import Outcome
from governance.policy.decisions.policy_set import CompiledPolicySet
from governance.selectors.requests.judgement import DEFAULT_NEED
from governance.selectors.rules import policies
from governance.selectors.rules.backtests import decision_history
from governance.selectors.rules.backtests.decision_history import Part
from governance.selectors.rules.backtests.fired_bits import SharedBits
from governance.selectors.rules.role_seats import seats_by_role


@dataclass(frozen=True, slots=True)
class ExceptionScope:
    """One approved exception as it held: a rule, for whom, and when."""

    exception_id: int
    rule_id: str
    team: str | None
    project: str | None
    valid_from: datetime
    valid_to: datetime

    def covers(self, *, team_path: Sequence[str], project: str, at: datetime) -> bool:
        is_theirs = self.project == project if self.project is not None else self.team in team_path
        return is_theirs and self.valid_from <= at < self.valid_to


@dataclass(frozen=True, slots=True)
class MonthTally:
    """A month's share of a run."""

    rows: int
    figures: dict[str, Any]
    flips: Columns | None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is, in months and decisions."""

    months: int
    judged: int
    rows: int

    @property
    def percent(self) -> int:
        return round(100 * self.judged / self.months) if self.months else 0


# --------------------------------------------------------------------------- policies


def policy_of(version_ids: Iterable[int]) -> CompiledPolicySet:
    """The versions as one policy, compiled once per process.

    Raises:
        PolicyError: they cannot rule together.
        NotFound: one is not stored.
    """
    wanted = sorted(set(version_ids))
    keys = tuple(PolicyVersion.objects.filter(pk__in=wanted).order_by("policy_set__slug").values_list("pk", "digest"))
    if len(keys) != len(wanted):
        raise NotFound("a policy version of this backtest is not stored")
    return policies.compiled(keys)


# --------------------------------------------------------------------------- judging


def exceptions_until(until: datetime) -> list[ExceptionScope]:
    """Every exception that may have held before an instant."""
    rows = PolicyException.objects.filter(state=ExceptionState.APPROVED, valid_from__lt=until)
    rows = rows.select_related("team", "project").order_by("pk")
    return [
        ExceptionScope(
            row.pk, row.rule_id, row.team.slug if row.team else None, row.project.slug if row.project else None,
            row.valid_from, row.valid_to,
        )
        for row in rows
    ]  # fmt: skip


def excepted_rows(columns: Columns, scopes: Sequence[ExceptionScope]) -> dict[str, Bits]:
    """Rule or table to the decisions in which an exception from it held at the time."""
    found: dict[str, NDArray[np.bool_]] = {}
    for scope in scopes:
        at = columns.columns[AT_COLUMN].values
        rows = (at >= microseconds(scope.valid_from)) & (at < microseconds(scope.valid_to))
        rows &= _is_theirs(columns, scope)
        if rows.any():
            found[scope.rule_id] = found.get(scope.rule_id, np.zeros(columns.count, np.bool_)) | rows
    return {rule: np.packbits(rows) for rule, rows in found.items()}


def _is_theirs(columns: Columns, scope: ExceptionScope) -> NDArray[np.bool_]:
    column = columns.columns.get(PROJECT_COLUMN if scope.project is not None else TEAM_FACT)
    if column is None or not column.dictionary:
        return np.zeros(columns.count, np.bool_)
    if scope.project is not None:
        hits = [word == scope.project for word in column.dictionary]
    else:
        hits = [scope.team in word for word in column.dictionary]
    theirs = np.array(hits, np.bool_)[column.values]
    return theirs if column.present is None else theirs & column.present


def judge_month(
    month: date,
    *,
    draft: CompiledPolicySet,
    against: CompiledPolicySet,
    on: date,
    since: datetime | None,
    until: datetime,
) -> MonthTally:
    """One month of stored decisions under both policies. Reads rows, writes nothing but the shared cache.

    Stages are counted with the people of `until`, so that every month of a run is counted alike.
    """
    scopes, seats = exceptions_until(until), seats_by_role(now=until)
    tallies: list[Tally] = []
    for part in decision_history.month_parts(month):
        tallies.append(
            _judge_part(part, draft=draft, against=against, on=on, since=since, until=until, scopes=scopes, seats=seats)
        )
    figures = added([each.figures for each in tallies])
    flips = concatenate([each.flips for each in tallies]) if tallies else None
    return MonthTally(figures.get("rows", 0), figures, flips)


def _judge_part(
    part: Part, *, draft: CompiledPolicySet, against: CompiledPolicySet, on: date, since: datetime | None,
    until: datetime, scopes: Sequence[ExceptionScope], seats: Callable[[str], int],
) -> Tally:  # fmt: skip
    bits = SharedBits(part.digest, part.rows)
    new, old = Backtest(draft, on=on, cache=bits), Backtest(against, on=on, cache=bits)
    bits.load([rule.condition_digest for each in (new, old) for rule in each.rules])
    wanted = dict.fromkeys((*new.facts_missing(part.digest), *old.facts_missing(part.digest), *TALLY_FACTS))
    columns = part.read(wanted)
    counted = tally(
        part.digest,
        columns,
        draft=new,
        today=old,
        excepted=excepted_rows(columns, scopes),
        kept=kept_rows(columns, since=since, until=until),
        default_role=DEFAULT_NEED.role,
        seats=seats,
    )
    bits.save()
    return counted


def kept_rows(columns: Columns, *, since: datetime | None, until: datetime | None) -> NDArray[np.bool_] | None:
    """Decisions within a period; None when all are."""
    at = columns.columns[AT_COLUMN].values
    kept = np.ones(columns.count, np.bool_)
    if since is not None:
        kept &= at >= microseconds(since)
    if until is not None:
        kept &= at < microseconds(until)
    return None if kept.all() else kept


@dataclass(slots=True)
class Compared:
    """Every stored decision under one policy: outcomes then and now, and what else differs from the rules of today."""

    matrix: Matrix
    effects: dict[str, int] = field(default_factory=dict)
    effect_rows: int = 0
    unfillable: dict[str, int] = field(default_factory=dict)

    def add_effects(self, changes: EffectChanges, kept: Bits) -> None:
        for kind, rows in changes.by_kind.items():
            if number := count_bits(rows & kept):
                self.effects[kind] = self.effects.get(kind, 0) + number
        self.effect_rows += count_bits(changes.any & kept)


def compared_with(
    policy_set: CompiledPolicySet, *, today: CompiledPolicySet | None, on: date, until: datetime
) -> Compared:
    """Every stored decision under one policy, as it was and as it would be. What the shell prints; no run is stored.

    Args:
        today: the policy in force, to tell what changes beside the outcome; None when there is none.
    """
    matrix, scopes, seats = Matrix(), exceptions_until(until), seats_by_role(now=until)
    compared = Compared(matrix)
    for month in decision_history.months(until=until):
        for part in decision_history.month_parts(month):
            bits = SharedBits(part.digest, part.rows)
            judge = Backtest(policy_set, on=on, cache=bits)
            before = Backtest(today, on=on, cache=bits) if today is not None else judge
            bits.load([rule.condition_digest for each in (judge, before) for rule in each.rules])
            missing = dict.fromkeys((*judge.facts_missing(part.digest), *before.facts_missing(part.digest)))
            columns = part.read((*missing, EXPOSURE_FACT, TEAM_FACT))
            kept = kept_rows(columns, since=None, until=until)
            excepted, size = excepted_rows(columns, scopes), (columns.count + 7) // 8
            sides = []
            for each in (judge, before):
                own = each.rule_bits(part.digest, columns)
                outcomes = held_back(combine(each.rules, own, columns.count, excepted), unpriced_rows(columns))
                sides.append(Side(each.rules, own, outcomes))
            new, now = sides
            old = outcomes_of(columns.columns[OUTCOME_COLUMN], columns.count)
            matrix.add(old.within(kept), new.outcomes)
            kept_bits = full(columns.count) if kept is None else np.packbits(kept)
            compared.add_effects(effect_changes(now, new, excepted, size), kept_bits)
            demanded = demands(new.rules, new.bits, excepted, size)
            waits = new.outcomes.by_outcome[Outcome.REVIEW] & kept_bits
            for role, rows in unfillable_rows(demanded, waits, seats).items():
                compared.unfillable[role] = compared.unfillable.get(role, 0) + count_bits(rows)
            bits.save()
    return compared


# --------------------------------------------------------------------------- runs


def backtests_of(version_id: int) -> QuerySet[PolicyBacktest]:
    return PolicyBacktest.objects.filter(version_id=version_id).select_related("asked_by__person", "seen_by__person")


def backtest_file(backtest_id: int) -> PolicyBacktest:
    """One run with its version.

    Raises:
        NotFound: no such run.
    """
    found = (
        PolicyBacktest.objects.filter(pk=backtest_id)
        .select_related("version__policy_set", "version__created_by__person", "asked_by__person", "seen_by__person")
        .first()
    )
    if found is None:
        raise NotFound(f"backtest `{backtest_id}` does not exist", id=backtest_id)
    return found


def progress_of(backtest: PolicyBacktest) -> Progress:
    """One query."""
    found = backtest.months.aggregate(
        months=Count("pk"), judged=Count("pk", filter=Q(figures__isnull=False)), rows=Sum("rows")
    )
    return Progress(found["months"], found["judged"], found["rows"] or 0)


def usual_since(months: int, *, now: datetime) -> datetime:
    """The first instant of a period of so many months of 30.4 days."""
    return now - timedelta(days=round(months * 30.4375))
