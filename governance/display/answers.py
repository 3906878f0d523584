"""The answers of a request as a list of label and text, in the order of the form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from governance.display.countries import name_of
from governance.display.vocabulary import words
from governance.domain.prose import capital
from governance.domain.requests import fields
from governance.domain.requests.fields import Field, FieldType
from governance.domain.requests.parse import RequestContent
from governance.domain.requests.said import is_empty, say


def listed(content: RequestContent | Mapping[str, Any]) -> list[tuple[str, str]]:
    """Every answer that the pages of a request list, by its label; what was not answered is left out.

    Args:
        content: a parsed revision, or a draft, which may hold anything.
    """
    answers = content.answers if isinstance(content, RequestContent) else content
    pairs = [(row.label, _text(row, answers.get(row.name))) for row in fields.FIELDS if row.is_listed]
    return [(label, text) for label, text in pairs if text]


def _text(row: Field, value: Any) -> str:
    if row.is_absent_unanswered and value is not None and is_empty(value):
        # That none applies was said.
        return "None stated"
    if is_empty(value) or (value is False and row.default is False):
        return ""
    if row.type is FieldType.NAME:
        return words(value)
    if row.type is FieldType.NAMES:
        return ", ".join(words(item) for item in value)
    if row.type is FieldType.COUNTRY:
        return name_of(str(value))
    if row.type is FieldType.COUNTRIES:
        return ", ".join(name_of(code) for code in value)
    return capital(say(row, value))
