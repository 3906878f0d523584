"""YAML text to plain values with their places, for texts that nobody has to trust.

A subset: mappings with text keys, lists, plain and quoted scalars. No tags, no anchors, no aliases, one document, no
key twice. Scalars are read by the few rules below, not by YAML 1.1's, under which `no` is false and `1e25` is text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

import yaml

from governance.display.numbers import count
from governance.policy.errors import BundleError, LimitExceeded, Position
from governance.policy.limits import BUNDLE_BYTES_MAX, BUNDLE_DEPTH_MAX, BUNDLE_NODES_MAX

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Dumper = yaml.SafeDumper
# The loader makes exactly these classes; looking one up in a set is much cheaper than asking for each.
_VALUE_EVENTS = frozenset((yaml.ScalarEvent, yaml.SequenceStartEvent, yaml.MappingStartEvent, yaml.AliasEvent))

_ONE_LINE = 10_000_000
# NUL and halves of surrogate pairs: no database keeps them.
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_INT = re.compile(r"[+-]?\d{1,18}")
_FLOAT = re.compile(r"[+-]?(?:\d+\.\d*|\.\d+|\d+(?=[eE]))(?:[eE][+-]?\d{1,3})?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_WORDS: dict[str, Any] = {"null": None, "~": None, "": None, "true": True, "false": False}


@dataclass(slots=True)
class Located:
    """A value and where it was written. `value` is a scalar, a list of Located, or a dict of text to Located."""

    value: Any
    position: Position

    def plain(self) -> Any:
        """The value without places."""
        if isinstance(self.value, dict):
            return {key: item.plain() for key, item in self.value.items()}
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        return self.value


def read_scalar(text: str) -> Any:
    """What an unquoted scalar means."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _DATE.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            return text
    return text


def load_yaml(text: str, source_name: str = "") -> Located:
    """Read one document.

    Raises:
        LimitExceeded: larger, longer or deeper than a bundle may be.
        BundleError: not YAML, or YAML outside the subset; with line and column.
    """
    size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    if size > BUNDLE_BYTES_MAX:
        raise LimitExceeded(
            f"a bundle has at most {count(BUNDLE_BYTES_MAX)} bytes, this one {count(size)}", source_name=source_name
        )
    _refuse_characters(text, source_name)
    return _Reader(text, source_name).read()


def _refuse_characters(text: str, source_name: str) -> None:
    bad = _NO_TEXT.search(text)
    if bad:
        raise BundleError(
            "the text holds NUL or half of a surrogate pair",
            position=Position.at(text, bad.start()),
            source_name=source_name,
        )


class _Reader:
    """Builds values from parser events, so that nothing larger than the limits is ever built."""

    def __init__(self, text: str, source_name: str) -> None:
        self.text = text
        self.source_name = source_name
        self.nodes = 0

    def refuse(self, message: str, mark: Any) -> BundleError:
        position = _position(mark)
        return BundleError(message, position=position, source=self.text, source_name=self.source_name)

    def read(self) -> Located:
        loader = _Loader(self.text)
        try:
            return self._document(loader)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            problem = getattr(error, "problem", None) or "cannot be read"
            raise BundleError(
                f"not YAML: {problem}",
                position=_position(mark) if mark else Position(0, 1, 1),
                source=self.text if mark else "",
                source_name=self.source_name,
            ) from None
        finally:
            loader.dispose()

    def _document(self, loader: Any) -> Located:
        root: Located | None = None
        # Open containers, innermost last, each with the key that waits for its value.
        stack: list[tuple[Located, list[str]]] = []
        while True:
            event = loader.get_event()
            kind = type(event)
            if kind not in _VALUE_EVENTS:
                if kind is yaml.StreamEndEvent:
                    break
                if kind is yaml.DocumentStartEvent and root is not None:
                    raise self.refuse("one document per bundle", event.start_mark)
                if kind is yaml.SequenceEndEvent or kind is yaml.MappingEndEvent:
                    stack.pop()
                continue
            located = self._node(event, len(stack))
            if not stack:
                root = located
            else:
                self._attach(stack[-1], located, event)
            if kind is not yaml.ScalarEvent:
                stack.append((located, []))
        if root is None:
            raise BundleError("the bundle is empty", source_name=self.source_name)
        return root

    def _node(self, event: Any, depth: int) -> Located:
        self.nodes += 1
        if self.nodes > BUNDLE_NODES_MAX:
            raise self._limit(f"a bundle has at most {count(BUNDLE_NODES_MAX)} values", event)
        if depth >= BUNDLE_DEPTH_MAX:
            raise self._limit(f"a bundle nests at most {BUNDLE_DEPTH_MAX} deep", event)
        kind = type(event)
        if kind is yaml.AliasEvent or event.anchor is not None:
            raise self.refuse("anchors and aliases are not allowed", event.start_mark)
        if event.tag is not None:
            raise self.refuse(f"tags are not allowed, found `{event.tag[:40]}`", event.start_mark)
        position = _position(event.start_mark)
        if kind is yaml.ScalarEvent:
            is_plain = event.style in (None, "")
            if event.style == '"' and _NO_TEXT.search(event.value):
                raise self.refuse("an escape stands for NUL or half of a surrogate pair", event.start_mark)
            return Located(read_scalar(event.value) if is_plain else event.value, position)
        return Located([] if kind is yaml.SequenceStartEvent else {}, position)

    def _limit(self, message: str, event: Any) -> LimitExceeded:
        return LimitExceeded(
            message, position=_position(event.start_mark), source=self.text, source_name=self.source_name
        )

    def _attach(self, parent: tuple[Located, list[str]], child: Located, event: Any) -> None:
        container, waiting_key = parent
        if waiting_key:
            container.value[waiting_key.pop()] = child
        elif type(container.value) is list:
            container.value.append(child)
        elif type(event) is not yaml.ScalarEvent or not event.value:
            raise self.refuse("a key is a text", event.start_mark)
        elif event.value in container.value:
            raise self.refuse(f"the key `{event.value[:60]}` is there twice", event.start_mark)
        else:
            # Keys are always texts, however they look. The placeholder keeps the order of the file.
            container.value[event.value] = Located(None, child.position)
            waiting_key.append(event.value)


def _position(mark: Any) -> Position:
    return Position(offset=mark.index, line=mark.line + 1, column=mark.column + 1)


class _PlainDumper(_Dumper):
    """Writes what `load_yaml` reads back to the same value, in the order given."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: _PlainDumper, value: str) -> yaml.ScalarNode:
    style = None
    if "\n" in value:
        # Where white space at an end of a line would be lost or folded, escapes keep it, on one line.
        fits = value.strip(" ") == value and all(line == line.rstrip() for line in value.split("\n"))
        style = "|" if fits else '"'
    elif not isinstance(read_scalar(value), str):
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


def _represent_float(dumper: _PlainDumper, value: float) -> yaml.ScalarNode:
    # The writer knows 1.0e+25 as a number, and would put a tag on 1e25.
    text = repr(value)
    if "." not in text:
        text = text.replace("e", ".0e") if "e" in text else f"{text}.0"
    return dumper.represent_scalar("tag:yaml.org,2002:float", text)


_PlainDumper.add_representer(str, _represent_text)
_PlainDumper.add_representer(float, _represent_float)


def dump_yaml(plain: Any, *, is_flow: bool = False) -> str:
    """Write plain values as YAML that people like to read in a diff.

    Whole doubles keep their point, texts over several lines stay readable, nothing is sorted.

    Args:
        is_flow: everything on one line, in brackets.
    """
    return yaml.dump(
        plain,
        Dumper=_PlainDumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=is_flow,
        width=_ONE_LINE if is_flow else 110,
    )
