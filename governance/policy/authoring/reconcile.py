"""Bring a text to say something else by changing only the places that say it differently.

Both sides are the plain values that `bundle_writer` would write. Where they agree the author's characters stay:
comments, order, quoting, blank lines. The caller reads the result again, and falls back to writing everything anew.
"""

from __future__ import annotations

from typing import Any

from governance.policy.authoring.text_tree import Place, Shape, column_of, line_end, line_start, read_places
from governance.policy.bundle.yaml_source import dump_yaml
from governance.policy.language.printer import print_string

Edit = tuple[int, int, str]
_IDENTITIES = ("id", "rule", "name", "from", "role", "code")


class CannotPatch(Exception):
    """The place does not look as expected; the whole text has to be written anew."""


def reconcile(text: str, old: Any, new: Any) -> str:
    """The text with what differs from `old` to `new` written in its place.

    Raises:
        CannotPatch: the text is written in a way that this does not see through.
    """
    return _Patcher(text).apply(read_places(text), old, new)


class _Patcher:
    def __init__(self, text: str) -> None:
        self.text = text

    def apply(self, place: Place, old: Any, new: Any) -> str:
        edits = sorted(self.edits(place, old, new))
        return self.written(0, len(self.text), edits)

    def written(self, start: int, end: int, edits: list[Edit]) -> str:
        """A stretch of the text with edits that lie in it."""
        parts, at = [], start
        for left, right, replacement in sorted(edits):
            if left < at:
                raise CannotPatch("two changes meet")
            parts += [self.text[at:left], replacement]
            at = right
        return "".join([*parts, self.text[at:end]])

    # -- what differs

    def edits(self, place: Place, old: Any, new: Any) -> list[Edit]:
        if _same(old, new):
            return []
        if isinstance(old, dict) and isinstance(new, dict) and place.shape is Shape.MAPPING and set(old) & set(new):
            return self.mapping_edits(place, old, new)
        if (
            isinstance(old, list)
            and isinstance(new, list)
            and place.shape is Shape.LIST
            and len(place.items) == len(old)
        ):
            return self.list_edits(place, old, new)
        return [self.replacement(place, new)]

    def replacement(self, place: Place, new: Any) -> Edit:
        if place.is_flow and not (isinstance(new, str) and "\n" in new and not self.is_in_flow(place)):
            is_quoted = place.shape is Shape.SCALAR and place.style == '"' and isinstance(new, str)
            return place.start, place.end, _flow(new, is_quoted)
        written = self.block_value(new, self.indent_under(place))
        if place.style == "|" and written.startswith("|-\n"):
            # The author's own sign stays; what it says about the last line break, nobody reads.
            sign = self.text[place.start : line_end(self.text, place.start)]
            written = sign + written.removeprefix("|-\n")
        return place.start, place.end, written

    def is_in_flow(self, place: Place) -> bool:
        """Whether a scalar stands inside brackets: nothing but a whole line's end may then follow a block text."""
        before = self.text[line_start(self.text, place.start) : place.start]
        return before.count("{") + before.count("[") > before.count("}") + before.count("]")

    def indent_under(self, place: Place) -> int:
        """How far the lines of a value that begins here are indented."""
        start = line_start(self.text, place.start)
        line = self.text[start : place.start]
        return len(line) - len(line.lstrip(" -")) + 2

    def block_value(self, new: Any, indent: int) -> str:
        """A value in block style, to follow `key: `."""
        pad = " " * indent
        if isinstance(new, str) and "\n" in new and _fits_block(new):
            return "|-\n" + "\n".join(f"{pad}{line}".rstrip() for line in new.split("\n"))
        return _flow(new)

    # -- mappings

    def mapping_edits(self, place: Place, old: dict[str, Any], new: dict[str, Any]) -> list[Edit]:
        gone = [key for key in old if key not in new and key in place.entries]
        added = [key for key in new if key not in place.entries]
        edits: list[Edit] = []
        for key, value in new.items():
            if key in place.entries and (key not in old or not _same(old[key], value)):
                where = place.entries[key][1]
                edits += self.edits(where, old[key], value) if key in old else [self.replacement(where, value)]
        if not gone and not [key for key in added if key not in old or not _same(old[key], new[key])]:
            return edits
        added = [key for key in added if key not in old or not _same(old[key], new[key])]
        if place.is_flow:
            return [self.flow_mapping(place, gone, {key: new[key] for key in added}, edits)]
        for key in gone:
            edits.append(self.without_entry(place, key))
        column = column_of(self.text, place.start)
        for key in added:
            after = self.entry_before(place, list(new), key, set(gone))
            at = self.end_of_line_content(place.entries[after][1].end or place.entries[after][0].end)
            line = f"\n{' ' * column}{_key(key)}: {self.block_entry(new[key], column)}"
            edits.append((at, at, line))
        return _merged(edits)

    def block_entry(self, value: Any, column: int) -> str:
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return "\n" + "\n".join(f"{' ' * column}- {_flow(item)}" for item in value)
        if isinstance(value, dict) and value and not all(_is_scalar(item) for item in value.values()):
            lines = [
                f"\n{' ' * (column + 2)}{_key(key)}: {self.block_value(item, column + 4)}"
                for key, item in value.items()
            ]
            return "".join(lines)
        return self.block_value(value, column + 2)

    def entry_before(self, place: Place, order: list[str], key: str, gone: set[str]) -> str:
        """The nearest entry before a new one, in the order that bundles are written in."""
        for name in reversed(order[: order.index(key)]):
            if name in place.entries:
                return name
        kept = [name for name in place.entries if name not in gone]
        if not kept:
            raise CannotPatch("nothing is left to stand after")
        return kept[-1]

    def without_entry(self, place: Place, key: str) -> Edit:
        name, value = place.entries[key]
        start = line_start(self.text, name.start)
        if self.text[start : name.start].strip():
            raise CannotPatch("the first field of a list item goes")
        return start, line_end(self.text, max(value.end, name.end) - 1), ""

    def flow_mapping(self, place: Place, gone: list[str], added: dict[str, Any], edits: list[Edit]) -> Edit:
        parts = []
        for key, (name, value) in place.entries.items():
            if key not in gone:
                end = max(value.end, name.end)
                inner = [edit for edit in edits if name.start <= edit[0] and edit[1] <= end]
                parts.append(self.written(name.start, end, inner))
        parts += [f"{_key(key)}: {_flow(value)}" for key, value in added.items()]
        return place.start, place.end, "{" + ", ".join(parts) + "}"

    # -- lists

    def list_edits(self, place: Place, old: list[Any], new: list[Any]) -> list[Edit]:
        before, after = _identities(old), _identities(new)
        if before is None or after is None:
            if len(old) == len(new) and not any(_is_scalar(item) for item in (*old, *new)):
                return [
                    edit
                    for item, one, other in zip(place.items, old, new, strict=True)
                    for edit in self.edits(item, one, other)
                ]
            return [self.replacement(place, new)] if place.is_flow else [self.whole_list(place, old, new)]
        if before == after:
            return [
                edit
                for item, one, other in zip(place.items, old, new, strict=True)
                for edit in self.edits(item, one, other)
            ]
        if place.is_flow:
            return [
                self.flow_list(place, dict(zip(before, zip(place.items, old, strict=True), strict=True)), after, new)
            ]
        return [self.block_list(place, old, before, after, new)]

    def whole_list(self, place: Place, old: list[Any], new: list[Any]) -> Edit:
        return self.block_list(
            place, old, list(range(len(old))), [index if index < len(old) else -index for index in range(len(new))], new
        )

    def flow_list(self, place: Place, known: dict[Any, tuple[Place, Any]], after: list[Any], new: list[Any]) -> Edit:
        parts = []
        for identity, value in zip(after, new, strict=True):
            if identity in known:
                item, one = known[identity]
                parts.append(self.written(item.start, item.end, self.edits(item, one, value)))
            else:
                parts.append(_flow(value))
        return place.start, place.end, "[" + ", ".join(parts) + "]"

    def block_list(self, place: Place, old: list[Any], before: list[Any], after: list[Any], new: list[Any]) -> Edit:
        """The items in their new order, each with the comment above it and the blank lines below."""
        if not new:
            raise CannotPatch("a list in block style has no empty form")
        column = column_of(self.text, place.start)
        starts = [self.item_start(item, column) for item in place.items]
        ends = [*starts[1:], line_end(self.text, place.items[-1].end - 1)]
        known = {identity: index for index, identity in enumerate(before)}
        gap = "\n" if len(starts) > 1 and self.text[: starts[1]].endswith("\n\n") else ""
        chunks = []
        for identity, value in zip(after, new, strict=True):
            index = known.get(identity)
            if index is None:
                chunks.append(self.new_item(value, column, place.items[-1].is_flow) + gap)
                continue
            edits = self.edits(place.items[index], old[index], value)
            chunks.append(
                _with_line_break(self.written(starts[index], ends[index], edits))
                + (gap if index == len(starts) - 1 else "")
            )
        written = "".join(chunks)
        if ends[-1] == len(self.text) and not self.text.endswith("\n"):
            written = written.rstrip("\n")
        elif gap:
            written = written.rstrip("\n") + "\n"
        return starts[0], ends[-1], written

    def item_start(self, item: Place, column: int) -> int:
        """The beginning of the line with the item's dash, or of the comments that stand directly above it."""
        dash = f"{' ' * column}-"
        start = line_start(self.text, item.start)
        while not self.text.startswith(dash, start):
            if start == 0:
                raise CannotPatch("an item begins in the middle of a line")
            start = line_start(self.text, start - 1)
        while start > 0:
            above = line_start(self.text, start - 1)
            if not self.text.startswith(f"{' ' * column}#", above):
                break
            start = above
        return start

    def new_item(self, value: Any, column: int, is_flow: bool) -> str:
        pad = " " * column
        if not isinstance(value, dict) or is_flow:
            return f"{pad}- {_flow(value)}\n"
        lines = [f"{_key(key)}: {self.block_entry(item, column + 2)}" for key, item in value.items()]
        return f"{pad}- " + f"\n{pad}  ".join(lines) + "\n"

    def end_of_line_content(self, offset: int) -> int:
        """The end of the line of an offset, before its line break."""
        end = line_end(self.text, max(offset - 1, 0))
        return end - 1 if self.text[end - 1 : end] == "\n" else end


def _merged(edits: list[Edit]) -> list[Edit]:
    """Insertions at one place as one, in the order in which they were made."""
    merged: dict[tuple[int, int], str] = {}
    for start, end, text in edits:
        merged[start, end] = merged.get((start, end), "") + text
    return [(start, end, text) for (start, end), text in merged.items()]


def _same(old: Any, new: Any) -> bool:
    """Equal, and of the same kinds: 1, 1.0 and true are three things. The order of a mapping's keys says nothing."""
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all(_same(old[key], new[key]) for key in old)
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(_same, old, new))
    return type(old) is type(new) and bool(old == new)


def _identities(items: list[Any]) -> list[Any] | None:
    """What tells the items of a list apart, or None when nothing does. Equal ones are counted."""
    if not items or not all(isinstance(item, dict) for item in items):
        return None
    keys = [key for key in _IDENTITIES if all(key in item and _is_scalar(item[key]) for item in items)]
    if not keys:
        return None
    seen: dict[tuple[Any, ...], int] = {}
    identities = []
    for item in items:
        named = tuple(item[key] for key in keys)
        seen[named] = seen.get(named, 0) + 1
        identities.append((keys, *named, seen[named]))
    return [tuple(map(str, identity)) for identity in identities]


def _is_scalar(value: Any) -> bool:
    return not isinstance(value, (dict, list))


def _fits_block(text: str) -> bool:
    return text.strip(" \n") == text and all(line == line.rstrip() and "\t" not in line for line in text.split("\n"))


def _with_line_break(text: str) -> str:
    return text if text.endswith("\n") else f"{text}\n"


def _flow(value: Any, is_quoted: bool = False) -> str:
    """A value on one line, as it may stand inside brackets."""
    if isinstance(value, str) and (is_quoted or "\n" in value):
        return print_string(value)
    # A list around it makes the writer quote what brackets and commas would break.
    text = dump_yaml([value], is_flow=True).strip()
    return text[1:-1].strip() if text.startswith("[") and text.endswith("]") and "\n" not in text else _refuse()


def _refuse() -> str:
    raise CannotPatch("a value does not fit on one line")


def _key(key: str) -> str:
    return _flow(key)
