"""What a fact is: the types, ranges and checks behind the one list of `facts_schema`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from governance.display import numbers
from governance.policy.errors import FactError


class FactType(StrEnum):
    """The types that rules, columns and forms know. ENUM is a string out of a list of choices."""

    DOUBLE = "double"
    INT = "int"
    BOOL = "bool"
    STRING = "string"
    ENUM = "enum"
    STRING_LIST = "string_list"
    TIMESTAMP = "timestamp"


class Source(StrEnum):
    """Which part of the product fills a fact; the letters of the facts table."""

    FORM = "F"
    ESTIMATOR = "E"
    CATALOGUE = "C"
    LEDGER = "L"
    PEOPLE = "P"
    REGISTER = "R"
    HISTORY = "H"
    CLOCK = "K"


NUMERIC = (FactType.DOUBLE, FactType.INT)
TEXTUAL = (FactType.STRING, FactType.ENUM)

# Invariant: every fact is bounded, so that columns, SQL and interval checks never meet an unbounded value.
STRING_CHARS_MAX = 200
LIST_ITEMS_MAX = 100
# No fact is larger, and a double holds it: what is checked is compared before it becomes one.
DOUBLE_WHOLE_MAX = 10**300
_EXACT = (bool, int, float, str)
TIMESTAMP_MIN = datetime(2000, 1, 1, tzinfo=UTC)
TIMESTAMP_MAX = datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that a rule may look at.

    Attributes:
        name: `namespace.fact`, the unit kept in the name.
        label: what people call it within a sentence: `the assessed amount`; the number that follows brings its unit.
        unit: what the number counts ("USD", "FLOP", "days"…); "" for anything that is not a number.
        optional: may be absent; a rule has to ask `has()` first.
        sensitive: personal or commercially delicate; masked in logs for readers without the right to see it.
        sources: the letters of the parts that fill it.
        minimum, maximum: inclusive range of a number.
        choices: the values of an ENUM; for strings and lists the values known so far.
        is_open: values beside the choices are allowed (an organisation's own purposes, tags, evidence kinds).
        help: one sentence for forms and documentation.
        says: a fact that is true or false, as half a sentence each way: ("the workload fits", "it does not fit").
        since_minor: the minor version of the schema that brought it.
        awaits: what has to exist before any part of the product can fill it ("capacity pools"); "" for a fact that is
            filled. A rule that reads it is shown as waiting for data and never as checking something.
    """

    name: str
    type: FactType
    help: str
    unit: str = ""
    optional: bool = False
    sensitive: bool = False
    sources: tuple[Source, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    is_open: bool = False
    awaits: str = ""
    since_minor: int = 0
    label: str = ""
    says: tuple[str, str] | None = None

    @property
    def namespace(self) -> str:
        return self.name.partition(".")[0]

    @property
    def field(self) -> str:
        return self.name.partition(".")[2]

    @property
    def column(self) -> str:
        """The name of the typed database column."""
        return self.name.replace(".", "_")

    @property
    def source(self) -> str:
        """The source letters as the documentation writes them, e.g. "F, C"."""
        return ", ".join(source.value for source in self.sources)

    def to_json(self) -> dict[str, Any]:
        """The part of the definition that the schema digest is bound to: its words and its age are left out."""
        return {
            "name": self.name,
            "type": self.type.value,
            "unit": self.unit,
            "optional": self.optional,
            "sensitive": self.sensitive,
            "minimum": self.minimum,
            "maximum": self.maximum,
            "choices": list(self.choices),
            "is_open": self.is_open,
        }


def exact_value(fact: Fact, value: Any) -> Any:
    """The value as a plain built-in one, lists as tuples; what is no value of such a fact comes back as it is.

    A subclass may say one thing when it is checked and another when it is judged. Its content is taken instead, by the
    built-in type's own methods.
    """
    kind = type(value)
    if fact.type is FactType.DOUBLE and kind is int and abs(value) <= DOUBLE_WHOLE_MAX:
        return float(value)
    if kind in _EXACT:
        return value
    if issubclass(kind, str):
        return str.__str__(value)
    if issubclass(kind, float):
        return float.__float__(value)
    if issubclass(kind, int):
        return exact_value(fact, int.__int__(value))
    if issubclass(kind, list):
        return tuple(exact_value(fact, item) for item in list.__iter__(value))
    if issubclass(kind, tuple):
        return tuple(exact_value(fact, item) for item in tuple.__iter__(value))
    if kind is datetime and value.tzinfo is not UTC:
        return value.replace(tzinfo=UTC) if _offset_of(value) == timedelta(0) else value
    return value


def _offset_of(instant: datetime) -> timedelta | None:
    try:
        return instant.utcoffset()
    except Exception:  # a time zone of somebody else's making
        return None


def check_value(fact: Fact, value: Any) -> str | None:
    """Say what is wrong with a value of a fact; None when nothing is."""
    value = exact_value(fact, value)
    if fact.type is FactType.BOOL:
        return None if type(value) is bool else "must be true or false"
    if fact.type in NUMERIC:
        return _check_number(fact, value)
    if fact.type in TEXTUAL:
        return _check_text(fact, value)
    if fact.type is FactType.STRING_LIST:
        return _check_list(fact, value)
    return _check_timestamp(value)


def _check_number(fact: Fact, value: Any) -> str | None:
    # bool is an int in Python; here it is a slip.
    if type(value) not in (int, float):
        return "must be a number"
    if fact.type is FactType.INT and type(value) is not int:
        return "must be a whole number"
    if type(value) is float and not math.isfinite(value):
        return "must be finite"
    if fact.minimum is not None and value < fact.minimum:
        return f"must be at least {numbers.figure(fact.minimum, 6)}"
    if fact.maximum is not None and value > fact.maximum:
        return f"must be at most {numbers.figure(fact.maximum, 6)}"
    return None


def _check_text(fact: Fact, value: Any) -> str | None:
    problem = text_problem(value)
    if problem is None and fact.choices and not fact.is_open and value not in fact.choices:
        return f"must be one of {', '.join(fact.choices)}"
    return problem


def text_problem(value: Any) -> str | None:
    """What keeps a text from being a fact, whatever it is about; None when nothing does."""
    if type(value) is not str:
        return "must be text"
    if not value:
        return "must not be empty; an unknown optional fact is left out"
    if len(value) > STRING_CHARS_MAX:
        return f"has {numbers.count(len(value))} characters: must have at most {STRING_CHARS_MAX} characters"
    if any(char == "\0" or "\ud800" <= char <= "\udfff" for char in value):
        return "must not hold NUL or half of a surrogate pair"
    return None


def _check_list(fact: Fact, value: Any) -> str | None:
    if type(value) not in (list, tuple):
        return "must be a list of texts"
    if len(value) > LIST_ITEMS_MAX:
        return f"has {numbers.count(len(value))} items: must have at most {LIST_ITEMS_MAX} items"
    for item in value:
        problem = _check_text(fact, item)
        if problem:
            return f"has an item that {problem}"
    return None


def _check_timestamp(value: Any) -> str | None:
    if type(value) is not datetime:
        return "must be an instant"
    if _offset_of(value) != timedelta(0):
        return "must be an aware instant in UTC"
    if not TIMESTAMP_MIN <= value <= TIMESTAMP_MAX:
        return f"must lie between {TIMESTAMP_MIN.year} and {TIMESTAMP_MAX.year}"
    return None


def timestamp_from_text(text: str) -> datetime:
    """Read an RFC 3339 instant as an aware UTC datetime.

    Raises:
        ValueError: not an instant, or without an offset.
    """
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("an instant needs an offset, e.g. 2026-01-31T09:00:00Z")
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError("an instant lies within the years 1 to 9999") from None


def timestamp_to_text(instant: datetime) -> str:
    """Write an instant in canonical JSON's form: UTC, `Z`, microseconds only when there are any."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def facts_to_json(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values in name order; instants as text, whole doubles kept as doubles."""
    return {
        name: timestamp_to_text(value)
        if isinstance(value, datetime)
        else list(value)
        if isinstance(value, (list, tuple))
        else value
        for name, value in sorted(facts.items())
    }


def fact_error(name: str, problem: str) -> FactError:
    """The refusal that names the fact."""
    return FactError(f"fact `{name}` {problem}", field=name, data={"fact": name})
