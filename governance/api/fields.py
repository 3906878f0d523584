"""Fields that read numbers and instants as JSON means them: no truth values, no private spellings."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rest_framework import serializers

from governance.domain.typed import YEAR_MAX, YEAR_MIN, finite_number, read_instant


class NumberField(serializers.FloatField):
    """A finite number, or the same as plain ASCII text."""

    def to_internal_value(self, data: Any) -> float:
        number = finite_number(data)
        if number is None:
            self.fail("invalid")
        return float(number)


class WholeNumberField(serializers.IntegerField):
    """A whole number, or the same as plain ASCII text; 8.0 is 8."""

    def to_internal_value(self, data: Any) -> int:
        number = finite_number(data)
        if number is None or number != int(number):
            self.fail("invalid")
        return int(number)


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
