"""Evaluate IR by walking it: slow, plain, and the reference that generated code is tested against.

Explanations use it to say what each part of a rule came to. Three values: True, False, and INDETERMINATE for what CEL
calls an error (an absent fact).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from governance.policy.language import ir
from governance.policy.language.types import Type


class _Indeterminate:
    __slots__ = ()

    def __repr__(self) -> str:
        return "INDETERMINATE"

    def __bool__(self) -> bool:
        raise TypeError("an indeterminate value is neither true nor false")


INDETERMINATE: Final = _Indeterminate()

COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_TEXT: dict[str, Callable[[str, str], bool]] = {
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "contains": operator.contains,
}


def evaluate(node: ir.Node, facts: Mapping[str, Any], item: Any = None) -> Any:
    """The value of a node over a facts mapping, or INDETERMINATE. Parameters must be bound.

    A fact of the wrong type is as good as absent: the part that reads it is indeterminate.
    """
    match node:
        case ir.Const(value):
            return value
        case ir.FactRef(name, type):
            return _fact_value(name, type, facts)
        case ir.Has(name):
            return name in facts
        case ir.ItemRef():
            return item
        case ir.And(operands):
            return _absorb(operands, facts, item, deciding=False)
        case ir.Or(operands):
            return _absorb(operands, facts, item, deciding=True)
        case ir.If(condition, then, otherwise):
            chosen = evaluate(condition, facts, item)
            if chosen is INDETERMINATE:
                return INDETERMINATE
            return evaluate(then if chosen else otherwise, facts, item)
        case ir.Quantifier():
            return _quantify(node, facts)
        case ir.Absent() | ir.ParamRef():
            return INDETERMINATE
    values = [evaluate(child, facts, item) for child in ir.children(node)]
    if any(value is INDETERMINATE for value in values):
        return INDETERMINATE
    return _strict(node, values)


def _fact_value(name: str, type: Type, facts: Mapping[str, Any]) -> Any:
    value = facts.get(name)
    return INDETERMINATE if value is None or not _is_of_type(type, value) else value


_PYTHON_TYPES: dict[Type, tuple[type, ...]] = {
    Type.DOUBLE: (float, int),
    Type.INT: (int,),
    Type.STRING: (str,),
    Type.STRING_LIST: (list, tuple),
    Type.TIMESTAMP: (datetime,),
}


def _is_of_type(type: Type, value: Any) -> bool:
    if isinstance(value, bool):
        return type is Type.BOOL
    if isinstance(value, float) and math.isnan(value):
        # NaN never passes the boundary; should it, it decides nothing.
        return False
    return isinstance(value, _PYTHON_TYPES.get(type, ()))


def _absorb(operands: tuple[ir.Node, ...], facts: Mapping[str, Any], item: Any, *, deciding: bool) -> Any:
    """`&&` is decided by a false, `||` by a true, whatever else is indeterminate."""
    outcome: Any = not deciding
    for operand in operands:
        value = evaluate(operand, facts, item)
        if value is INDETERMINATE:
            outcome = INDETERMINATE
        elif value is deciding:
            return deciding
    return outcome


def _quantify(node: ir.Quantifier, facts: Mapping[str, Any]) -> Any:
    items = evaluate(node.list, facts)
    if items is INDETERMINATE:
        return INDETERMINATE
    deciding = node.kind == "exists"
    outcome: Any = not deciding
    for item in items:
        value = evaluate(node.body, facts, item)
        if value is INDETERMINATE:
            outcome = INDETERMINATE
        elif value is deciding:
            return deciding
    return outcome


def _strict(node: ir.Node, values: list[Any]) -> Any:
    """Operators that need all their parts."""
    match node:
        case ir.Not():
            return not values[0]
        case ir.Compare(symbol):
            return COMPARE[symbol](*values)
        case ir.In():
            return values[0] in values[1]
        case ir.Arithmetic(symbol):
            # Invariant: the checker proved the divisor non-zero; a value that breaks the proof decides nothing.
            return INDETERMINATE if symbol == "/" and values[1] == 0 else _ARITHMETIC[symbol](*values)
        case ir.Negate():
            return -values[0]
        case ir.Extreme(kind):
            return max(values) if kind == "max" else min(values)
        case ir.ToDouble():
            return float(values[0])
        case ir.Size():
            return len(values[0])
        case ir.TextTest(function):
            return _TEXT[function](*values)
    raise AssertionError(f"no evaluation for {type(node).__name__}")
