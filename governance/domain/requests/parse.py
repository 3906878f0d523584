"""The content of a request, read from untrusted data: one parser for form, API and stored revisions.

Shape and range are checked here, by the rows of `fields.FIELDS`; whether a project, provider or lineage exists is the
services' business, and the workload's own fields are checked by the estimator, which knows what they mean.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

from governance.display import numbers
from governance.display.numbers import count
from governance.domain.errors import InvalidRequest
from governance.domain.record.canonical import digest
from governance.domain.requests import fields
from governance.domain.requests.fields import EVIDENCE_LENGTH_MAX, LIST_LENGTH_MAX, NAME_CHARS_MAX, Field, FieldType
from governance.domain.requests.kinds import Kind, kind_of
from governance.domain.requests.spelling import CONTENT_VERSION, earlier_names, in_present_names
from governance.domain.text import clean

NAME = re.compile(r"^[a-z0-9][a-z0-9._-]{0,79}$")
COUNTRY = re.compile(r"^[A-Z]{2}$")
LINK = re.compile(r"^https?://[^\s<>\"]{1,480}$")


@dataclass(frozen=True, slots=True)
class Evidence:
    """A link that a rule may ask for."""

    kind: str
    url: str


class RequestContent:
    """One parsed revision: an attribute for each row of `fields.FIELDS`, never changed.

    Countries are ISO 3166-1 alpha-2; money is USD; hours are device-hours. Lists are tuples without repetition, in
    alphabetical order.
    """

    # Those that services work with by name; the others are reached through their rows.
    title: str
    kind: str
    project: str
    workload: str
    sizing: str
    work: Mapping[str, Any]
    start_on: date
    end_on: date | None
    purpose: str
    price_term: str
    justification: str
    accelerator: str | None
    accelerator_count: int
    gpu_hours_cap: float | None
    money_cap_usd: float | None
    provider: str | None
    region: str | None
    country: str | None
    prohibited_uses: tuple[str, ...] | None
    beneficiary_entity: str | None
    access_countries: tuple[str, ...]
    lineage: str | None
    modalities: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    related_grant: str | None

    def __init__(self, **values: Any) -> None:
        """Values as the parser reads them, one for each field.

        Raises:
            TypeError: a field is missing, or there is none of that name.
        """
        if odd := set(values) ^ set(fields.names()):
            raise TypeError(f"not exactly the fields of a request: {', '.join(sorted(odd))}")
        self.__dict__.update(values)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{name}: the content of a request is never changed; `changed` makes another")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RequestContent) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"RequestContent({', '.join(f'{name}={value!r}' for name, value in self.__dict__.items())})"

    @property
    def answers(self) -> Mapping[str, Any]:
        """All of them by the name of their field."""
        return MappingProxyType(self.__dict__)

    def changed(self, **values: Any) -> RequestContent:
        """The same content with other answers."""
        return RequestContent(**self.__dict__ | values)

    @property
    def kind_of_request(self) -> Kind:
        """Its row in the table of kinds."""
        return kind_of(self.kind)

    @property
    def window_days(self) -> float | None:
        """Days from the start up to and including the end; None when open-ended."""
        return None if self.end_on is None else float((self.end_on - self.start_on).days + 1)

    def to_content(self) -> dict[str, Any]:
        """Plain JSON data in one canonical form: the same request has the same digest, however it was typed."""
        content: dict[str, Any] = {"schema": CONTENT_VERSION}
        for row in fields.FIELDS:
            value = self.__dict__[row.name]
            # Absent where the question was not answered, so that content from before it keeps its digest.
            if value is not None or not row.is_absent_unanswered:
                content[row.name] = _plain(value)
        return content

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical content, in the present names of its fields."""
        return digest(self.to_content())

    @classmethod
    def parse(cls, content: Mapping[str, Any]) -> RequestContent:
        """Read untrusted content.

        Raises:
            InvalidRequest: every field that is wrong, each with what is valid.
        """
        return _Reader(content).read()


def _plain(value: Any) -> Any:
    match value:
        case date():
            return value.isoformat()
        case tuple():
            return [asdict(item) if isinstance(item, Evidence) else item for item in value]
        case Mapping():
            return dict(value)
    return value


class _Reader:
    """Collects all mistakes before refusing, so that a person mends a form once."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        if not isinstance(content, Mapping):
            raise InvalidRequest({"content": ["must be an object with named fields"]})
        self.content = in_present_names(content)
        self.errors: dict[str, list[str]] = {}

    def read(self) -> RequestContent:
        for name in sorted(set(map(str, self.content)) - set(fields.names()) - {"schema"})[:5]:
            now = earlier_names().get(name)
            self.refuse(
                name[:80],
                f"is the earlier name of `{now}`: give only `{now}`" if now else "is not a field of a request",
            )
        answers: dict[str, Any] = {}
        for row in fields.FIELDS:
            value = self.answer(row, answers)
            answers[row.name] = row.default if value is None else value
        for row in fields.FIELDS:
            if row.check is not None and row.name not in self.errors:
                problem = row.check(answers, self.errors)
                if problem:
                    self.refuse(row.name, problem)
        if self.errors:
            raise InvalidRequest(self.errors)
        return RequestContent(**answers)

    def answer(self, row: Field, answers: Mapping[str, Any]) -> Any:
        """The answer to one field as it is kept; None where there is none, or where it was refused.

        Args:
            answers: those to the fields before it.
        """
        is_needed = row.needs_answer(answers)
        match row.type:
            case FieldType.TEXT:
                has_lines = row.control is fields.Control.TEXTAREA
                return self.text(row.name, int(row.maximum), required=is_needed, lines=has_lines) or None
            case FieldType.NAME:
                return self.slug(row.name, required=is_needed)
            case FieldType.CHOICE:
                return self.choice(row.name, row.slugs, required=is_needed)
            case FieldType.CHOICES:
                return self.choices(row.name, row.slugs)
            case FieldType.NAMES:
                return self.names(row.name)
            case FieldType.COUNTRY:
                return self.country(row.name)
            case FieldType.COUNTRIES:
                return self.countries(row.name)
            case FieldType.DAY:
                return self.day(row.name, required=is_needed)
            case FieldType.NUMBER:
                return self.number(row.name, row.minimum, row.maximum, above=True)
            case FieldType.COUNT:
                least = int(row.minimum) if is_needed else 0
                return self.integer(row.name, least, int(row.maximum), required=is_needed)
            case FieldType.TRUTH:
                return self.boolean(row.name)
            case FieldType.EVIDENCE:
                return self.evidence(row.name, row.slugs)
            case FieldType.WORK:
                return self.work(row.name)

    def work(self, name: str) -> dict[str, Any]:
        work = self.content.get(name) or {}
        if not isinstance(work, Mapping):
            self.refuse(name, "must be an object with the workload's own fields")
            return {}
        return dict(work)

    def refuse(self, name: str, sentence: str) -> None:
        self.errors.setdefault(name, []).append(sentence)

    def text(self, name: str, longest: int, *, required: bool = False, lines: bool = False) -> str:
        value = self.content.get(name)
        text, problem = ("", None) if value is None else clean(value, longest=longest, lines=lines)
        if problem is None and required and not text:
            problem = "must not be empty"
        if problem:
            self.refuse(name, problem)
        return text

    def slug(self, name: str, *, required: bool = False) -> str | None:
        value = self.text(name, NAME_CHARS_MAX, required=required)
        if not value:
            return None
        if not NAME.match(value):
            self.refuse(name, f"`{value[:40]}` is not a known name: choose one from the list")
            return None
        return value

    def country(self, name: str) -> str | None:
        value = self.text(name, 2)
        if value and not COUNTRY.match(value):
            self.refuse(name, f"`{value}` is not a two-letter country code such as IE")
            return None
        return value or None

    def items(self, name: str) -> list[Any]:
        value = self.content.get(name)
        if value is None:
            return []
        if not isinstance(value, list | tuple):
            self.refuse(name, "must be a list")
            return []
        if len(value) > LIST_LENGTH_MAX:
            self.refuse(name, f"has {count(len(value))} entries: at most {LIST_LENGTH_MAX} fit")
            return []
        return list(value)

    def countries(self, name: str) -> tuple[str, ...]:
        values = self.items(name)
        for value in values:
            if not isinstance(value, str) or not COUNTRY.match(value):
                self.refuse(name, f"`{str(value)[:20]}` is not a two-letter country code such as IE")
                return ()
        return tuple(sorted(set(values)))

    def names(self, name: str) -> tuple[str, ...] | None:
        """Short names whose list is kept elsewhere; None when nothing was said."""
        if self.content.get(name) is None:
            return None
        values = self.items(name)
        for value in values:
            if not isinstance(value, str) or not NAME.match(value):
                self.refuse(name, f"`{str(value)[:40]}` is not a known name: choose from the list")
                return None
        return tuple(sorted(set(values)))

    def choices(self, name: str, permitted: tuple[str, ...]) -> tuple[str, ...]:
        values = self.items(name)
        for value in values:
            if not isinstance(value, str) or value not in permitted:
                self.refuse(name, f"`{str(value)[:40]}` is not one of: {', '.join(permitted)}")
                return ()
        return tuple(sorted(set(values)))

    def choice(self, name: str, permitted: tuple[str, ...], *, required: bool = False) -> str | None:
        value = self.content.get(name)
        if value is None or value == "":
            if required:
                self.refuse(name, f"choose one of: {', '.join(permitted)}")
            return None
        if not isinstance(value, str) or value not in permitted:
            self.refuse(name, f"`{str(value)[:40]}` is not one of: {', '.join(permitted)}")
            return None
        return value

    def boolean(self, name: str) -> bool | None:
        value = self.content.get(name)
        if value is None or isinstance(value, bool):
            return value
        self.refuse(name, "must be yes or no")
        return None

    def number(self, name: str, low: float, high: float, *, above: bool = False) -> float | None:
        value = self.content.get(name)
        if value is None or value == "":
            return None
        span = f"{'above' if above else 'at least'} {count(low)} and at most {count(high)}"
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.refuse(name, f"must be a number {span}")
            return None
        # Compared before float(): an integer of a thousand digits cannot become one.
        if isinstance(value, float) and not math.isfinite(value):
            self.refuse(name, f"`{value}` is not a finite number: give one {span}")
            return None
        if value > high or value < low or (above and value == low):
            shown = numbers.typed(value) if isinstance(value, float) else str(value)[:24]
            self.refuse(name, f"`{shown}` is out of range: give a number {span}")
            return None
        return float(value)

    def integer(self, name: str, low: int, high: int, *, required: bool = False) -> int | None:
        value = self.content.get(name)
        if value is None or value == "":
            if required:
                self.refuse(name, f"give a whole number from {count(low)} to {count(high)}")
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            self.refuse(name, f"`{str(value)[:24]}` is not a whole number from {count(low)} to {count(high)}")
            return None
        if not low <= value <= high:
            self.refuse(
                name, f"`{str(value)[:24]}` is out of range: give a whole number from {count(low)} to {count(high)}"
            )
            return None
        return value

    def day(self, name: str, *, required: bool = False) -> date | None:
        value = self.content.get(name)
        if value is None or value == "":
            if required:
                self.refuse(name, "give a day, such as 2026-12-01")
            return None
        try:
            day = date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
        except ValueError:
            day = None
        if day is None or not 2015 <= day.year <= 2100:
            self.refuse(name, f"`{str(value)[:24]}` is not a day between 2015 and 2100, such as 2026-12-01")
            return None
        return day

    def evidence(self, name: str, kinds: tuple[str, ...]) -> tuple[Evidence, ...]:
        values = self.items(name)
        if len(values) > EVIDENCE_LENGTH_MAX:
            self.refuse(name, f"has {len(values)} entries: at most {EVIDENCE_LENGTH_MAX} fit")
            return ()
        links = []
        for value in values:
            if not isinstance(value, Mapping) or set(value) - {"kind", "url"}:
                self.refuse(name, "each entry has a kind and a url")
                return ()
            kind, url = value.get("kind"), value.get("url")
            if kind not in kinds:
                self.refuse(name, f"`{str(kind)[:40]}` is not one of: {', '.join(kinds)}")
                return ()
            if not isinstance(url, str) or not LINK.match(clean(url, longest=500)[0]):
                self.refuse(name, f"the {kind} needs a link that starts with https://")
                return ()
            links.append(Evidence(kind, url))
        return tuple(sorted(links, key=lambda link: (link.kind, link.url)))
