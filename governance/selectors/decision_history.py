"""Stored decisions as columns, month by month: what a backtest reads when it reads the database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db.models.functions import TruncMonth

from governance.models import FactRow
from governance.policy.backtest import OUTCOME_COLUMN
from governance.policy.columns import Column, Columns, code_dtype, encode
from governance.policy.facts_schema import FACTS_BY_NAME, SCHEMA

ROWS_PER_READ = 20_000
OUTCOMES = ("allow", "review", "deny")


def months(*, until: datetime | None = None) -> list[datetime]:
    """First instants of the months that hold decisions made at submission, oldest first."""
    rows = FactRow.objects.filter(assessment__occasion="submit")
    if until is not None:
        rows = rows.filter(assessment__assessed_at__lt=until)
    found = rows.annotate(month=TruncMonth("assessment__assessed_at")).order_by("month").values_list("month", flat=True)
    return list(found.distinct())


def parts(facts: Iterable[str]) -> Iterator[tuple[str, Columns, list[int]]]:
    """One part a month: its name, the wanted facts with the stored outcomes, and the assessment of each row.

    Facts are those frozen with the decision; nothing of today is joined.
    """
    import numpy as np

    names = list(facts)
    columns = [FACTS_BY_NAME[name].column for name in names]
    for month in months():
        rows = (
            FactRow.objects.filter(assessment__occasion="submit")
            .annotate(month=TruncMonth("assessment__assessed_at"))
            .filter(month=month)
            .order_by("assessment_id")
            .values_list("assessment_id", "assessment__outcome", *columns)
        )
        ids: list[int] = []
        outcomes: list[int] = []
        plain: list[dict[str, Any]] = []
        for pk, outcome, *values in rows.iterator(ROWS_PER_READ):
            ids.append(pk)
            outcomes.append(OUTCOMES.index(outcome))
            plain.append({name: value for name, value in zip(names, values, strict=True) if value is not None})
        encoded = encode(plain, SCHEMA, names)
        stored = Column(np.array(outcomes, code_dtype(len(OUTCOMES))), None, OUTCOMES)
        yield f"{month:%Y-%m}", Columns(encoded.count, {**encoded.columns, OUTCOME_COLUMN: stored}), ids
