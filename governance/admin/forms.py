"""Forms of the desk: they check shape, call one service in `save`, and show its refusal beside the field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, ClassVar, TypeVar

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.db import models

from governance.admin.access import Access
from governance.display import numbers
from governance.domain.money.money import AMOUNT_MICRO_MAX, MICRO_PER_UNIT
from governance.domain.prose import sentence
from governance.domain.typed import YEAR_MAX, YEAR_MIN, is_kept_day, plain_numeral, utc_instant
from governance.models import User
from governance.policy.facts.facts import LIST_ITEMS_MAX, STRING_CHARS_MAX

RowT = TypeVar("RowT", bound=models.Model)

LONG_TEXT_CHARS_MAX = 1_000_000
USD_MAX = Decimal(AMOUNT_MICRO_MAX) / MICRO_PER_UNIT
INSTANT_FORMATS = ("%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d")


class DeskForm(forms.Form):
    """A form about one record, or about a new one.

    Subclasses name their fields as the service names its arguments, so that a refusal finds its field.
    """

    renames: ClassVar[Mapping[str, str]] = {}
    starts_empty: ClassVar[bool] = False
    done: str = ""
    """What was done, where `save` did another thing than the button says."""

    def __init__(self, data: Any = None, *, row: models.Model | None, person: Access) -> None:
        self.row = row
        self.person = person
        super().__init__(data, initial=self.initial_of(row) if row is not None else None)

    def initial_of(self, row: Any) -> dict[str, Any]:
        """What the form starts with: the record as it stands, where that is what is typed over."""
        if self.starts_empty:
            return {}
        return {name: getattr(row, name) for name in self.base_fields if hasattr(row, name)}

    def about(self, model: type[RowT]) -> RowT:
        """The record that this form is about."""
        if not isinstance(self.row, model):
            raise TypeError(f"this form is about a {model.__name__}")
        return self.row

    def save(self, *, actor: User, now: datetime) -> Any:
        """Call the one service.

        Returns:
            The row to show next, or None for the one that the form was about.
        """
        raise NotImplementedError

    def refuse(self, errors: Mapping[str, Sequence[str]]) -> None:
        """Put a service's sentences beside the fields that they name."""
        for name, found in errors.items():
            field = self.renames.get(name, name)
            target = field if field in self.fields else NON_FIELD_ERRORS
            for text in found:
                self.add_error(None if target == NON_FIELD_ERRORS else target, sentence(text))

    @property
    def all_errors(self) -> list[tuple[str, str]]:
        """(id of the field, sentence) for the summary above the form."""
        found: list[tuple[str, str]] = []
        for name, sentences in self.errors.items():
            bound = self[name] if name in self.fields else None
            label = f"{bound.label}: " if bound is not None else ""
            found += [(bound.auto_id if bound is not None else "", f"{label}{text}") for text in sentences]
        return found


class TypedNumber:
    """A field whose number is read as everywhere else: `200,000` is one, `1_000` and other digits than 0 to 9 are none.

    Beside a field of Django's, whose ranges and sentences stay.
    """

    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and value.strip():
            plain = plain_numeral(value)
            if plain is None:
                raise forms.ValidationError(f"`{value.strip()[:40]}` is not a number: write it like 200,000 or 1.5.")
            value = plain
        elif isinstance(value, bool):
            raise forms.ValidationError("This is not a number.")
        return super().to_python(value)  # type: ignore[misc]


class NumberField(TypedNumber, forms.FloatField):
    """A number typed by a person; finite."""


class WholeNumberField(TypedNumber, forms.IntegerField):
    """A whole number typed by a person."""


class ExactNumberField(TypedNumber, forms.DecimalField):
    """A number typed by a person whose decimals all count."""


class MoneyField(ExactNumberField):
    """USD typed by a person, micro-units given to the service."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("help_text", "USD")
        super().__init__(min_value=Decimal(0), max_value=USD_MAX, max_digits=17, decimal_places=2, **options)

    def prepare_value(self, value: Any) -> Any:
        # A row's value is an integer of micro-units; what was typed is text.
        if isinstance(value, int):
            return numbers.typed(Decimal(value) / MICRO_PER_UNIT, 2)
        return value

    def clean(self, value: Any) -> int | None:
        amount = super().clean(value)
        return None if amount is None else int(amount * MICRO_PER_UNIT)


class ListField(forms.CharField):
    """A short list, typed with commas between the entries."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("required", False)
        options.setdefault("help_text", "Separated by commas.")
        super().__init__(max_length=LIST_ITEMS_MAX * (STRING_CHARS_MAX + 2), **options)

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(map(str, value)) if isinstance(value, list | tuple) else value

    def clean(self, value: Any) -> list[str]:
        return [part.strip() for part in super().clean(value).split(",") if part.strip()]


class InstantField(forms.DateTimeField):
    """A day and a time in the zone of the person at the desk."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")

    def __init__(self, **options: Any) -> None:
        super().__init__(input_formats=INSTANT_FORMATS, **options)

    def to_python(self, value: Any) -> datetime | None:
        _refuse_other_digits(value)
        instant = super().to_python(value)
        if instant is not None and utc_instant(instant) is None:
            raise forms.ValidationError(_NOT_KEPT)
        return instant


class DayField(forms.DateField):
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")

    def to_python(self, value: Any) -> date | None:
        _refuse_other_digits(value)
        day = super().to_python(value)
        if day is not None and not is_kept_day(day):
            raise forms.ValidationError(_NOT_KEPT)
        return day


_NOT_KEPT = f"Give a day from {YEAR_MIN} to {YEAR_MAX}."


def _refuse_other_digits(value: Any) -> None:
    if isinstance(value, str) and not value.isascii():
        raise forms.ValidationError("Write the digits 0 to 9.")


class ReasonField(forms.CharField):
    """Why, in a sentence; it goes to the log."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("label", "Why")
        super().__init__(max_length=400, widget=forms.Textarea(attrs={"rows": 3}), **options)


class TruthField(forms.TypedChoiceField):
    """Yes, no, or not known: a checkbox cannot say the third."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            choices=[("", "Not known"), ("yes", "Yes"), ("no", "No")],
            coerce=lambda value: value == "yes",
            empty_value=None,
            required=False,
            **options,
        )

    def prepare_value(self, value: Any) -> Any:
        return {True: "yes", False: "no", None: ""}.get(value, value)


def choices(values: Iterable[str]) -> list[tuple[str, str]]:
    """Choices of slugs, in words."""
    return [(value, value.replace("_", " ").capitalize()) for value in values]


def at_midnight(day: Any) -> datetime:
    """The first instant of a day, UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


class Sure(DeskForm):
    """A form without fields: the button is the question."""
