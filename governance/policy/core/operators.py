"""Arithmetic of core CEL: within one type, with overflow as an error and division towards zero.

Source: Common Expression Language specification, "List of Standard Definitions".
"""

from __future__ import annotations

import math
from typing import Any

from governance.policy.core.times import difference, duration, timestamp
from governance.policy.core.values import (
    INT_MAX,
    INT_MIN,
    UINT_MAX,
    Duration,
    EvaluationError,
    Timestamp,
    UInt,
    type_of,
)

# A list or text that grows by `+` inside a macro could otherwise grow without end.
LENGTH_MAX = 1_000_000


def no_overload(operator: str, *values: Any) -> EvaluationError:
    kinds = ", ".join(type_of(value).name for value in values)
    return EvaluationError(f"no overload of `{operator}` for {kinds}")


def whole(value: int, like: int) -> int:
    """A result in the type of an operand."""
    if isinstance(like, UInt):
        if not 0 <= value <= UINT_MAX:
            raise EvaluationError("unsigned overflow")
        return UInt(value)
    if not INT_MIN <= value <= INT_MAX:
        raise EvaluationError("integer overflow")
    return value


def _towards_zero(left: int, right: int) -> int:
    if right == 0:
        raise EvaluationError("divide by zero")
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _divide_doubles(left: float, right: float) -> float:
    if right:
        return left / right
    if left == 0 or left != left:
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


def arithmetic(operator: str, left: Any, right: Any) -> Any:
    """`left operator right` for `+ - * / %`."""
    kind = type(left)
    if kind is not type(right):
        return _times(operator, left, right)
    if kind is int or kind is UInt:
        a, b = int(left), int(right)
        match operator:
            case "+":
                return whole(a + b, left)
            case "-":
                return whole(a - b, left)
            case "*":
                return whole(a * b, left)
            case "/":
                return whole(_towards_zero(a, b), left)
        # The quotient must fit too: the lowest number over -1 does not.
        return whole(a - b * whole(_towards_zero(a, b), left), left)
    if kind is float:
        match operator:
            case "+":
                return left + right
            case "-":
                return left - right
            case "*":
                return left * right
            case "/":
                return _divide_doubles(left, right)
        raise no_overload(operator, left, right)
    if operator == "+" and kind in (str, bytes, tuple):
        if len(left) + len(right) > LENGTH_MAX:
            raise EvaluationError("the value grows too long")
        return left + right
    return _times(operator, left, right)


def _times(operator: str, left: Any, right: Any) -> Any:
    match operator, left, right:
        case ("+", Timestamp(a), Duration(b)) | ("+", Duration(a), Timestamp(b)):
            return timestamp(a + b)
        case ("-", Timestamp(a), Duration(b)):
            return timestamp(a - b)
        case ("-", Timestamp(a), Timestamp(b)):
            return difference(a - b)
        case ("+", Duration(a), Duration(b)):
            return duration(a + b)
        case ("-", Duration(a), Duration(b)):
            return duration(a - b)
    raise no_overload(operator, left, right)


def negate(value: Any) -> Any:
    """`-value`; there is no negative unsigned number."""
    if type(value) is int:
        return whole(-value, value)
    if type(value) is float:
        return -value
    raise no_overload("-", value)
