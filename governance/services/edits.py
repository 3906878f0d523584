"""What every edit of reference data shares: collect what is wrong, lock one row, save what differs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import models

from governance.domain.errors import InvalidInput, NotFound
from governance.domain.text import clean
from governance.models import Person, User

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

    def slug(self, name: str, value: str, model: type[models.Model]) -> None:
        if not _SLUG.fullmatch(value) or len(value) > 80:
            self.add(name, f"`{value[:40]}` is not a short name of lower-case letters, digits and hyphens")
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
            self.add(name, f"`{value}` belongs to somebody already")
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
