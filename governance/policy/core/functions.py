"""The standard functions of core CEL: conversions, sizes, texts, parts of dates.

Source: Common Expression Language specification, "List of Standard Definitions".
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from typing import Any

from governance.policy.core import times
from governance.policy.core.operators import no_overload, whole
from governance.policy.core.regex import matches
from governance.policy.core.values import Duration, EvaluationError, Map, Timestamp, UInt, type_of

_INT_TEXT = re.compile(r"[+-]?[0-9]{1,40}")
_UINT_TEXT = re.compile(r"[0-9]{1,40}")
_DOUBLE_TEXT = re.compile(r"[+-]?(?:[0-9]{1,400}\.?[0-9]{0,400}|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,9})?")
_DOUBLE_WORDS = {"nan": math.nan, "inf": math.inf, "infinity": math.inf}
_BOOL_TEXT = dict.fromkeys(("1", "t", "true", "T", "TRUE", "True"), True) | dict.fromkeys(
    ("0", "f", "false", "F", "FALSE", "False"), False
)


def _to_whole(value: Any, like: int, pattern: re.Pattern[str], name: str) -> int:
    if isinstance(value, bool):
        raise no_overload(name, value)
    if isinstance(value, int):
        return whole(int(value), like)
    if isinstance(value, float):
        # A double at the very edge may stand for a number beyond it.
        high = 2.0**64 if isinstance(like, UInt) else 2.0**63
        low = 0.0 if isinstance(like, UInt) else -high
        if not math.isfinite(value) or value >= high or value < low or (value == low and low):
            raise EvaluationError("the double is out of range")
        return whole(math.trunc(value), like)
    if isinstance(value, str) and pattern.fullmatch(value):
        return whole(int(value), like)
    if isinstance(value, str):
        raise EvaluationError("not a whole number")
    raise no_overload(name, value)


def to_int(value: Any) -> int:
    if isinstance(value, Timestamp):
        return value.nanoseconds // times.SECOND
    return _to_whole(value, 0, _INT_TEXT, "int")


def to_uint(value: Any) -> int:
    return _to_whole(value, UInt(0), _UINT_TEXT, "uint")


def to_double(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise no_overload("double", value)
    if isinstance(value, str):
        word = value.lstrip("+-").lower()
        if word in _DOUBLE_WORDS and len(value) - len(word) <= 1:
            return -_DOUBLE_WORDS[word] if value.startswith("-") else _DOUBLE_WORDS[word]
        if not _DOUBLE_TEXT.fullmatch(value):
            raise EvaluationError("not a number")
    return float(value)


def to_string(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _double_text(value)
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise EvaluationError("the bytes are not UTF-8") from error
    if isinstance(value, Timestamp):
        return times.timestamp_to_text(value)
    if isinstance(value, Duration):
        return times.duration_to_text(value)
    raise no_overload("string", value)


def _double_text(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = repr(value)
    return text.removesuffix(".0")


def to_bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    raise no_overload("bytes", value)


def to_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        if value not in _BOOL_TEXT:
            raise EvaluationError("neither true nor false")
        return _BOOL_TEXT[value]
    raise no_overload("bool", value)


def to_timestamp(value: Any) -> Timestamp:
    if isinstance(value, Timestamp):
        return value
    if isinstance(value, str):
        return times.timestamp_from_text(value)
    if type(value) is int:
        return times.timestamp(value * times.SECOND)
    raise no_overload("timestamp", value)


def to_duration(value: Any) -> Duration:
    if isinstance(value, Duration):
        return value
    if isinstance(value, str):
        return times.duration_from_text(value)
    if type(value) is int:
        return times.duration(value * times.SECOND)
    raise no_overload("duration", value)


def size(value: Any) -> int:
    if isinstance(value, (str, bytes, tuple, Map)):
        return len(value)
    raise no_overload("size", value)


def _text_function(name: str, function: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def call(target: Any, argument: Any) -> bool:
        if isinstance(target, str) and isinstance(argument, str):
            return function(target, argument)
        raise no_overload(name, target, argument)

    return call


def _part(name: str) -> Callable[..., int]:
    def call(target: Any, *zone: Any) -> int:
        if isinstance(target, Duration) and not zone:
            return times.part_of_duration(target, name)
        if isinstance(target, Timestamp) and all(isinstance(each, str) for each in zone):
            return times.part_of_timestamp(target, name, *zone)
        raise no_overload(name, target, *zone)

    return call


# Called as f(x).
GLOBAL: dict[str, tuple[int, int, Callable[..., Any]]] = {
    "int": (1, 1, to_int),
    "uint": (1, 1, to_uint),
    "double": (1, 1, to_double),
    "string": (1, 1, to_string),
    "bytes": (1, 1, to_bytes),
    "bool": (1, 1, to_bool),
    "timestamp": (1, 1, to_timestamp),
    "duration": (1, 1, to_duration),
    "google.protobuf.Timestamp": (1, 1, to_timestamp),
    "google.protobuf.Duration": (1, 1, to_duration),
    "type": (1, 1, type_of),
    "dyn": (1, 1, lambda value: value),
    "size": (1, 1, size),
    "matches": (2, 2, _text_function("matches", matches)),
}
# Called as x.f(…).
MEMBER: dict[str, tuple[int, int, Callable[..., Any]]] = {
    "size": (1, 1, size),
    "startsWith": (2, 2, _text_function("startsWith", str.startswith)),
    "endsWith": (2, 2, _text_function("endsWith", str.endswith)),
    "contains": (2, 2, _text_function("contains", operator.contains)),
    "matches": (2, 2, _text_function("matches", matches)),
    **{name: (1, 2, _part(name)) for name in times.TIMESTAMP_PARTS},
}
