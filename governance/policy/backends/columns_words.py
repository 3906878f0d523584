"""Steps over columns that are about texts and lists: judged once per word, or once per combination of values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from governance.policy.backends.columns import Column, Columns, instant_of
from governance.policy.backends.interpreter import INDETERMINATE, evaluate
from governance.policy.language import ir
from governance.policy.language.types import Type

# Up to so many codes are compared one by one; more are looked up in a table.
CODES_MAX = 12

Bools: TypeAlias = NDArray[np.bool_]
Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a step comes to on a block: an array or one value for all rows; `known` is None when every row is known."""

    value: Any
    known: Bools | None = None


Step: TypeAlias = "Callable[[Columns, list[Answer]], Answer]"


def any_equal(values: Any, constants: Sequence[Any], count: int) -> Any:
    """Membership in a few constants."""
    if np.ndim(values) == 0:
        return np.bool_(any(values == constant for constant in constants))
    if not constants:
        return np.zeros(count, np.bool_)
    found = values == constants[0]
    for constant in constants[1:]:
        found |= values == constant
    return found


def is_about_words(node: ir.Node) -> bool:
    """A condition or length whose parts are texts or lists: no array holds those, so it is judged by combination."""
    if isinstance(node, (ir.Size, ir.TextTest)):
        return True
    if isinstance(node, ir.Quantifier):
        return not isinstance(node.list, ir.Const) or node.list.type is Type.STRING_LIST
    if isinstance(node, ir.In):
        return not isinstance(node.list, ir.Const) or node.item.type is Type.STRING
    return isinstance(node, ir.Compare) and node.left.type is Type.STRING


def by_word(node: ir.Node, *, is_guarded: bool) -> Step:
    """Judge a condition about texts or lists.

    Args:
        is_guarded: wherever it is reached, its facts are there.
    """
    names = ir.fact_names(node)
    if len(names) == 1 and not any(isinstance(part, ir.Has) for part in ir.walk(node)):
        return _by_one_dictionary(node, names[0], is_guarded)

    def step(block: Columns, answers: list[Answer]) -> Answer:
        return _by_combination(node, names, block, is_guarded)

    return step


def _by_one_dictionary(node: ir.Node, name: str, is_guarded: bool) -> Step:
    """Judge each word of the dictionary once; then rows only compare codes."""
    # The last dictionary and its verdicts; blocks of one store share theirs. Replaced whole, so threads may race.
    memo: list[tuple[tuple[Any, ...], Any]] = []

    def step(block: Columns, answers: list[Answer]) -> Answer:
        column = block.columns.get(name)
        if column is None:
            return Answer(False, None if is_guarded else np.zeros(block.count, np.bool_))
        if column.dictionary is None:
            return _by_combination(node, (name,), block, is_guarded)
        cached = memo[0] if memo else None
        if cached is None or cached[0] is not column.dictionary:
            cached = (column.dictionary, [evaluate(node, {name: word}) for word in column.dictionary])
            memo[:] = [cached]
        return Answer(_gather(cached[1], column, node.type), None if is_guarded else column.present)

    return step


def _gather(verdicts: Sequence[Any], column: Column, type: Type) -> Any:
    """The verdict of each row's word."""
    if type is not Type.BOOL:
        # One more entry: a column that is absent everywhere has no words, and codes that mean nothing.
        table = np.array([*(0 if verdict is INDETERMINATE else verdict for verdict in verdicts), 0], np.int64)
        return table[column.values]
    hits = [code for code, verdict in enumerate(verdicts) if verdict is True]
    misses = [code for code, verdict in enumerate(verdicts) if verdict is not True]
    fewer = hits if len(hits) <= len(misses) else misses
    if len(fewer) > CODES_MAX:
        return np.array([verdict is True for verdict in verdicts], np.bool_)[column.values]
    found = any_equal(column.values, fewer, len(column.values))
    return found if fewer is hits else ~found


def _by_combination(node: ir.Node, names: Sequence[str], block: Columns, is_guarded: bool) -> Answer:
    """Let the interpreter judge each distinct combination of the facts."""
    keys = np.zeros(block.count, np.int64)
    for name in names:
        codes, size = _codes(block.columns.get(name), block.count)
        # Renumbered at once, so that the product stays small.
        keys = np.unique(keys * size + codes, return_inverse=True)[1]
    _, first, place = np.unique(keys, return_index=True, return_inverse=True)
    instants = {part.name for part in ir.walk(node) if isinstance(part, ir.FactRef) and part.type is Type.TIMESTAMP}
    verdicts = [evaluate(node, _facts_at(names, block, int(row), instants)) for row in first]
    sure = np.array([verdict is not INDETERMINATE for verdict in verdicts], np.bool_)
    dtype: Any = np.bool_ if node.type is Type.BOOL else np.int64
    table = np.array([0 if verdict is INDETERMINATE else verdict for verdict in verdicts], dtype)
    return Answer(table[place], None if is_guarded or sure.all() else sure[place])


def _codes(column: Column | None, count: int) -> tuple[Array, int]:
    """A column as whole numbers from 0, absent rows as one more; and how many there are."""
    if column is None:
        return np.zeros(count, np.int64), 1
    if column.dictionary is None:
        values, codes = np.unique(column.values, return_inverse=True)
        size = len(values)
    else:
        codes, size = column.values.astype(np.int64), len(column.dictionary)
    if column.present is not None:
        codes = np.where(column.present, codes, size)
    return codes, size + 1


def _facts_at(names: Sequence[str], block: Columns, row: int, instants: set[str]) -> Mapping[str, Any]:
    facts: dict[str, Any] = {}
    for name in names:
        column = block.columns.get(name)
        if column is None or (column.present is not None and not column.present[row]):
            continue
        value = column.values[row].item()
        if column.dictionary is not None:
            value = column.dictionary[value]
        facts[name] = instant_of(value) if name in instants else value
    return facts
