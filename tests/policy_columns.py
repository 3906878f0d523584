"""Columns read back row by row: what tests compare with the facts that were encoded."""

from __future__ import annotations

from typing import Any

import numpy as np

from governance.policy.backends.bitmaps import Bits
from governance.policy.backends.columns import Columns, instant_of
from governance.policy.facts.facts import FactType
from governance.policy.facts.schema import FactsSchema


def rows_of(bits: Bits, count: int, limit: int | None = None) -> list[int]:
    """Numbers of the rows whose bit is set, ascending; at most `limit`."""
    found = np.flatnonzero(np.unpackbits(bits, count=count))
    return [int(row) for row in (found if limit is None else found[:limit])]


def decode_row(columns: Columns, index: int, schema: FactsSchema) -> dict[str, Any]:
    """One row as the facts mapping that was encoded: instants are datetimes, lists are lists."""
    facts = columns.row(index)
    for name in facts:
        if schema.by_name[name].type is FactType.TIMESTAMP:
            facts[name] = instant_of(facts[name])
        elif isinstance(facts[name], tuple):
            facts[name] = list(facts[name])
    return facts
