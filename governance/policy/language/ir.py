"""The checked form of an expression: typed, without names to resolve. Every back end starts from it and nothing else.

Evaluation has three values. An absent fact is an error in the sense of CEL, and an error is absorbed: `false && error`
is false, `true || error` is true; SQL's NULL and Kleene's third value behave the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from governance.policy.facts.facts import timestamp_to_text
from governance.policy.language.ast import NO_SPAN, Span
from governance.policy.language.types import ELEMENT, Type

ConstValue: TypeAlias = bool | int | float | str | datetime | timedelta | tuple[str, ...] | tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Const:
    value: Any
    type: Type
    span: Span = field(default=NO_SPAN, compare=False)


@dataclass(frozen=True, slots=True)
class Absent:
    """A parameter that has no value on the date: always an error."""

    type: Type
    span: Span = field(default=NO_SPAN, compare=False)


@dataclass(frozen=True, slots=True)
class FactRef:
    """A fact. `is_guarded`: it is certainly there when this place is reached (required, or behind `has()`)."""

    name: str
    type: Type
    is_guarded: bool = field(default=True, compare=False)
    span: Span = field(default=NO_SPAN, compare=False)


@dataclass(frozen=True, slots=True)
class ParamRef:
    name: str
    type: Type
    span: Span = field(default=NO_SPAN, compare=False)


@dataclass(frozen=True, slots=True)
class ItemRef:
    """The item that a quantifier is looking at."""

    name: str
    type: Type
    span: Span = field(default=NO_SPAN, compare=False)


@dataclass(frozen=True, slots=True)
class Has:
    """`has(fact)`: never an error."""

    name: str
    span: Span = field(default=NO_SPAN, compare=False)
    type: Type = field(default=Type.BOOL, compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    operand: Node
    span: Span = field(default=NO_SPAN, compare=False)
    type: Type = field(default=Type.BOOL, compare=False)


@dataclass(frozen=True, slots=True)
class And:
    operands: tuple[Node, ...]
    span: Span = field(default=NO_SPAN, compare=False)
    type: Type = field(default=Type.BOOL, compare=False)


@dataclass(frozen=True, slots=True)
class Or:
    operands: tuple[Node, ...]
    span: Span = field(default=NO_SPAN, compare=False)
    type: Type = field(default=Type.BOOL, compare=False)


@dataclass(frozen=True, slots=True)
class If:
    condition: Node
    then: Node
    otherwise: Node
    type: Type
    span: Span = field(default=NO_SPAN, compare=False)


@dataclass(frozen=True, slots=True)
class Compare:
    """`==`, `!=`, `<`, `<=`, `>` or `>=` on two values of one type."""

    operator: str
    left: Node
    right: Node
    span: Span = field(default=NO_SPAN, compare=False)
    type: Type = field(default=Type.BOOL, compare=False)


@dataclass(frozen=True, slots=True)
class In:
    item: Node
    list: Node
    span: Span = field(default=NO_SPAN, compare=False)
    type: Type = field(default=Type.BOOL, compare=False)


@dataclass(frozen=True, slots=True)
class Arithmetic:
    operator: str
    left: Node
    right: Node
    type: Type
    span: Span = field(default=NO_SPAN, compare=False)


@dataclass(frozen=True, slots=True)
class Negate:
    operand: Node
    type: Type
    span: Span = field(default=NO_SPAN, compare=False)


@dataclass(frozen=True, slots=True)
class Extreme:
    """`max` or `min` of numbers of one type."""

    kind: str
    operands: tuple[Node, ...]
    type: Type
    span: Span = field(default=NO_SPAN, compare=False)


@dataclass(frozen=True, slots=True)
class ToDouble:
    operand: Node
    span: Span = field(default=NO_SPAN, compare=False)
    type: Type = field(default=Type.DOUBLE, compare=False)


@dataclass(frozen=True, slots=True)
class Size:
    operand: Node
    span: Span = field(default=NO_SPAN, compare=False)
    type: Type = field(default=Type.INT, compare=False)


@dataclass(frozen=True, slots=True)
class TextTest:
    """`startsWith`, `endsWith` or `contains`."""

    function: str
    operand: Node
    argument: Node
    span: Span = field(default=NO_SPAN, compare=False)
    type: Type = field(default=Type.BOOL, compare=False)


@dataclass(frozen=True, slots=True)
class Quantifier:
    """`list.exists(item, body)` or `list.all(item, body)`."""

    kind: str
    list: Node
    item: str
    body: Node
    span: Span = field(default=NO_SPAN, compare=False)
    type: Type = field(default=Type.BOOL, compare=False)


Node: TypeAlias = (
    Const | Absent | FactRef | ParamRef | ItemRef | Has | Not | And | Or | If | Compare | In | Arithmetic | Negate
    | Extreme | ToDouble | Size | TextTest | Quantifier
)  # fmt: skip

Leaf: TypeAlias = Compare | In | TextTest | Quantifier | Has | FactRef | Const | Absent

_NODE_TYPES = (
    Const, Absent, FactRef, ParamRef, ItemRef, Has, Not, And, Or, If, Compare, In, Arithmetic, Negate, Extreme,
    ToDouble, Size, TextTest, Quantifier,
)  # fmt: skip


# Which fields of a node hold parts of it, by its own annotations, asked once and not for every node that is visited.
_PARTS = {kind: tuple(each.name for each in fields(kind) if "Node" in str(each.type)) for kind in _NODE_TYPES}


def children(node: Node) -> tuple[Node, ...]:
    """The direct parts of a node, left to right."""
    parts: list[Node] = []
    for name in _PARTS[type(node)]:
        value = getattr(node, name)
        if isinstance(value, tuple):
            parts.extend(value)
        else:
            parts.append(value)
    return tuple(parts)


def walk(node: Node) -> Iterator[Node]:
    """The node and everything under it, in source order."""
    yield node
    for child in children(node):
        yield from walk(child)


def map_children(node: Node, change: Callable[[Node], Node]) -> Node:
    """A copy of a node with each direct part replaced by what `change` makes of it."""
    changed: dict[str, Any] = {}
    for name in _PARTS[type(node)]:
        value = getattr(node, name)
        changed[name] = tuple(change(item) for item in value) if isinstance(value, tuple) else change(value)
    return replace(node, **changed) if changed else node


def bind_item(node: Node, value: Any, list_type: Type) -> Node:
    """A copy of a quantifier's body for one item of its list."""
    if isinstance(node, ItemRef):
        return Const(value=value, type=ELEMENT[list_type], span=node.span)
    return map_children(node, lambda child: bind_item(child, value, list_type))


def bind_params(node: Node, values: Mapping[str, Any]) -> Node:
    """Put the values of one date into the expression. A parameter without a value becomes an error."""
    if isinstance(node, ParamRef):
        if node.name not in values:
            return Absent(type=node.type, span=node.span)
        value = values[node.name]
        return Const(value=tuple(value) if isinstance(value, list) else value, type=node.type, span=node.span)
    return map_children(node, lambda child: bind_params(child, values))


def fact_names(node: Node) -> tuple[str, ...]:
    """Facts that the expression looks at, in source order, each once."""
    return tuple(dict.fromkeys(part.name for part in walk(node) if isinstance(part, (FactRef, Has))))


def param_names(node: Node) -> tuple[str, ...]:
    """Parameters that the expression uses, in source order, each once."""
    return tuple(dict.fromkeys(part.name for part in walk(node) if isinstance(part, ParamRef)))


def may_err(node: Node) -> bool:
    """Whether some facts make the expression an error. Wide: an unguarded part counts even when absorbed."""
    return any(isinstance(part, Absent) or (isinstance(part, FactRef) and not part.is_guarded) for part in walk(node))


def canonical(node: Node) -> Any:
    """The node as plain lists: the same for the same meaning, whatever its formatting. What hashes are taken over."""
    values: list[Any] = [type(node).__name__]
    for each in fields(node):
        if not each.compare:
            continue
        values.append(_canonical_value(getattr(node, each.name)))
    return values


def _canonical_value(value: Any) -> Any:
    if isinstance(value, _NODE_TYPES):
        return canonical(value)
    if isinstance(value, tuple):
        return [_canonical_value(item) for item in value]
    if isinstance(value, datetime):
        return {"timestamp": timestamp_to_text(value)}
    if isinstance(value, timedelta):
        return {"duration_us": value // timedelta(microseconds=1)}
    if isinstance(value, float):
        # JSON does not keep 1.0 and 1 apart everywhere; the exact double is its hexadecimal form.
        return {"double": value.hex()}
    if isinstance(value, Type):
        return value.value
    return value


def digest_of(plain: Any) -> str:
    """SHA-256 over the canonical JSON of plain values."""
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
