"""What the serializers of every room share: strict input, rows with values beside them, money, and value classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from datetime import date
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from estimator.core.quantities import Interval
from governance.api.fields import FactField, IdField, NumberField
from governance.domain.money.money import CURRENCY, to_units


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields that it does not know: a misspelt or read-only field never vanishes silently."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            unknown = sorted(set(data) - set(self.fields))
            if unknown:
                raise serializers.ValidationError(
                    {str(name)[:80]: ["is not a field that can be given here"] for name in unknown[:10]}
                )
        return super().to_internal_value(data)


Made = TypeVar("Made", bound=type[serializers.Serializer[Any]])


def example(**value: Any) -> Callable[[Made], Made]:
    """What an answer looks like, for the schema; a test holds it against the serializer."""
    decorate: Callable[[Made], Made] = extend_schema_serializer(
        examples=[OpenApiExample("example", value, response_only=True)]
    )
    return decorate


class PlainSerializer(serializers.Serializer[Any]):
    """Renders plain values as they were stored: what they lack is left out, and not said to be null."""

    def to_representation(self, plain: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in super().to_representation(plain).items() if name in plain}


class Beside:
    """A row with values beside it that no column holds, as one thing to render."""

    def __init__(self, row: Any, **values: Any) -> None:
        self._row = row
        self.__dict__.update(values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._row, name)


class MoneySerializer(serializers.Serializer[Any]):
    """An amount: exact in micro-units, and in units to read. Made from micro-units."""

    micro = IdField(help_text="Exact, in millionths of the currency's unit.")
    units = NumberField(help_text="The same in units of the currency, to read.")
    currency = serializers.CharField(help_text="ISO 4217.")

    def to_representation(self, amount_micro: int) -> dict[str, Any]:
        return super().to_representation({"micro": amount_micro, "units": to_units(amount_micro), "currency": CURRENCY})


class ProblemSerializer(serializers.Serializer[Any]):
    """Why a call was refused (RFC 9457)."""

    type = serializers.CharField(help_text="`urn:comptroller:problem:` and the code.")
    title = serializers.CharField(help_text="The status in words.")
    status = serializers.IntegerField(help_text="The HTTP status.")
    code = serializers.CharField(help_text="Stable name of the reason, for programs.")
    detail = serializers.CharField(help_text="The reason in one sentence, for people.")
    errors = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="Field -> what is wrong with it.",
    )
    data = serializers.DictField(  # type: ignore[assignment]
        child=FactField(allow_null=True), required=False, help_text="The values that the sentence speaks of."
    )


# ------------------------------------------------------------------------------ from value classes

_FIELDS: dict[Any, Callable[..., serializers.Field[Any, Any, Any, Any]]] = {
    str: serializers.CharField,
    bool: serializers.BooleanField,
    int: IdField,
    float: NumberField,
    date: serializers.DateField,
}


def serializer_of(values: type, **more: serializers.Field[Any, Any, Any, Any]) -> type[serializers.Serializer[Any]]:
    """The serializer of what a value class of the estimator writes: its fields, their types, and what may be unknown.

    A field with a default was added later: what was stored before lacks it, so that it is not required.

    Args:
        more: fields in the place of its own, or beside them.
    """
    hints = get_type_hints(values)
    made = {
        each.name: _field(hints[each.name], required=each.default is MISSING and each.default_factory is MISSING)
        for each in fields(values)
        if each.name not in more
    }
    body = {**made, **more, "__doc__": (values.__doc__ or "").partition("\n")[0]}
    return type(f"{values.__name__}Serializer", (PlainSerializer,), body)


def _field(hint: Any, **options: Any) -> serializers.Field[Any, Any, Any, Any]:
    choices = get_args(hint)
    if get_origin(hint) in (Union, UnionType):
        known = [each for each in choices if each is not NoneType]
        options["allow_null"] = len(known) < len(choices)
        return _field(known[0], **options) if len(known) == 1 else FactField(**options)
    if get_origin(hint) is tuple:
        return serializers.ListField(child=_field(choices[0]), **options)
    if hint in _FIELDS:
        return _FIELDS[hint](**options)
    if hint not in _MADE:
        _MADE[hint] = serializer_of(hint)
    return _MADE[hint](**options)


IntervalSerializer = serializer_of(Interval)
_MADE: dict[Any, type[serializers.Serializer[Any]]] = {Interval: IntervalSerializer}
"""Value classes that stand within others: one serializer for each, however often it is met."""
