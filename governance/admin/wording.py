"""Sentences and figures of the desk: a refusal as a sentence, a value of any column as people read it."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.html import format_html, format_html_join

from governance.domain.money.money import CURRENCY, MICRO_PER_UNIT

NBSP = "\N{NO-BREAK SPACE}"
NOTHING = "–"
UNKNOWN = "unknown"
SLUGS = frozenset({"kind", "state", "notification_state", "screening_state", "occasion", "outcome", "verdict"})
"""Columns that keep a slug for programs; people read its words."""


def usd(amount_micro: int | None) -> str:
    """Micro-units with every cent: 28,500.00 USD."""
    if amount_micro is None:
        return UNKNOWN
    whole, rest = divmod(abs(amount_micro), MICRO_PER_UNIT)
    sign = "\N{MINUS SIGN}" if amount_micro < 0 else ""
    return f"{sign}{whole:,}.{rest // 10_000:02d}{NBSP}{CURRENCY}"


def moment(value: datetime | None) -> str:
    """`Thu 27 Nov 2025, 17:00` in the reader's zone; records carry their year."""
    if value is None:
        return NOTHING
    local = timezone.localtime(value)
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M}"


def day(value: date | None) -> str:
    return NOTHING if value is None else f"{value:%a} {value.day} {value:%b %Y}"


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
            return f"{value:,.6g}" if abs(value) < 1e9 else f"{value:.3g}".replace("e+", "e")
        case dict():
            return format_html('<pre class="json">{}</pre>', json.dumps(value, indent=2, ensure_ascii=False))
        case list():
            if all(isinstance(item, str | int) for item in value):
                return ", ".join(map(str, value))
            return format_html('<pre class="json">{}</pre>', json.dumps(value, indent=2, ensure_ascii=False))
        case int():
            return f"{value:,}"
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
