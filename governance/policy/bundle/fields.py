"""Read the fields of a bundle's mappings, each refusal with its place and the path that leads there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Any, NoReturn

from governance.display import numbers
from governance.policy.bundle.yaml_source import Located
from governance.policy.errors import BundleError
from governance.policy.limits import TEXT_CHARS_MAX
from governance.policy.suggest import closest

IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,62}")
SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+){0,15}")
RULE_ID = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")


class Fields:
    """One mapping of the bundle. Each field is taken once; `finish` refuses what nobody took."""

    def __init__(self, located: Located, path: str, source_name: str) -> None:
        self.located = located
        self.path = path
        self.source_name = source_name
        self.taken: set[str] = set()
        if not isinstance(located.value, dict):
            self.refuse("is not a mapping")
        self.values: dict[str, Located] = located.value

    def refuse(self, message: str, key: str | None = None, suggestion: str | None = None) -> NoReturn:
        where = self.values.get(key, self.located) if key and hasattr(self, "values") else self.located
        path = f"{self.path}.{key}" if key and self.path else key or self.path or "the bundle"
        raise BundleError(
            f"`{path}` {message}",
            position=where.position,
            source_name=self.source_name,
            suggestion=suggestion,
            field=path,
        )

    def take(self, key: str) -> Located | None:
        """The field, or None when it is not there or null."""
        self.taken.add(key)
        located = self.values.get(key)
        return None if located is None or located.value is None else located

    def require(self, key: str) -> Located:
        located = self.take(key)
        if located is None:
            self.refuse("is missing", key)
        return located

    def finish(self) -> None:
        """Refuse the first field that is not one."""
        for key in self.values:
            if key not in self.taken:
                self.refuse("is not a field here", key, closest(key, self.taken))

    # -- typed

    def text(self, key: str, default: str | None = None, pattern: re.Pattern[str] | None = None) -> str:
        located = self.take(key)
        if located is None:
            return default if default is not None else self.refuse("is missing", key)
        value = located.value
        if not isinstance(value, str):
            self.refuse(f"must be a text, found {_kind(value)}", key)
        if len(value) > TEXT_CHARS_MAX:
            self.refuse(f"has at most {numbers.count(TEXT_CHARS_MAX)} characters", key)
        if pattern is not None and not pattern.fullmatch(value):
            self.refuse(f"`{value[:40]}` does not look right; expected {pattern.pattern}", key)
        return value

    def optional_text(self, key: str, pattern: re.Pattern[str] | None = None) -> str | None:
        """A text, or None when the field is not there."""
        return self.text(key, pattern=pattern) if self.take(key) is not None else None

    def choice(self, key: str, choices: Iterable[str], default: str | None = None) -> str:
        value = self.text(key, default)
        allowed = list(choices)
        if value not in allowed:
            self.refuse(f"`{value[:40]}` is not one of {', '.join(allowed)}", key, closest(value, allowed))
        return value

    def whole(self, key: str, low: int, high: int) -> int | None:
        """A whole number, or None when the field is not there."""
        located = self.take(key)
        if located is None:
            return None
        value = located.value
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.refuse(f"must be a whole number from {low} to {high}", key)
        return value

    def count(self, key: str, low: int, high: int, default: int) -> int:
        """A whole number; `default` when the field is not there."""
        value = self.whole(key, low, high)
        return default if value is None else value

    def day(self, key: str) -> date | None:
        located = self.take(key)
        if located is None:
            return None
        if not isinstance(located.value, date):
            self.refuse("must be a day such as 2026-01-31", key)
        return located.value

    def flag(self, key: str) -> bool:
        value = self.require(key).value
        if not isinstance(value, bool):
            self.refuse("must be true or false", key)
        return value

    def texts(self, key: str, pattern: re.Pattern[str] | None = None) -> tuple[str, ...]:
        """A list of texts, each once; () when the field is not there."""
        values: list[str] = []
        for item in self.items(key):
            value = item.value
            if not isinstance(value, str) or not 0 < len(value) <= 200 or value in values:
                self.refuse("must list short texts, each once", key)
            if pattern is not None and not pattern.fullmatch(value):
                self.refuse(f"`{value[:40]}` does not look right; expected {pattern.pattern}", key)
            values.append(value)
        return tuple(values)

    def items(self, key: str) -> list[Located]:
        located = self.take(key)
        if located is None:
            return []
        if not isinstance(located.value, list):
            self.refuse(f"must be a list, found {_kind(located.value)}", key)
        return located.value

    def mappings(self, key: str) -> list[Fields]:
        return [
            Fields(item, f"{self.path}.{key}[{index}]" if self.path else f"{key}[{index}]", self.source_name)
            for index, item in enumerate(self.items(key))
        ]

    def mapping(self, key: str) -> Fields | None:
        located = self.take(key)
        if located is None:
            return None
        return Fields(located, f"{self.path}.{key}" if self.path else key, self.source_name)

    def plain(self, key: str) -> dict[str, Any]:
        """A mapping of plain values; {} when the field is not there."""
        fields = self.mapping(key)
        return {name: located.plain() for name, located in fields.values.items()} if fields else {}


def _kind(value: Any) -> str:
    names = {dict: "a mapping", list: "a list", str: "a text", bool: "true or false", int: "a number", date: "a day"}
    return names.get(type(value), f"a {type(value).__name__}")
