"""The text of a bundle as a tree of places: which characters say which value.

Reads only what `load_yaml` has accepted before, so sizes and depth are bounded there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import yaml

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Shape(Enum):
    SCALAR = "scalar"
    LIST = "list"
    MAPPING = "mapping"


@dataclass(slots=True)
class Place:
    """Where one value stands.

    Attributes:
        start, end: half-open range of characters; trailing blank lines and comments do not belong to it.
        is_flow: a list in `[]`, a mapping in `{}`, or a scalar on one line.
        style: of a scalar: "" plain, else its quote or block sign.
        items: of a list. `entries`: of a mapping, key to (place of the key, place of the value).
    """

    shape: Shape
    start: int
    end: int
    is_flow: bool
    style: str = ""
    items: list[Place] = field(default_factory=list)
    entries: dict[str, tuple[Place, Place]] = field(default_factory=dict)

    @property
    def is_block_text(self) -> bool:
        return self.style in ("|", ">")


def read_places(text: str) -> Place:
    """The places of a text that `load_yaml` accepts."""
    loader = _Loader(text)
    try:
        while not isinstance(loader.peek_event(), (yaml.ScalarEvent, yaml.CollectionStartEvent)):
            loader.get_event()
        return _read(loader, text)
    finally:
        loader.dispose()


def _read(loader: Any, text: str) -> Place:
    event = loader.get_event()
    start, stop = event.start_mark.index, event.end_mark.index
    if isinstance(event, yaml.ScalarEvent):
        style = event.style or ""
        end = start + len(text[start:stop].rstrip())
        return Place(Shape.SCALAR, start, max(start, end), style not in ("|", ">"), style)
    if isinstance(event, yaml.SequenceStartEvent):
        place = Place(Shape.LIST, start, start, bool(event.flow_style))
        while not isinstance(loader.peek_event(), yaml.SequenceEndEvent):
            place.items.append(_read(loader, text))
        last = place.items[-1].end if place.items else start
    else:
        place = Place(Shape.MAPPING, start, start, bool(event.flow_style))
        while not isinstance(loader.peek_event(), yaml.MappingEndEvent):
            name = loader.peek_event().value
            key = _read(loader, text)
            place.entries[name] = (key, _read(loader, text))
        last = max(
            (value.end if value.end > value.start else key.end for key, value in place.entries.values()), default=start
        )
    end_event = loader.get_event()
    place.end = end_event.end_mark.index if place.is_flow else last
    return place


def column_of(text: str, offset: int) -> int:
    """How many characters stand before an offset on its line."""
    return offset - (text.rfind("\n", 0, offset) + 1)


def line_start(text: str, offset: int) -> int:
    return text.rfind("\n", 0, offset) + 1


def line_end(text: str, offset: int) -> int:
    """The end of the line, its line break included."""
    end = text.find("\n", offset)
    return len(text) if end < 0 else end + 1
