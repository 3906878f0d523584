"""Packs the frozen facts of past decisions into columns, so that every worker reads a month in a blink.

What is packed is a copy. A month is packed when it is over, the running one bit by bit; a chunk that no longer matches
its assessments is thrown away and made again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from django.db import transaction

from governance.models import FactChunk, FactChunkColumn
from governance.policy.backends.columns import Columns
from governance.policy.backends.columns_store import write_columns
from governance.policy.facts.facts_schema import FACTS
from governance.selectors.rules.backtests import decision_history
from governance.selectors.rules.backtests.decision_history import ROWS_PER_PART, Head, RowsPart
from governance.services.record import jobs

SETTLED = timedelta(minutes=10)
"""A decision is packed after this long: by then every transaction that began before it has ended."""
ROWS_PER_TAIL = 5_000
"""The running month is packed in steps of at least this many; fewer are read from their rows quickly enough."""
ALL_FACTS = tuple(fact.name for fact in FACTS)


def pack_history(*, now: datetime) -> int:
    """Pack every month that is over and not packed, and what the running one has in store. How many decisions."""
    with jobs.sweep("pack_history", now=now) as run:
        if run is None:
            return 0
        for month in decision_history.months(until=now):
            if not run.has_time:
                break
            with run.apart(f"month {month:%Y-%m}"):
                run.done_count += pack_month(month, now=now)
        return run.done_count


def pack_month(month: date, *, now: datetime) -> int:
    """Bring the chunks of one month up to date. How many decisions were packed; 0 when another process is at it."""
    is_over = decision_history.first_instant(decision_history.month_after(month)) + SETTLED <= now
    with jobs.alone(f"pack {month:%Y-%m}") as is_alone:
        if not is_alone or decision_history.is_packed(month):
            return 0
        if is_over:
            return _replace(month, decision_history.heads_of(month), now=now)
        rest = decision_history.heads_of(month, after=decision_history.last_packed_id(month), before=now - SETTLED)
        return _append(month, rest, now=now) if len(rest) >= ROWS_PER_TAIL else 0


@transaction.atomic(durable=True)
def _replace(month: date, heads: Sequence[Head], *, now: datetime) -> int:
    FactChunk.objects.filter(month=month).delete()
    return _store(month, heads, first=0, now=now)


@transaction.atomic(durable=True)
def _append(month: date, heads: Sequence[Head], *, now: datetime) -> int:
    return _store(month, heads, first=FactChunk.objects.filter(month=month).count(), now=now)


def _store(month: date, heads: Sequence[Head], *, first: int, now: datetime) -> int:
    for number, start in enumerate(range(0, len(heads), ROWS_PER_PART), first):
        part = RowsPart(heads[start : start + ROWS_PER_PART])
        store_chunk(
            month, number, part.read(ALL_FACTS), digest=part.digest, ids=[head.id for head in part.heads], now=now
        )
    return len(heads)


def store_chunk(
    month: date, number: int, columns: Columns, *, digest: str, ids: Sequence[int], now: datetime
) -> FactChunk:
    """Write one chunk, a row for each of its columns. The caller's transaction.

    Args:
        ids: of the assessments, ascending.
    """
    chunk = FactChunk.objects.create(
        month=month, number=number, rows=columns.count, id_sum=sum(ids), last_id=max(ids, default=0), digest=digest,
        packed_at=now,
    )  # fmt: skip
    FactChunkColumn.objects.bulk_create(
        [
            FactChunkColumn(chunk=chunk, name=name, data=write_columns(Columns(columns.count, {name: column})))
            for name, column in columns.columns.items()
        ],
        batch_size=10,
    )
    return chunk
