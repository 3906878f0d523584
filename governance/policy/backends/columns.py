"""Facts of many decisions as typed columns: one array per fact, texts and lists as codes into a dictionary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from governance.policy.facts.facts import TEXTUAL, Fact, FactType
from governance.policy.facts.schema import FactsSchema

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_DTYPES: dict[FactType, Any] = {
    FactType.DOUBLE: np.float64,
    FactType.INT: np.int64,
    FactType.BOOL: np.bool_,
    FactType.TIMESTAMP: np.int64,
}


@dataclass(frozen=True, slots=True)
class Column:
    """One fact of all rows.

    Attributes:
        values: float64, int64, bool, instants as int64 microseconds since 1970; or codes (uint8, uint16, uint32).
            A row where the fact is absent holds any value.
        present: which rows have the fact; None when all do.
        dictionary: what the codes stand for: texts, or tuples of texts; None for a column of plain values.
    """

    values: NDArray[Any]
    present: NDArray[np.bool_] | None = None
    dictionary: tuple[Any, ...] | None = None

    def slice(self, start: int, stop: int) -> Column:
        """A view of some rows."""
        present = None if self.present is None else self.present[start:stop]
        return Column(self.values[start:stop], present, self.dictionary)


@dataclass(frozen=True, slots=True)
class Columns:
    """Rows as columns. A fact without a column is absent in every row."""

    count: int
    columns: Mapping[str, Column]

    def slice(self, start: int, stop: int) -> Columns:
        """A view of some rows; nothing is copied."""
        stop = min(stop, self.count)
        return Columns(stop - start, {name: column.slice(start, stop) for name, column in self.columns.items()})

    def row(self, index: int) -> dict[str, Any]:
        """One row as a facts mapping again."""
        facts: dict[str, Any] = {}
        for name, column in self.columns.items():
            if column.present is None or column.present[index]:
                value = column.values[index].item()
                facts[name] = value if column.dictionary is None else column.dictionary[value]
        return facts


def microseconds(instant: datetime) -> int:
    """An aware instant as whole microseconds since 1970, exactly."""
    return (instant - _EPOCH) // _MICROSECOND


def instant_of(value: int) -> datetime:
    """The aware UTC instant of whole microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=value)


def code_dtype(size: int) -> Any:
    """The smallest unsigned type for codes into a dictionary of this size."""
    return np.uint8 if size <= 1 << 8 else np.uint16 if size <= 1 << 16 else np.uint32


def encode(rows: Sequence[Mapping[str, Any]], schema: FactsSchema, names: Iterable[str] | None = None) -> Columns:
    """Facts mappings as columns.

    Args:
        rows: mappings that passed the schema's checks.
        names: the facts that are wanted; all when None.
    """
    wanted = schema.by_name if names is None else {name: schema.by_name[name] for name in names}
    return Columns(len(rows), {name: _encode_column(fact, rows) for name, fact in wanted.items()})


def _encode_column(fact: Fact, rows: Sequence[Mapping[str, Any]]) -> Column:
    values = [row.get(fact.name) for row in rows]
    has = np.fromiter((value is not None for value in values), np.bool_, len(values))
    present = None if has.all() else has
    if fact.type in TEXTUAL or fact.type is FactType.STRING_LIST:
        codes: dict[Any, int] = {}
        numbers = [codes.setdefault(_key(value), len(codes)) if value is not None else 0 for value in values]
        return Column(np.array(numbers, code_dtype(len(codes))), present, tuple(codes))
    if fact.type is FactType.TIMESTAMP:
        values = [0 if value is None else microseconds(value) for value in values]
    plain = [0 if value is None else value for value in values]
    return Column(np.array(plain, _DTYPES[fact.type]), present)


def _key(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def concatenate(parts: Sequence[Columns]) -> Columns:
    """Rows of several parts under one set of dictionaries, in order."""
    names = dict.fromkeys(name for part in parts for name in part.columns)
    return Columns(sum(part.count for part in parts), {name: _join(name, parts) for name in names})


def _join(name: str, parts: Sequence[Columns]) -> Column:
    found = [(part.columns.get(name), part.count) for part in parts]
    first = next(column for column, _ in found if column is not None)
    present_parts = [
        np.zeros(count, np.bool_)
        if column is None
        else np.ones(count, np.bool_)
        if column.present is None
        else column.present
        for column, count in found
    ]
    present = np.concatenate(present_parts)
    if first.dictionary is None:
        values = [np.zeros(count, first.values.dtype) if column is None else column.values for column, count in found]
        return Column(np.concatenate(values), None if present.all() else present)
    codes: dict[Any, int] = {}
    recoded: list[NDArray[Any]] = []
    for column, count in found:
        if column is None or not column.dictionary:
            recoded.append(np.zeros(count, np.uint32))
            continue
        table = np.array([codes.setdefault(value, len(codes)) for value in column.dictionary], np.uint32)
        recoded.append(table[column.values])
    return Column(
        np.concatenate(recoded).astype(code_dtype(len(codes))), None if present.all() else present, tuple(codes)
    )
