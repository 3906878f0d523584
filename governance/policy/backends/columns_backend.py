"""IR to operations on whole columns: the answers of many rules on many rows, in three values, without a loop over rows.

Conditions become one list of steps; what several rules share is one step. Rows are taken in blocks that stay in the
processor's cache. A condition on one text or list is judged once per word of its dictionary, and anything that does not
fit an array is judged by the interpreter once per distinct combination of its facts: slower, with the same answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from governance.policy.backends.columns import Columns, microseconds
from governance.policy.backends.columns_words import Answer, Bools, Step, any_equal, by_word, is_about_words
from governance.policy.language import ir
from governance.policy.language.types import Type

# Rows per block: the columns of a few steps stay in the second-level cache, also where two processes share the third.
BLOCK_ROWS = 1 << 15


@dataclass(frozen=True, slots=True)
class RuleAnswer:
    """Which rows a rule fires on, and on which it is indeterminate (None: on none)."""

    fired: Bools
    unsure: Bools | None


class ColumnsProgram:
    """Conditions with bound parameters, ready for any columns of their schema. Safe to share between threads."""

    def __init__(self, conditions: Sequence[ir.Node]) -> None:
        self.facts = tuple(dict.fromkeys(name for node in conditions for name in ir.fact_names(node)))
        # A fact that no condition asks `has()` about is required: its column is whole, or a row has a gap there.
        self._asked = frozenset(part.name for node in conditions for part in ir.walk(node) if isinstance(part, ir.Has))
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
        if is_about_words(node):
            return by_word(node, is_guarded=not ir.may_err(node) and self._asked.issuperset(ir.fact_names(node)))
        match node:
            case ir.Const(value, type):
                constant = Answer(_plain(value, type))
                return lambda block, answers: constant
            case ir.Absent():
                return lambda block, answers: Answer(False, np.zeros(block.count, np.bool_))
            case ir.FactRef(name):
                return _fact(name, node.is_guarded and name in self._asked)
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
                    any_equal(answers[place].value, constants, block.count), answers[place].known
                )
            case ir.Quantifier(kind, ir.Const(values), _, body):
                parts = tuple(ir.bind_item(body, value, node.list.type) for value in values)
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
