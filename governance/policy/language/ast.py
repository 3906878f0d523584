"""The tree of a parsed expression. Two trees are equal when they say the same, wherever they were written."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open range of offsets in the source."""

    start: int
    end: int


NO_SPAN = Span(0, 0)


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant. `kind` keeps `1`, `1u`, `1.0` and `true` apart, which Python's == does not."""

    kind: str  # null, bool, int, uint, double, string, bytes
    value: bool | int | float | str | bytes | None
    span: Span = dataclasses.field(default=NO_SPAN, compare=False)


@dataclass(frozen=True, slots=True)
class Name:
    """A bare name."""

    name: str
    span: Span = dataclasses.field(default=NO_SPAN, compare=False)


@dataclass(frozen=True, slots=True)
class Select:
    """`operand.field`."""

    operand: Expression
    field: str
    span: Span = dataclasses.field(default=NO_SPAN, compare=False)


@dataclass(frozen=True, slots=True)
class Index:
    """`operand[key]`."""

    operand: Expression
    key: Expression
    span: Span = dataclasses.field(default=NO_SPAN, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """`function(arguments)` or, with a target, `target.function(arguments)`. Macros are calls too until checked."""

    function: str
    arguments: tuple[Expression, ...]
    target: Expression | None = None
    span: Span = dataclasses.field(default=NO_SPAN, compare=False)


@dataclass(frozen=True, slots=True)
class Unary:
    """`!x` or `-x`."""

    operator: str
    operand: Expression
    span: Span = dataclasses.field(default=NO_SPAN, compare=False)


@dataclass(frozen=True, slots=True)
class Binary:
    """Comparison, membership or arithmetic."""

    operator: str
    left: Expression
    right: Expression
    span: Span = dataclasses.field(default=NO_SPAN, compare=False)


@dataclass(frozen=True, slots=True)
class Logical:
    """`a && b && …` or `a || b || …`, as long as it was written: a long chain is wide, not deep."""

    operator: str
    operands: tuple[Expression, ...]
    span: Span = dataclasses.field(default=NO_SPAN, compare=False)


@dataclass(frozen=True, slots=True)
class Conditional:
    """`condition ? then : otherwise`."""

    condition: Expression
    then: Expression
    otherwise: Expression
    span: Span = dataclasses.field(default=NO_SPAN, compare=False)


@dataclass(frozen=True, slots=True)
class ListOf:
    """`[a, b]`."""

    items: tuple[Expression, ...]
    span: Span = dataclasses.field(default=NO_SPAN, compare=False)


@dataclass(frozen=True, slots=True)
class MapOf:
    """`{key: value}`."""

    items: tuple[tuple[Expression, Expression], ...]
    span: Span = dataclasses.field(default=NO_SPAN, compare=False)


Expression: TypeAlias = Literal | Name | Select | Index | Call | Unary | Binary | Logical | Conditional | ListOf | MapOf


def dotted_name(expression: Expression) -> str | None:
    """`a.b.c` as text when the expression is nothing but a dotted name."""
    parts: list[str] = []
    while isinstance(expression, Select):
        parts.append(expression.field)
        expression = expression.operand
    if not isinstance(expression, Name):
        return None
    parts.append(expression.name)
    return ".".join(reversed(parts))
