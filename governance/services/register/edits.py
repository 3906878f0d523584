"""What every edit of reference data shares: collect what is wrong, lock one row, save what differs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, TypeVar

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import models

from governance.domain.errors import InvalidInput, NotFound
from governance.domain.requests.registers import problem_of
from governance.domain.text import clean
from governance.domain.typed import YEAR_MAX, YEAR_MIN, is_kept_day
from governance.models import Person, User
from governance.policy.facts.facts import LIST_ITEMS_MAX, STRING_CHARS_MAX

RowT = TypeVar("RowT", bound=models.Model)

ADDRESS_CHARS_MAX = 200

_SLUG = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
_COUNTRY = re.compile(r"[A-Z]{2}")


class Errors:
    """Collects what is wrong with the fields of one form, so that a person mends it once."""

    def __init__(self) -> None:
        self.found: dict[str, list[str]] = {}

    def add(self, name: str, sentence: str) -> None:
        self.found.setdefault(name, []).append(sentence)

    def raise_any(self) -> None:
        """Refuse when something was found.

        Raises:
            InvalidInput: all of it.
        """
        if self.found:
            raise InvalidInput(self.found)

    def text(self, name: str, value: str, longest: int, *, required: bool = True, lines: bool = False) -> str:
        text, problem = clean(value, longest=longest, lines=lines)
        if problem is None and required and not text:
            problem = "must not be empty"
        if problem:
            self.add(name, problem)
        return text

    def optional_text(self, name: str, value: str | None, longest: int) -> str | None:
        """Text, or None where there is none: what is absent is never kept as empty text."""
        return self.text(name, value or "", longest, required=False) or None

    def texts(self, name: str, values: Iterable[str], fact: str) -> list[str]:
        """A list of texts that becomes a fact: within its bounds, in order, each once."""
        given = list(values)
        kept = [self.text(name, each, STRING_CHARS_MAX) for each in given[: LIST_ITEMS_MAX + 1]]
        found = sorted(set(kept)) if len(given) <= LIST_ITEMS_MAX else given
        if name not in self.found and (problem := problem_of(fact, found)):
            self.add(name, problem)
        return found

    def day(self, name: str, value: date | None) -> None:
        """A day that can be kept and shown."""
        if value is not None and not is_kept_day(value):
            self.add(name, f"`{value}` is not a day from {YEAR_MIN} to {YEAR_MAX}")

    def slug(self, name: str, value: str, model: type[models.Model]) -> None:
        longest = getattr(model._meta.get_field("slug"), "max_length", None) or 80
        if not _SLUG.fullmatch(value) or len(value) > longest:
            self.add(
                name,
                f"`{value[:40]}` is not a short name of at most {longest} lower-case letters, digits and hyphens",
            )
        elif model._default_manager.filter(slug=value).exists():
            self.add(name, f"`{value}` is taken already")

    def country(self, name: str, value: str) -> str:
        if not _COUNTRY.fullmatch(value):
            self.add(name, f"`{value[:10]}` is not a two-letter country code such as IE")
        return value

    def address(self, name: str, value: str) -> str:
        value = value.strip().lower()
        try:
            validate_email(value)
        except ValidationError:
            self.add(name, f"`{value[:60]}` is not an e-mail address")
        if len(value) > ADDRESS_CHARS_MAX:
            self.add(name, f"has {len(value)} characters: at most {ADDRESS_CHARS_MAX}")
        return value

    def email(self, name: str, value: str) -> str:
        """An address that nobody has yet."""
        value = self.address(name, value)
        if Person.objects.filter(email__iexact=value).exists() or User.objects.filter(email__iexact=value).exists():
            self.add(name, f"`{value}` belongs to another account")
        return value

    def password(self, name: str, value: str | None, user: User | None = None) -> None:
        if value is None:
            return
        try:
            validate_password(value, user)
        except ValidationError as error:
            for sentence in error.messages:
                self.add(name, sentence)


def lock_row(model: type[RowT], pk: int) -> RowT:
    """One row `FOR NO KEY UPDATE`, in the caller's transaction.

    Raises:
        NotFound: no such row.
    """
    row = model._default_manager.select_for_update(of=("self",), no_key=True).filter(pk=pk).first()
    if row is None:
        raise NotFound(f"{model._meta.verbose_name} `{pk}` does not exist", id=pk)
    return row


def assign(row: models.Model, values: Mapping[str, Any]) -> list[str]:
    """Put values onto a locked row and save what differs; the names that changed, in order."""
    changed = [name for name, value in values.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, values[name])
    if changed:
        row.save(update_fields=changed)
    return changed


def is_this_minute(instant: datetime, now: datetime) -> bool:
    """Whether an instant typed to the minute means now."""
    return now.replace(second=0, microsecond=0) <= instant <= now


def period_in_log(start: datetime, end: datetime | None) -> list[str | None]:
    """A half-open period as the audit log keeps it; None where it has no end."""
    return [start.isoformat(), end.isoformat() if end else None]
