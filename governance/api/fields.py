"""Fields that read and write numbers, instants and free values as JSON means them, without private spellings."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from governance.domain.typed import YEAR_MAX, YEAR_MIN, finite_number, read_instant

INTEGER_MAX = 2**63 - 1


class NumberField(serializers.FloatField):
    """A finite number, or the same as plain ASCII text. A whole number that is stored as one stays one."""

    def to_internal_value(self, data: Any) -> float:
        number = finite_number(data)
        if number is None:
            self.fail("invalid")
        return float(number)

    def to_representation(self, value: Any) -> Any:
        return value if isinstance(value, int) else float(value)


class WholeNumberField(serializers.IntegerField):
    """A whole number, or the same as plain ASCII text; 8.0 is 8."""

    def to_internal_value(self, data: Any) -> int:
        number = finite_number(data)
        if number is None or number != int(number):
            self.fail("invalid")
        return int(number)


@extend_schema_field({"type": "integer", "format": "int64"})
class IdField(serializers.IntegerField):
    """The key of a row, or another count that may exceed 32 bits."""


class InstantField(serializers.DateTimeField):
    """An instant with its offset, given on in UTC."""

    default_error_messages = {
        "instant": f"give an instant with its offset, such as 2026-12-01T09:00:00Z, from {YEAR_MIN} to {YEAR_MAX}"
    }

    def to_internal_value(self, value: Any) -> datetime:
        instant = read_instant(value) if isinstance(value, str) else None
        if instant is None:
            self.fail("instant")
        return instant

    def to_representation(self, value: datetime) -> datetime:  # type: ignore[override]
        # The renderer writes it, as text with `Z`.
        return value.astimezone(UTC)


class _PlainField(serializers.Field[Any, Any, Any, Any]):
    """A value that is JSON already."""

    def to_internal_value(self, data: Any) -> Any:
        return data

    def to_representation(self, value: Any) -> Any:
        return value


_SCALARS = [{"type": "string"}, {"type": "number"}, {"type": "boolean"}]
JSON_VALUE: dict[str, Any] = {
    "description": "Any JSON value.",
    "nullable": True,
    "anyOf": [
        *_SCALARS,
        {"type": "array", "items": {"$ref": "#/components/schemas/JsonValue"}},
        {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/JsonValue"}},
    ],
}
"""The schema's own component, because it contains itself."""


@extend_schema_field({"$ref": "#/components/schemas/JsonValue"})
class JsonField(_PlainField):
    """What a caller stored as it liked."""


@extend_schema_field({"anyOf": [*_SCALARS, {"type": "array", "items": {"type": "string"}}], "nullable": True})
class FactField(_PlainField):
    """One fact, parameter or field of a workload: text (instants as text), number, bool, or a list of texts."""


def facts_field(**options: Any) -> serializers.DictField:
    """Facts by name: docs/facts.md has their types and units."""
    return serializers.DictField(child=FactField(allow_null=True), **options)


def texts_field(**options: Any) -> serializers.ListField:
    return serializers.ListField(child=serializers.CharField(), **options)


def counts_field(**options: Any) -> serializers.DictField:
    """Name -> how many."""
    return serializers.DictField(child=serializers.IntegerField(), **options)


def choice_field(values: Any, **options: Any) -> serializers.ChoiceField:
    """One of a known set, as plain text."""
    return serializers.ChoiceField(choices=[str(value) for value in values], **options)
