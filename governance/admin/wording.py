"""Sentences and figures of the desk: a refusal as a sentence, a value of any column as people read it."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

from django.db import models
from django.utils.html import format_html, format_html_join

from governance.display import numbers, reader
from governance.domain.prose import money_to_the_cent

NOTHING = "–"
SLUGS = frozenset({"kind", "state", "notification_state", "screening_state", "occasion", "outcome", "verdict"})
"""Columns that keep a slug for programs; people read its words."""


def usd(amount_micro: int | None) -> str:
    """Micro-units with every cent: 28,500.00 USD."""
    return numbers.UNKNOWN if amount_micro is None else money_to_the_cent(amount_micro)


def moment(value: datetime | None) -> str:
    return reader.moment(value) or NOTHING


def day(value: date | datetime | None) -> str:
    return reader.day(value) or NOTHING


def in_words(slug: object) -> str:
    """`budget_threshold` as `Budget threshold`."""
    text = str(slug).replace("_", " ").replace("-", " ")
    return text[:1].upper() + text[1:]


def plain(value: Any) -> Any:
    """One value of a record as people read it, escaped for a page."""
    if value is None or value in ("", [], {}):
        return NOTHING
    match value:
        case bool():
            return "Yes" if value else "No"
        case datetime():
            return moment(value)
        case date():
            return day(value)
        case float():
            return numbers.figure(value, 6)
        case dict():
            return format_html('<pre class="json">{}</pre>', json.dumps(value, indent=2, ensure_ascii=False))
        case list():
            if all(isinstance(item, str | int) for item in value):
                return ", ".join(map(str, value))
            return format_html('<pre class="json">{}</pre>', json.dumps(value, indent=2, ensure_ascii=False))
        case int():
            return numbers.count(value)
        case _:
            return str(value)


def field_value(row: models.Model, name: str) -> Any:
    """One column of a row, in the words of its meaning: money with its currency, a choice by its label."""
    field = row._meta.get_field(name)
    value = getattr(row, name)
    if "_micro" in name:
        return usd(value)
    if isinstance(field, models.Field) and field.choices:
        return getattr(row, f"get_{name}_display")() or NOTHING
    if name in SLUGS and isinstance(value, str) and value:
        return in_words(value)
    if isinstance(value, str) and (name == "hash" or name.endswith(("digest", "_hash"))):
        return digest(value)
    if isinstance(field, models.TextField) and value:
        return format_html(
            '<div class="text">{}</div>', format_html_join("", "{}<br>", ((line,) for line in value.split("\n")))
        )
    if name in ("number", "seq", "year", "release_year") or name.endswith("_id"):
        return str(value)
    return plain(value)


def digest(value: str) -> str:
    """A digest by its beginning, whole for those who hover or copy."""
    if not value:
        return NOTHING
    return format_html('<span class="identifier" title="{0}">{1}&nbsp;{2}</span>', value, value[:4], value[4:8])
