"""One question of a form as the template asks it: label, hint, what was answered, what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

PREFIX = "id_"


def field_id(name: str) -> str:
    """The id of the control that answers a field of the content; `work.epochs` becomes `id_work-epochs`."""
    return PREFIX + input_name(name)


def input_name(name: str) -> str:
    """The name under which a field of the content is posted."""
    return name.replace(".", "-")


@dataclass(slots=True)
class Choice:
    """One possible answer."""

    value: str
    label: str
    hint: str = ""
    aside: str = ""
    is_chosen: bool = False
    group_start: str = ""
    is_group_end: bool = False
    css: str = ""


@dataclass(slots=True)
class Question:
    """A field as it is asked.

    Args:
        name: as posted.
        kind: text, number, date, textarea, select, radios, checkboxes or checkbox.
        value: what stands in the control; for a checkbox, non-empty when ticked.
        unit: shown after the control.
    """

    name: str
    label: str
    kind: str = "text"
    hint: str = ""
    value: str = ""
    unit: str = ""
    choices: Sequence[Choice] = field(default=())
    error: str = ""
    is_optional: bool = False
    is_compact: bool = False
    is_narrow: bool = False
    maxlength: int | None = None
    suggestions: Sequence[str] = field(default=())

    @property
    def id(self) -> str:
        return PREFIX + self.name

    @property
    def input_type(self) -> str:
        return {"date": "date", "url": "url"}.get(self.kind, "text")

    @property
    def describedby(self) -> str:
        """Ids of hint and error, for screen readers."""
        parts = [f"{self.id}-hint"] if self.hint else []
        return " ".join([*parts, f"{self.id}-error"] if self.error else parts)


def choices(
    pairs: Iterable[tuple[str, str]],
    chosen: Iterable[str],
    *,
    empty: str | None = None,
    hints: dict[str, str] | None = None,
) -> list[Choice]:
    """Choices in order; what was posted and is not among them is not lost but shown as it came."""
    wanted = {value for value in chosen if value}
    found = [Choice("", empty, is_chosen=not wanted)] if empty is not None else []
    for value, label in pairs:
        found.append(Choice(value, label, (hints or {}).get(value, ""), is_chosen=value in wanted))
        wanted.discard(value)
    found += [Choice(value, value[:60], is_chosen=True) for value in sorted(wanted)]
    return found


def grouped_choices(
    groups: Iterable[tuple[str, Sequence[tuple[str, str]]]], chosen: str, *, empty: str
) -> list[Choice]:
    """Choices of a select in groups."""
    found = [Choice("", empty, is_chosen=not chosen)]
    is_known = not chosen
    for title, pairs in groups:
        for index, (value, label) in enumerate(pairs):
            is_chosen = value == chosen and not is_known
            is_known = is_known or is_chosen
            found.append(
                Choice(
                    value,
                    label,
                    is_chosen=is_chosen,
                    group_start=title if index == 0 else "",
                    is_group_end=index == len(pairs) - 1,
                )
            )
    if not is_known:
        found.append(Choice(chosen, chosen[:60], is_chosen=True))
    return found
