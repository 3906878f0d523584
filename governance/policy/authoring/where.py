"""Where in a bundle's text an error inside one of its expressions lies."""

from __future__ import annotations

from governance.policy.authoring.text_tree import Place, Shape, line_end, read_places
from governance.policy.errors import PolicyError, Position, excerpt_with_caret


def place_in_text(text: str, error: PolicyError) -> Position | None:
    """The position in the whole text of an error that counts from the beginning of its expression.

    None when the error already counts from the beginning of the text, or the expression is not found.
    """
    _, blank, inside = error.source_name.partition(" ")
    owner, _, part = inside.rpartition(".")
    if not blank or not owner:
        return None
    root = read_places(text)
    found = _entry(root, "variables", part) if owner == "variables" else _of_rule(text, root, owner, part)
    return None if found is None else _inside(text, found, error.position)


def relocated(text: str, error: PolicyError) -> PolicyError:
    """The same error with its place in the whole text, and the line of the text with a caret."""
    try:
        position = place_in_text(text, error)
    except (LookupError, ValueError):
        position = None
    if position is not None:
        error.position = position
        error.excerpt = excerpt_with_caret(text, position)
    elif not error.excerpt and 0 < error.position.offset <= len(text) and " " not in error.source_name:
        error.excerpt = excerpt_with_caret(text, error.position)
    return error


def _entry(place: Place, *path: str) -> Place | None:
    for key in path:
        if place.shape is not Shape.MAPPING or key not in place.entries:
            return None
        place = place.entries[key][1]
    return place


def _of_rule(text: str, root: Place, rule_id: str, part: str) -> Place | None:
    parent, _, row = rule_id.partition(".")
    rules = _entry(root, "rules")
    rule = _named(text, rules, parent) if rules else None
    if rule is not None and row:
        rows = _entry(rule, "rows")
        rule = _named(text, rows, row) if rows else None
    return _entry(rule, part) if rule is not None else None


def _named(text: str, places: Place, name: str) -> Place | None:
    for item in places.items:
        own = _entry(item, "id")
        if own is not None and text[own.start : own.end].strip("\"'") == name:
            return item
    return None


def _inside(text: str, place: Place, position: Position) -> Position:
    if not place.is_block_text:
        skipped = 1 if place.style else 0
        return Position.at(text, min(place.start + skipped + position.offset, place.end))
    start = line_end(text, place.start)
    while text[start : line_end(text, start)].strip() == "" and start < place.end:
        start = line_end(text, start)
    line = text[start : line_end(text, start)]
    indent = len(line) - len(line.lstrip(" "))
    for _ in range(position.line - 1):
        start = line_end(text, start)
    return Position.at(text, min(start + indent + position.column - 1, place.end))
