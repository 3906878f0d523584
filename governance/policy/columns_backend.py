"""IR to operations on whole columns: the answers of many rules on many rows, in three values, without a loop over rows.

Conditions become one list of steps; what several rules share is one step. Rows are taken in blocks that stay in the
processor's cache. A condition on one text or list is judged once per word of its dictionary, and anything that does not
fit an array is judged by the interpreter once per distinct combination of its facts: slower, with the same answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from governance.policy import ir
from governance.policy.columns import Column, Columns, instant_of, microseconds
from governance.policy.interpreter import INDETERMINATE, evaluate
from governance.policy.types import ELEMENT, Type

# Rows per block: the columns of one step and its result stay in the second-level cache.
BLOCK_ROWS = 1 << 16
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


@dataclass(frozen=True, slots=True)
class RuleAnswer:
    """Which rows a rule fires on, and on which it is indeterminate (None: on none)."""

    fired: Bools
    unsure: Bools | None


class ColumnsProgram:
    """Conditions with bound parameters, ready for any columns of their schema. Safe to share between threads."""

    def __init__(self, conditions: Sequence[ir.Node]) -> None:
        self.facts = tuple(dict.fromkeys(name for node in conditions for name in ir.fact_names(node)))
        self._places: dict[tuple[ir.Node, tuple[bool, ...]], int] = {}
        self._steps: list[Step] = []
        self._outputs = [self._place(node) for node in conditions]

    def run_block(self, block: Columns) -> list[RuleAnswer]:
        """Judge the rows of one block, one answer per condition."""
        answers: list[Answer] = []
        with np.errstate(all="ignore"):
            # What is divided by zero or overflows here is a row where the guard in front of it does not hold.
            for step in self._steps:
                answers.append(step(block, answers))
        return [_rule_answer(answers[place], block.count) for place in self._outputs]

    # -- steps

    def _place(self, node: ir.Node) -> int:
        """Where the answer of a node will be; the same node is computed once."""
        # Equal nodes may stand behind different guards, and then differ where a fact is absent.
        guards = tuple(part.is_guarded for part in ir.walk(node) if isinstance(part, ir.FactRef))
        found = self._places.get((node, guards))
        if found is None:
            step = self._step(node)
            self._steps.append(step)
            found = self._places[node, guards] = len(self._steps) - 1
        return found

    def _step(self, node: ir.Node) -> Step:
        if _is_about_words(node):
            return _by_word(node)
        match node:
            case ir.Const(value, type):
                constant = Answer(_plain(value, type))
                return lambda block, answers: constant
            case ir.Absent():
                return lambda block, answers: Answer(False, np.zeros(block.count, np.bool_))
            case ir.FactRef(name):
                return _fact(name, node.is_guarded)
            case ir.Has(name):
                return _has(name)
            case ir.Not(operand):
                place = self._place(operand)
                return lambda block, answers: Answer(~_truth(answers[place]), answers[place].known)
            case ir.And(operands) | ir.Or(operands):
                return _logical([self._place(operand) for operand in operands], deciding=isinstance(node, ir.Or))
            case ir.If(condition, then, otherwise):
                return _choose(*(self._place(each) for each in (condition, then, otherwise)))
            case ir.In(item, ir.Const(values)):
                place = self._place(item)
                constants = [_plain(value, item.type) for value in values]
                return lambda block, answers: Answer(
                    _any_equal(answers[place].value, constants, block.count), answers[place].known
                )
            case ir.Quantifier(kind, ir.Const(values), _, body):
                parts = tuple(_with_item(body, value, node.list.type) for value in values)
                return self._step(ir.Or(parts) if kind == "exists" else ir.And(parts))
        return self._strict(node)

    def _strict(self, node: ir.Node) -> Step:
        """Operators that need all their parts."""
        function = _FUNCTIONS.get(type(node))
        if function is None:
            raise AssertionError(f"no columns for {type(node).__name__}")
        places = [self._place(child) for child in ir.children(node)]
        operate = function(node)

        def step(block: Columns, answers: list[Answer]) -> Answer:
            parts = [answers[place] for place in places]
            return Answer(operate(*(part.value for part in parts)), _all_known(parts))

        return step


def _rule_answer(answer: Answer, count: int) -> RuleAnswer:
    truth = answer.value
    if np.ndim(truth) == 0:
        truth = np.full(count, bool(truth))
    if answer.known is None:
        return RuleAnswer(truth, None)
    return RuleAnswer(truth & answer.known, ~answer.known)


# -- values


def _plain(value: Any, type: Type) -> Any:
    """A constant as the columns hold it."""
    if isinstance(value, datetime):
        return microseconds(value)
    if isinstance(value, timedelta):
        return value // timedelta(microseconds=1)
    return np.bool_(value) if type is Type.BOOL else value


def _truth(answer: Answer) -> Any:
    return answer.value if isinstance(answer.value, np.ndarray) else np.bool_(answer.value)


def _all_known(parts: Sequence[Answer]) -> Bools | None:
    known = [part.known for part in parts if part.known is not None]
    if not known:
        return None
    together = known[0]
    for each in known[1:]:
        together = together & each
    return together


def _fact(name: str, is_guarded: bool) -> Step:
    def step(block: Columns, answers: list[Answer]) -> Answer:
        column = block.columns.get(name)
        if column is None:
            return Answer(False, None if is_guarded else np.zeros(block.count, np.bool_))
        # Behind its guard an absent fact is never asked for; whatever stands there is masked.
        return Answer(column.values, None if is_guarded else column.present)

    return step


def _has(name: str) -> Step:
    def step(block: Columns, answers: list[Answer]) -> Answer:
        column = block.columns.get(name)
        if column is None:
            return Answer(np.bool_(False))
        return Answer(np.bool_(True) if column.present is None else column.present)

    return step


def _logical(places: Sequence[int], *, deciding: bool) -> Step:
    """Kleene's and, or: decided by a false, a true, whatever else is unknown."""

    def step(block: Columns, answers: list[Answer]) -> Answer:
        if not places:
            return Answer(np.bool_(not deciding))
        truth = _truth(answers[places[0]])
        known = answers[places[0]].known
        for place in places[1:]:
            other, other_known = _truth(answers[place]), answers[place].known
            if known is None and other_known is None:
                truth = truth | other if deciding else truth & other
                continue
            decided = _decided(truth, known, deciding) | _decided(other, other_known, deciding)
            known = decided | (_known(known) & _known(other_known))
            truth = (decided if deciding else ~decided) & known
        return Answer(truth, known)

    return step


def _known(known: Bools | None) -> Any:
    return np.bool_(True) if known is None else known


def _decided(truth: Any, known: Bools | None, deciding: bool) -> Any:
    hit = truth if deciding else ~truth
    return hit if known is None else hit & known


def _choose(condition: int, then: int, otherwise: int) -> Step:
    def step(block: Columns, answers: list[Answer]) -> Answer:
        which, yes, no = answers[condition], answers[then], answers[otherwise]
        truth = _truth(which)
        value = np.where(truth, yes.value, no.value)
        if which.known is None and yes.known is None and no.known is None:
            return Answer(value)
        known = np.where(truth, _known(yes.known), _known(no.known)) & _known(which.known)
        return Answer(value, np.broadcast_to(known, (block.count,)))

    return step


def _any_equal(values: Any, constants: Sequence[Any], count: int) -> Any:
    """Membership in a few constants."""
    if np.ndim(values) == 0:
        return np.bool_(any(values == constant for constant in constants))
    if not constants:
        return np.zeros(count, np.bool_)
    found = values == constants[0]
    for constant in constants[1:]:
        found |= values == constant
    return found


_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
}


def _extreme(node: Any) -> Callable[..., Any]:
    pick = np.maximum if node.kind == "max" else np.minimum

    def extreme(first: Any, *others: Any) -> Any:
        for other in others:
            first = pick(first, other)
        return first

    return extreme


_FUNCTIONS: dict[type, Callable[[Any], Callable[..., Any]]] = {
    ir.Compare: lambda node: _COMPARE[node.operator],
    ir.Arithmetic: lambda node: _ARITHMETIC[node.operator],
    ir.Negate: lambda node: np.negative,
    ir.Extreme: _extreme,
    ir.ToDouble: lambda node: lambda value: np.asarray(value, np.float64),
}


def _with_item(node: ir.Node, value: Any, list_type: Type) -> ir.Node:
    if isinstance(node, ir.ItemRef):
        return ir.Const(value=value, type=ELEMENT[list_type], span=node.span)
    return ir.map_children(node, lambda child: _with_item(child, value, list_type))


# -- words


def _is_about_words(node: ir.Node) -> bool:
    """A condition or length whose parts are texts or lists: no array holds those, so it is judged by combination."""
    if isinstance(node, (ir.Size, ir.TextTest)):
        return True
    if isinstance(node, ir.Quantifier):
        return not isinstance(node.list, ir.Const) or node.list.type is Type.STRING_LIST
    if isinstance(node, ir.In):
        return not isinstance(node.list, ir.Const) or node.item.type is Type.STRING
    return isinstance(node, ir.Compare) and node.left.type is Type.STRING


def _by_word(node: ir.Node) -> Step:
    names = ir.fact_names(node)
    is_guarded = not ir.may_err(node)
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
    found = _any_equal(column.values, fewer, len(column.values))
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
