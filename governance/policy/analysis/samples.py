"""Facts that stand where rules change their minds: just below, at and just above each limit, each word, absent."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from governance.policy.facts.facts import NUMERIC, Fact, FactType, check_value
from governance.policy.facts.schema import FactsSchema
from governance.policy.language import ir
from governance.policy.language.types import NUMBERS, Type

ABSENT = object()
VALUES_MAX = 60
OTHER_WORD = "something else"


def candidates(nodes: Iterable[ir.Node], schema: FactsSchema) -> dict[str, list[Any]]:
    """For each fact of some conditions the values that are worth trying; `ABSENT` among them for an optional one."""
    nodes = list(nodes)
    names = dict.fromkeys(name for node in nodes for name in ir.fact_names(node) if name in schema.by_name)
    numbers: dict[str, set[float]] = {name: set() for name in names}
    words: dict[str, set[str]] = {name: set() for name in names}
    instants: set[datetime] = set()
    for node in nodes:
        for part in ir.walk(node):
            if isinstance(part, (ir.Compare, ir.In, ir.TextTest, ir.Quantifier)):
                constants = [each for each in ir.walk(part) if isinstance(each, ir.Const)]
                for name in ir.fact_names(part):
                    numbers.setdefault(name, set()).update(each for c in constants for each in _numbers(c))
                    words.setdefault(name, set()).update(each for c in constants for each in _words(c))
                instants.update(c.value for c in constants if c.type is Type.TIMESTAMP)
    found: dict[str, list[Any]] = {}
    for name in names:
        fact = schema.by_name[name]
        values = [
            value for value in _values(fact, numbers[name], words[name], instants) if check_value(fact, value) is None
        ]
        found[name] = values[:VALUES_MAX] + ([ABSENT] if fact.optional else [])
    return found


def _numbers(part: ir.Const) -> tuple[float, ...]:
    if part.type in NUMBERS:
        return (part.value,)
    return part.value if part.type in (Type.DOUBLE_LIST, Type.INT_LIST) else ()


def _words(part: ir.Const) -> tuple[str, ...]:
    if part.type is Type.STRING:
        return (part.value,)
    return part.value if part.type is Type.STRING_LIST else ()


def _values(fact: Fact, numbers: set[float], words: set[str], instants: set[datetime]) -> list[Any]:
    if fact.type in NUMERIC:
        return _near(fact, numbers)
    if fact.type is FactType.BOOL:
        return [False, True]
    if fact.type is FactType.STRING_LIST:
        single = [[word] for word in sorted(words)]
        return [[], *single, [OTHER_WORD], sorted(words)]
    if fact.type is FactType.TIMESTAMP:
        base = instants or {datetime.fromisoformat("2026-06-01T00:00:00+00:00")}
        steps = (
            timedelta(0),
            timedelta(microseconds=-1),
            timedelta(microseconds=1),
            timedelta(days=-400),
            timedelta(days=400),
        )
        return [instant + step for instant in sorted(base) for step in steps]
    return list(
        dict.fromkeys([*sorted(words), *fact.choices, *([] if fact.choices and not fact.is_open else [OTHER_WORD])])
    )


def _near(fact: Fact, numbers: set[float]) -> list[Any]:
    low, high = fact.minimum, fact.maximum
    ends = [value for value in (low, high) if value is not None]
    if fact.type is FactType.INT:
        whole = [int(number) + step for number in numbers if abs(number) < 1e15 for step in (-1, 0, 1)]
        return list(dict.fromkeys([*whole, *map(int, ends)]))
    near = [
        each
        for number in numbers
        for each in (number, math.nextafter(number, -math.inf), math.nextafter(number, math.inf))
    ]
    return list(dict.fromkeys([*map(float, near), *(number * 1.5 for number in numbers), *map(float, ends)]))


def draw(
    values: Mapping[str, Sequence[Any]], base: Mapping[str, Any], count: int, seed: int = 1
) -> list[dict[str, Any]]:
    """Rows of facts over a plain ground: each value once by itself, then random combinations. The same each time."""
    rows: list[dict[str, Any]] = [dict(base)]
    for name, choices in values.items():
        rows += [_with(base, {name: value}) for value in choices]
    bits = Random(seed).getrandbits  # noqa: S311 - the same examples every time are wanted
    drawn = [(name, choices, len(choices), len(choices).bit_length()) for name, choices in values.items()]
    while len(rows) < count and drawn:
        # What `Random.choice` does, written out: this is called a hundred thousand times for one set of rules.
        row = dict(base)
        for name, choices, size, width in drawn:
            index = bits(width)
            while index >= size:
                index = bits(width)
            if (value := choices[index]) is ABSENT:
                row.pop(name, None)
            else:
                row[name] = value
        rows.append(row)
    return rows[:count]


def _with(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    row = dict(base)
    for name, value in changes.items():
        if value is ABSENT:
            row.pop(name, None)
        else:
            row[name] = value
    return row
