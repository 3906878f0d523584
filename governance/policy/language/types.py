"""The types of the policy profile: few, strict, with no dynamic one."""

from __future__ import annotations

import math
from enum import StrEnum

from governance.policy.facts.facts import Fact, FactType


class Type(StrEnum):
    """What an expression evaluates to. Enumerations are strings here; their choices are checked where compared."""

    BOOL = "bool"
    INT = "int"
    DOUBLE = "double"
    STRING = "string"
    TIMESTAMP = "timestamp"
    DURATION = "duration"
    STRING_LIST = "list(string)"
    INT_LIST = "list(int)"
    DOUBLE_LIST = "list(double)"


NUMBERS = (Type.INT, Type.DOUBLE)
ORDERED = (Type.INT, Type.DOUBLE, Type.STRING, Type.TIMESTAMP, Type.DURATION)
ELEMENT = {Type.STRING_LIST: Type.STRING, Type.INT_LIST: Type.INT, Type.DOUBLE_LIST: Type.DOUBLE}
LIST_OF = {element: of for of, element in ELEMENT.items()}

_OF_FACT = {
    FactType.DOUBLE: Type.DOUBLE,
    FactType.INT: Type.INT,
    FactType.BOOL: Type.BOOL,
    FactType.STRING: Type.STRING,
    FactType.ENUM: Type.STRING,
    FactType.STRING_LIST: Type.STRING_LIST,
    FactType.TIMESTAMP: Type.TIMESTAMP,
}

# Types that a dated parameter may have, by the name used in a bundle.
PARAM_TYPES = {
    "double": Type.DOUBLE,
    "int": Type.INT,
    "bool": Type.BOOL,
    "string": Type.STRING,
    "string_list": Type.STRING_LIST,
    "double_list": Type.DOUBLE_LIST,
    "int_list": Type.INT_LIST,
}


def type_of_fact(fact: Fact) -> Type:
    return _OF_FACT[fact.type]


INT_LOW, INT_HIGH = -(2**63), 2**63 - 1
# Arithmetic on doubles must stay clear of infinity, where the back ends part ways.
DOUBLE_HIGH = 1e300


class Interval:
    """The range in which a number is known to lie; wide rather than wrong."""

    __slots__ = ("high", "low")

    def __init__(self, low: float, high: float) -> None:
        self.low = low
        self.high = high

    def __repr__(self) -> str:
        return f"Interval({self.low!r}, {self.high!r})"

    @property
    def excludes_zero(self) -> bool:
        return self.low > 0 or self.high < 0

    def combine(self, operator: str, other: Interval) -> Interval:
        """Range of `self operator other`. For a division the caller has proven the divisor non-zero."""
        if operator == "/":
            if not other.excludes_zero:
                return Interval(-DOUBLE_HIGH, DOUBLE_HIGH)
            corners = [a / b for a in (self.low, self.high) for b in (other.low, other.high)]
        elif operator == "*":
            corners = [a * b for a in (self.low, self.high) for b in (other.low, other.high)]
        elif operator == "+":
            corners = [self.low + other.low, self.high + other.high]
        else:
            corners = [self.low - other.high, self.high - other.low]
        if any(isinstance(corner, float) and math.isnan(corner) for corner in corners):
            return Interval(-math.inf, math.inf)
        return Interval(min(corners), max(corners))

    def union(self, other: Interval) -> Interval:
        return Interval(min(self.low, other.low), max(self.high, other.high))

    def fits(self, type: Type) -> bool:
        if type is Type.INT:
            return self.low >= INT_LOW and self.high <= INT_HIGH
        return self.low >= -DOUBLE_HIGH and self.high <= DOUBLE_HIGH
