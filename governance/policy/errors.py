"""What the policy library refuses with, always with a place to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a text. Line and column count from 1, the offset from 0."""

    offset: int
    line: int
    column: int

    @classmethod
    def at(cls, text: str, offset: int) -> Position:
        """Find line and column of an offset; an offset past the end is the end."""
        offset = max(0, min(offset, len(text)))
        line_start = text.rfind("\n", 0, offset) + 1
        return cls(offset=offset, line=text.count("\n", 0, offset) + 1, column=offset - line_start + 1)


START = Position(offset=0, line=1, column=1)

# A caret under a very long line helps nobody; the excerpt keeps this much on each side.
EXCERPT_CHARS_EACH_SIDE = 60


def excerpt_with_caret(text: str, position: Position) -> str:
    """Two lines: the source around the position, and a caret under it."""
    line_start = position.offset - position.column + 1
    line_end = text.find("\n", position.offset)
    line_end = len(text) if line_end < 0 else line_end
    left = max(line_start, position.offset - EXCERPT_CHARS_EACH_SIDE)
    right = min(line_end, position.offset + EXCERPT_CHARS_EACH_SIDE)
    head = "…" if left > line_start else ""
    tail = "…" if right < line_end else ""
    source = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text[left:right])
    return f"{head}{source}{tail}\n{' ' * (len(head) + position.offset - left)}^"


class PolicyError(Exception):
    """A rule, bundle or fact that the library refuses.

    Attributes:
        code: stable snake_case name of the refusal.
        message: one lower-case sentence with the author's own words in backticks.
        position: where in `source_name` (always present; the start when the whole text is meant).
        suggestion: what the author most likely meant, or None.
        excerpt: the source line with a caret, or "".
        field: the fact or bundle field concerned, or None.
        data: plain values for machines.
    """

    code = "policy_error"

    def __init__(
        self,
        message: str,
        *,
        position: Position = START,
        source: str = "",
        source_name: str = "",
        suggestion: str | None = None,
        field: str | None = None,
        data: dict[str, Any] | None = None,
    ) -> None:
        self.message = message
        self.position = position
        self.suggestion = suggestion
        self.source_name = source_name
        self.field = field
        self.data = data or {}
        self.excerpt = excerpt_with_caret(source, position) if source else ""
        super().__init__(message)

    def __str__(self) -> str:
        where = f"{self.source_name}:" if self.source_name else ""
        hint = f"; did you mean `{self.suggestion}`?" if self.suggestion else ""
        text = f"{where}{self.position.line}:{self.position.column}: {self.message}{hint}"
        return f"{text}\n{self.excerpt}" if self.excerpt else text

    def to_json(self) -> dict[str, Any]:
        """Plain values for the editor, the API and `--json` output."""
        return {
            "code": self.code,
            "message": self.message,
            "line": self.position.line,
            "column": self.position.column,
            "offset": self.position.offset,
            "suggestion": self.suggestion,
            "excerpt": self.excerpt,
            "source": self.source_name,
            "field": self.field,
            "data": self.data,
        }


class ExpressionSyntaxError(PolicyError):
    """The text is not an expression of the language."""

    code = "expression_syntax"


class ExpressionTypeError(PolicyError):
    """The expression is well formed but means nothing over the facts."""

    code = "expression_type"


class LimitExceeded(PolicyError):
    """The text is larger, deeper or dearer than a rule may be."""

    code = "policy_limit_exceeded"


class BundleError(PolicyError):
    """A bundle that is not one, or that contradicts itself."""

    code = "bundle_invalid"


class FactError(PolicyError):
    """A fact that is unknown, missing, of the wrong type or out of range."""

    code = "fact_invalid"
