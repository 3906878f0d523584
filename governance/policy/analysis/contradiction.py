"""A cheap proof that a condition is never true: every way to make it true asks for something and its opposite.

The condition is spread into alternatives, each a list of single tests. An alternative is impossible when the tests on
one value leave no number, no word or no order, when a fact is both read and absent, or when a test meets its negation.
What is not seen through is taken as possible, so a proof is a proof and its absence says nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from governance.policy.facts.schema import FactsSchema
from governance.policy.language import ir
from governance.policy.language.ranges import range_of
from governance.policy.language.types import NUMBERS, Type

ALTERNATIVES_MAX = 2_000

_NEGATED = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_MIRRORED = {"==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
_ORDERS = {"==": {0}, "!=": {-1, 1}, "<": {-1}, "<=": {-1, 0}, ">": {1}, ">=": {0, 1}}

# A test and whether it has to be true.
Literal = tuple[ir.Node, bool]


class _TooMany(Exception):
    pass


def is_never_true(node: ir.Node, schema: FactsSchema) -> bool:
    """Whether no facts at all make the condition true. False also means: not seen."""
    try:
        return all(_is_impossible(alternative, schema) for alternative in _alternatives(node, True))
    except _TooMany:
        return False


def _alternatives(node: ir.Node, wanted: bool) -> list[tuple[Literal, ...]]:
    """All ways for a node to come to `wanted`, each as tests that must all hold."""
    match node:
        case ir.Const(value, Type.BOOL):
            return [()] if bool(value) is wanted else []
        case ir.Not(operand):
            return _alternatives(operand, not wanted)
        case ir.And(operands) | ir.Or(operands):
            if isinstance(node, ir.And) == wanted:
                parts = [_alternatives(operand, wanted) for operand in operands]
                found: list[tuple[Literal, ...]] = [()]
                for part in parts:
                    found = _bounded(left + right for left, right in itertools.product(found, part))
                return found
            return _bounded(each for operand in operands for each in _alternatives(operand, wanted))
        case ir.If(condition, then, otherwise):
            yes = ir.And((condition, then if wanted else ir.Not(then)))
            no = ir.And((ir.Not(condition), otherwise if wanted else ir.Not(otherwise)))
            return _bounded(itertools.chain(_alternatives(yes, True), _alternatives(no, True)))
    return [((node, wanted),)]


def _bounded(alternatives: Iterator[Any]) -> list[Any]:
    found = list(itertools.islice(alternatives, ALTERNATIVES_MAX + 1))
    if len(found) > ALTERNATIVES_MAX:
        raise _TooMany
    return found


@dataclass(slots=True)
class _Number:
    low: float
    high: float
    is_low_open: bool = False
    is_high_open: bool = False
    excluded: set[float] = field(default_factory=set)

    def add(self, operator: str, limit: float) -> None:
        if operator == "!=":
            self.excluded.add(limit)
        if operator in ("==", ">", ">=") and (limit, operator == ">") > (self.low, self.is_low_open):
            self.low, self.is_low_open = limit, operator == ">"
        if operator in ("==", "<", "<=") and (-limit, operator == "<") > (-self.high, self.is_high_open):
            self.high, self.is_high_open = limit, operator == "<"

    def is_empty(self, is_whole: bool) -> bool:
        if self.low > self.high or (self.low == self.high and (self.is_low_open or self.is_high_open)):
            return True
        if self.low == self.high:
            return self.low in self.excluded
        # Between two neighbouring whole numbers there is nothing.
        return is_whole and self.is_low_open and self.is_high_open and self.high - self.low <= 1


def _is_impossible(literals: tuple[Literal, ...], schema: FactsSchema) -> bool:
    numbers: dict[ir.Node, _Number] = {}
    words: dict[ir.Node, tuple[set[str] | None, set[str]]] = {}
    orders: dict[tuple[ir.Node, ir.Node], set[int]] = {}
    seen: dict[ir.Node, bool] = {}
    read: set[str] = set()
    absent: set[str] = set()
    for node, wanted in literals:
        if isinstance(node, ir.Has):
            fact = schema.by_name[node.name]
            if not wanted and not fact.optional:
                return True
            (read if wanted else absent).add(node.name)
            continue
        if seen.setdefault(node, wanted) is not wanted:
            return True
        read.update(_always_read(node))
        match node:
            case ir.Compare(operator, left, right):
                if isinstance(left, ir.Const):
                    operator, left, right = _MIRRORED[operator], right, left
                operator = operator if wanted else _NEGATED[operator]
                _add_comparison(operator, left, right, numbers, words, orders, schema)
            case ir.In(item, ir.Const(values)):
                chosen, excluded = words.get(item, (_choices(item, schema), set()))
                if wanted:
                    chosen = set(values) if chosen is None else chosen & set(values)
                else:
                    excluded = excluded | set(values)
                words[item] = (chosen, excluded)
    if read & absent:
        return True
    if any(range.is_empty(node.type is Type.INT) for node, range in numbers.items()):
        return True
    if any(chosen is not None and not chosen - excluded for chosen, excluded in words.values()):
        return True
    return any(not allowed for allowed in orders.values())


def _add_comparison(
    operator: str, left: ir.Node, right: ir.Node, numbers: Any, words: Any, orders: Any, schema: FactsSchema
) -> None:
    if isinstance(right, ir.Const) and left.type in NUMBERS:
        if left not in numbers:
            interval = range_of(left, schema.by_name, {})
            numbers[left] = _Number(interval.low, interval.high)
        numbers[left].add(operator, right.value)
    elif isinstance(right, ir.Const) and left.type is Type.STRING and operator in ("==", "!="):
        chosen, excluded = words.get(left, (_choices(left, schema), set()))
        if operator == "==":
            chosen = {right.value} if chosen is None else chosen & {right.value}
        else:
            excluded = excluded | {right.value}
        words[left] = (chosen, excluded)
    else:
        pair = (left, right)
        orders[pair] = orders.get(pair, {-1, 0, 1}) & _ORDERS[operator]


def _choices(node: ir.Node, schema: FactsSchema) -> set[str] | None:
    """All words that a fact can say, or None when there is no end to them."""
    if isinstance(node, ir.FactRef):
        fact = schema.by_name[node.name]
        if fact.choices and not fact.is_open:
            return set(fact.choices)
    return None


def _always_read(node: ir.Node) -> set[str]:
    """Facts without which the test has no answer; those behind a choice or a quantifier may not be needed."""
    if isinstance(node, (ir.If, ir.Quantifier, ir.Has, ir.And, ir.Or)):
        return set(ir.fact_names(node.list)) if isinstance(node, ir.Quantifier) else set()
    found = {node.name} if isinstance(node, ir.FactRef) else set()
    for child in ir.children(node):
        found |= _always_read(child)
    return found
