"""Stored decisions as columns, month by month: packed chunks where there are any, the rows themselves for the rest.

Facts are those frozen with the decision; nothing of today is joined. A month whose chunks do not hold exactly the ids
that its assessments have is read from the rows, so that a missing or outdated chunk costs time and never truth.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Protocol

import numpy as np
import psycopg
from django.db import connection
from django.db.models import Count, Max, QuerySet, Sum
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import TruncMonth

from governance.domain.states.requests import Occasion
from governance.models import Assessment, FactChunk, FactRow
from governance.policy.backends.columns import Column, Columns, code_dtype, encode, microseconds
from governance.policy.backends.columns_store import read_columns
from governance.policy.backtest.backtest import OUTCOME_COLUMN
from governance.policy.backtest.tally import AT_COLUMN, BESIDE, ID_COLUMN, NEEDS_COLUMN, PROJECT_COLUMN
from governance.policy.bundle.effects import Outcome
from governance.policy.facts.facts_schema import FACTS_BY_NAME, SCHEMA

ROWS_PER_READ = 5_000
ROWS_PER_PART = 250_000
OUTCOMES = tuple(outcome.value for outcome in Outcome)


class Part(Protocol):
    """Some decisions of a month, in order of id. What it is called is known before anything is read."""

    @property
    def digest(self) -> str: ...

    @property
    def rows(self) -> int: ...

    def read(self, names: Iterable[str]) -> Columns:
        """Some facts, and the columns that stand beside the facts."""
        ...


@dataclass(frozen=True, slots=True)
class Head:
    """What a decision is known by, and what was decided. `needs`: who was required, as `role:quorum`."""

    id: int
    outcome: str
    at: datetime
    facts_digest: str
    needs: tuple[str, ...]
    project: str


@dataclass(frozen=True, slots=True)
class ChunkPart:
    """Decisions that are packed."""

    chunk_id: int
    digest: str
    rows: int

    def read(self, names: Iterable[str]) -> Columns:
        wanted = list(dict.fromkeys((*names, *BESIDE)))
        found: dict[str, Column] = {}
        for name, data in _column_bytes(self.chunk_id, wanted):
            found |= read_columns(data, [name]).columns
        return Columns(self.rows, found)


@dataclass(frozen=True, slots=True)
class RowsPart:
    """Decisions that are read from their rows."""

    heads: Sequence[Head]

    @property
    def digest(self) -> str:
        """SHA-256 of ids, outcomes and digests of the facts: the same whether they are packed or not."""
        hasher = hashlib.sha256()
        for head in self.heads:
            hasher.update(f"{head.id} {head.outcome} {head.facts_digest}\n".encode())
        return hasher.hexdigest()

    @property
    def rows(self) -> int:
        return len(self.heads)

    def read(self, names: Iterable[str]) -> Columns:
        facts = [name for name in dict.fromkeys(names) if name in FACTS_BY_NAME]
        encoded = encode(self._plain(facts), SCHEMA, facts) if facts else Columns(self.rows, {})
        return Columns(self.rows, {**encoded.columns, **self._beside()})

    def _plain(self, facts: Sequence[str]) -> list[dict[str, Any]]:
        columns = [FACTS_BY_NAME[name].column for name in facts]
        ids = [head.id for head in self.heads]
        plain: list[dict[str, Any]] = []
        for start in range(0, len(ids), ROWS_PER_READ):
            block = ids[start : start + ROWS_PER_READ]
            rows = FactRow.objects.filter(pk__in=block).order_by("pk").values_list(*columns)
            plain += [
                {name: value for name, value in zip(facts, row, strict=True) if value is not None} for row in rows
            ]
        return plain

    def _beside(self) -> dict[str, Column]:
        heads = self.heads
        outcomes = np.array([OUTCOMES.index(head.outcome) for head in heads], code_dtype(len(OUTCOMES)))
        return {
            OUTCOME_COLUMN: Column(outcomes, None, OUTCOMES),
            NEEDS_COLUMN: _coded([head.needs for head in heads]),
            AT_COLUMN: Column(np.array([microseconds(head.at) for head in heads], np.int64)),
            PROJECT_COLUMN: _coded([head.project for head in heads]),
            ID_COLUMN: Column(np.array([head.id for head in heads], np.int64)),
        }


def months(*, since: datetime | None = None, until: datetime | None = None) -> list[date]:
    """First days of the months (UTC) that hold decisions made at submission, oldest first."""
    rows = _submitted()
    if since is not None:
        rows = rows.filter(assessed_at__gte=since)
    if until is not None:
        rows = rows.filter(assessed_at__lt=until)
    found = rows.annotate(month=TruncMonth("assessed_at", tzinfo=UTC)).order_by("month").values_list("month", flat=True)
    return [month.date() for month in found.distinct()]


def first_decision(*, until: datetime) -> datetime | None:
    """When the first decision at a submission was made; None without any before that instant."""
    return (
        _submitted().filter(assessed_at__lt=until).order_by("assessed_at").values_list("assessed_at", flat=True).first()
    )


def month_parts(month: date) -> list[Part]:
    """The decisions of a month, whole and each once."""
    count, id_sum = _fingerprint(month)
    chunks = list(FactChunk.objects.filter(month=month).order_by("number"))
    packed = (sum(chunk.rows for chunk in chunks), sum(chunk.id_sum for chunk in chunks))
    ready: list[Part] = [ChunkPart(chunk.pk, chunk.digest, chunk.rows) for chunk in chunks]
    if packed == (count, id_sum):
        return ready
    if chunks:
        # The month goes on: what came after the last chunk.
        rest = heads_of(month, after=chunks[-1].last_id)
        if (packed[0] + len(rest), packed[1] + sum(head.id for head in rest)) == (count, id_sum):
            return [*ready, *_cut(rest)]
    return [*_cut(heads_of(month))]


def is_packed(month: date) -> bool:
    """Whether the month's chunks hold exactly its decisions."""
    totals = FactChunk.objects.filter(month=month).aggregate(rows=Sum("rows"), ids=Sum("id_sum"))
    return (totals["rows"] or 0, totals["ids"] or 0) == _fingerprint(month)


def last_packed_id(month: date) -> int:
    return FactChunk.objects.filter(month=month).aggregate(last=Max("last_id"))["last"] or 0


def heads_of(month: date, *, after: int = 0, before: datetime | None = None) -> list[Head]:
    """Decisions of a month by id, after one id, made before an instant."""
    rows = _of_month(month).filter(pk__gt=after)
    if before is not None:
        rows = rows.filter(assessed_at__lt=before)
    values = rows.order_by("pk").values_list(
        "pk", "outcome", "assessed_at", "facts_digest", KeyTransform("requirements", "decision"),
        KeyTextTransform("project", "revision__content"),
    )  # fmt: skip
    return [
        Head(
            pk, outcome, at, digest,
            tuple(f"{need['role']}:{need['quorum']}" for need in needs or ()) if outcome == Outcome.REVIEW else (),
            project or "",
        )
        for pk, outcome, at, digest, needs, project in values.iterator(ROWS_PER_READ)
    ]  # fmt: skip


def month_after(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def first_instant(month: date) -> datetime:
    return datetime(month.year, month.month, 1, tzinfo=UTC)


def _submitted() -> QuerySet[Assessment]:
    return Assessment.objects.filter(occasion=Occasion.SUBMIT)


def _of_month(month: date) -> QuerySet[Assessment]:
    return _submitted().filter(assessed_at__gte=first_instant(month), assessed_at__lt=first_instant(month_after(month)))


def _fingerprint(month: date) -> tuple[int, int]:
    """How many decisions, and the sum of their ids: read from an index alone."""
    found = _of_month(month).order_by().aggregate(count=Count("pk"), ids=Sum("pk"))
    return found["count"], int(found["ids"] or 0)


def _cut(heads: Sequence[Head]) -> list[Part]:
    return [RowsPart(heads[start : start + ROWS_PER_PART]) for start in range(0, len(heads), ROWS_PER_PART)]


def _coded(words: Sequence[Any]) -> Column:
    codes: dict[Any, int] = {}
    numbers = [codes.setdefault(word, len(codes)) for word in words]
    return Column(np.array(numbers, code_dtype(len(codes))), None, tuple(codes))


def _column_bytes(chunk_id: int, names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Columns as bytes in the binary protocol: as text each byte would be two letters."""
    connection.ensure_connection()
    # Django's own cursors bind parameters on this side, and those read text only.
    with psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(
            "SELECT name, data FROM governance_factchunkcolumn WHERE chunk_id = %s AND name = ANY(%s)",
            [chunk_id, list(names)],
            binary=True,
        )
        yield from cursor
