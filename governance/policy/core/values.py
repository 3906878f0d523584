"""The values of core CEL, and when two of them are equal or in order.

int is Python's int, double its float, string its str, bytes its bytes, null is None, list is a tuple. What Python has
no type for stands here: unsigned numbers, instants and durations to the nanosecond, maps with CEL's keys, types.

Source: Common Expression Language specification, "Values", "Equality", "Ordering".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

INT_MIN, INT_MAX = -(2**63), 2**63 - 1
UINT_MAX = 2**64 - 1


class EvaluationError(Exception):
    """What CEL calls an error: absorbed by `&&` and `||` where the other side decides."""


class UInt(int):
    """An unsigned 64-bit number; never equal in type to an int, always comparable with one."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{int(self)}u"


@dataclass(frozen=True, slots=True, order=True)
class Timestamp:
    """An instant, in nanoseconds since 1970-01-01T00:00:00Z."""

    nanoseconds: int


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """A span of time in nanoseconds."""

    nanoseconds: int


@dataclass(frozen=True, slots=True)
class TypeValue:
    """A type as a value, such as `int` or `type(1)`."""

    name: str


class Map:
    """An immutable map. Keys are bool, int, uint or string; 1, 1u and 1.0 are one key, and true is not."""

    __slots__ = ("_entries",)

    def __init__(self, pairs: Iterable[tuple[Any, Any]] = ()) -> None:
        """Raises EvaluationError for a key of another type, or the same key twice."""
        self._entries: dict[Any, tuple[Any, Any]] = {}
        for key, value in pairs:
            if isinstance(key, float) or not isinstance(key, (bool, int, str)):
                raise EvaluationError(f"a {type_of(key).name} is not a map key")
            plain = _plain_key(key)
            if plain in self._entries:
                raise EvaluationError("the same key twice in a map")
            self._entries[plain] = (key, value)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Any]:
        return (key for key, _ in self._entries.values())

    def items(self) -> Iterator[tuple[Any, Any]]:
        return iter(self._entries.values())

    def __contains__(self, key: Any) -> bool:
        return isinstance(key, (bool, int, float, str)) and _plain_key(key) in self._entries

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, (bool, int, float, str)):
            raise EvaluationError(f"a {type_of(key).name} is not a map key")
        try:
            return self._entries[_plain_key(key)][1]
        except KeyError:
            raise EvaluationError("no such key") from None


def _plain_key(key: bool | int | float | str) -> tuple[str, Any]:
    if isinstance(key, bool):
        return ("b", key)
    if isinstance(key, str):
        return ("s", key)
    # Python hashes 1 and 1.0 alike and compares them exactly; NaN never finds anything.
    return ("n", int(key) if isinstance(key, UInt) else key)


_TYPE_NAMES: dict[type, str] = {
    bool: "bool",
    int: "int",
    UInt: "uint",
    float: "double",
    str: "string",
    bytes: "bytes",
    type(None): "null_type",
    tuple: "list",
    Map: "map",
    Timestamp: "google.protobuf.Timestamp",
    Duration: "google.protobuf.Duration",
    TypeValue: "type",
}


def type_of(value: Any) -> TypeValue:
    """The type of a value as a value."""
    return TypeValue(_TYPE_NAMES[type(value)])


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def equal(left: Any, right: Any) -> bool:
    """CEL's equality: numbers across types by value, everything else only within its type. NaN equals nothing."""
    if is_number(left) and is_number(right):
        return _compare_numbers(left, right) == 0
    if type(left) is not type(right):
        return False
    if isinstance(left, tuple):
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, Map):
        return len(left) == len(right) and all(key in right and equal(value, right[key]) for key, value in left.items())
    return bool(left == right)


def _compare_numbers(left: Any, right: Any) -> int | None:
    """-1, 0 or 1; None when one is NaN. Beside a double a whole number is read as a double: CEL's own way."""
    if isinstance(left, float) or isinstance(right, float):
        left, right = float(left), float(right)
        if left != left or right != right:
            return None
    return (left > right) - (left < right)


_ORDERED = (bool, str, bytes, Timestamp, Duration)


def compare(left: Any, right: Any) -> int | None:
    """-1, 0 or 1; None when NaN stands on one side.

    Raises:
        EvaluationError: the two have no order.
    """
    if is_number(left) and is_number(right):
        return _compare_numbers(left, right)
    if type(left) is type(right) and isinstance(left, _ORDERED):
        return (left > right) - (left < right)
    raise EvaluationError(f"no order between a {type_of(left).name} and a {type_of(right).name}")


def from_python(value: Any) -> Any:
    """A plain Python value as a CEL value: lists become tuples, dictionaries maps. Subclasses are refused.

    Raises:
        TypeError: a value that CEL has no type for.
    """
    if isinstance(value, (list, tuple)):
        return tuple(from_python(item) for item in value)
    if isinstance(value, dict):
        return Map((key, from_python(item)) for key, item in value.items())
    if type(value) not in _TYPE_NAMES:
        raise TypeError(f"no CEL value for a {type(value).__name__}")
    return value
