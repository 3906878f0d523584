"""How an answer of a request is said: for comparisons, lists of answers and collapsed steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from governance.domain.prose import decapital
from governance.domain.requests.fields import Field, FieldType
from governance.policy.decisions.wording import format_value

NOTHING = "none"
# Long texts are shown by their beginning: the whole of them stands in the revision.
TEXT_SHOWN_CHARS = 240


def is_empty(value: Any) -> bool:
    return value is None or value == "" or value == [] or value == () or value == {}


def say(row: Field, value: Any) -> str:
    """One answer as people read it; what is not there is "none".

    Args:
        value: as content holds it or as the parser read it; a draft may hold anything.
    """
    if is_empty(value):
        return NOTHING
    if row.type is FieldType.EVIDENCE:
        return ", ".join(_link(row, item) for item in _items(value))
    if row.type in (FieldType.CHOICES, FieldType.NAMES, FieldType.COUNTRIES):
        return ", ".join(_choice(row, item) for item in _items(value))
    if row.type in (FieldType.CHOICE, FieldType.NAME):
        return _short(_choice(row, value))
    if row.type is FieldType.NUMBER and isinstance(value, int | float) and not isinstance(value, bool):
        return format_value(value, row.unit)
    return _short(format_value(value) if isinstance(value, bool | int | float) else str(value))


def say_work(value: Any) -> str:
    """One answer about the work itself."""
    if is_empty(value):
        return NOTHING
    return _short(value.replace("_", " ")) if isinstance(value, str) else format_value(value)


def phrase(row: Field, value: Any) -> str:
    """The answer within the sentence of its step; empty where the row has no phrase or nothing is to be said."""
    if not row.phrase or is_empty(value) or value is False:
        return ""
    return row.phrase.format(decapital(say(row, value)))


def _items(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _choice(row: Field, slug: Any) -> str:
    for choice in row.choices:
        if choice.slug == slug:
            return choice.said or choice.label
    return str(slug).replace("_", " ")


def _link(row: Field, item: Any) -> str:
    if isinstance(item, Mapping):
        return f"{_choice(row, item.get('kind'))}: {item.get('url')}"
    return f"{_choice(row, getattr(item, 'kind', ''))}: {getattr(item, 'url', item)}"


def _short(text: str) -> str:
    return text if len(text) <= TEXT_SHOWN_CHARS else f"{text[:TEXT_SHOWN_CHARS].rstrip()}…"
