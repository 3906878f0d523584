"""The static types of core CEL, with `dyn` for what is only known at run time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class CoreType:
    """A type by name; `list` has one parameter, `map` and `type` theirs."""

    name: str
    parameters: tuple[CoreType, ...] = ()

    def __str__(self) -> str:
        inside = ", ".join(map(str, self.parameters))
        return f"{self.name}({inside})" if inside else self.name


DYN = CoreType("dyn")
BOOL, INT, UINT, DOUBLE = CoreType("bool"), CoreType("int"), CoreType("uint"), CoreType("double")
STRING, BYTES, NULL, TYPE = CoreType("string"), CoreType("bytes"), CoreType("null_type"), CoreType("type")
TIMESTAMP, DURATION = CoreType("google.protobuf.Timestamp"), CoreType("google.protobuf.Duration")
NUMBERS = (INT, UINT, DOUBLE)
ORDERED = (BOOL, INT, UINT, DOUBLE, STRING, BYTES, TIMESTAMP, DURATION)

_ALIASES = {"null": NULL, "timestamp": TIMESTAMP, "duration": DURATION, "any": DYN}


def list_of(item: CoreType) -> CoreType:
    return CoreType("list", (item,))


def map_of(key: CoreType, value: CoreType) -> CoreType:
    return CoreType("map", (key, value))


def read_type(plain: Any) -> CoreType:
    """A type from its plain form: `"int"`, `["list", "int"]`, `["map", "string", "dyn"]`.

    Raises:
        ValueError: not a type.
    """
    if isinstance(plain, str):
        known = (BOOL, INT, UINT, DOUBLE, STRING, BYTES, NULL, TYPE, TIMESTAMP, DURATION, DYN)
        for each in known:
            if each.name == plain:
                return each
        if plain in _ALIASES:
            return _ALIASES[plain]
        return {"list": list_of(DYN), "map": map_of(DYN, DYN)}.get(plain) or _unknown(plain)
    if isinstance(plain, Sequence) and plain:
        name, *parameters = plain
        if name == "list" and len(parameters) == 1:
            return list_of(read_type(parameters[0]))
        if name == "map" and len(parameters) == 2:
            return map_of(read_type(parameters[0]), read_type(parameters[1]))
        if len(plain) == 1:
            return read_type(name)
    return _unknown(plain)


def _unknown(plain: Any) -> CoreType:
    raise ValueError(f"`{plain}` is not a type")


def compatible(left: CoreType, right: CoreType) -> bool:
    """Whether a value of one type could be one of the other."""
    if DYN in (left, right):
        return True
    if left.name != right.name:
        # An instant or a span may come wrapped, and is then nullable.
        return NULL in (left, right) and bool({left, right} & {TIMESTAMP, DURATION})
    return all(map(compatible, left.parameters, right.parameters))


def join(types: Sequence[CoreType]) -> CoreType:
    """The type of a list of values: theirs when they agree, else `dyn`."""
    if not types:
        return DYN
    first = types[0]
    return first if all(each == first for each in types) else DYN
