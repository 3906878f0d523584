"""A rule's sentence with values in it: `{expression}` or `{expression|unit}`, checked like the rule itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from governance.policy.backends.interpreter import INDETERMINATE, evaluate
from governance.policy.decisions.wording import format_value
from governance.policy.errors import BundleError, PolicyError, Position
from governance.policy.facts.facts import Fact
from governance.policy.facts.facts_schema import FACTS_BY_NAME
from governance.policy.language import ir
from governance.policy.language.checker import check_expression
from governance.policy.language.scope import Scope

PLACEHOLDERS_MAX = 20


@dataclass(frozen=True, slots=True)
class Placeholder:
    node: ir.Node
    unit: str


@dataclass(frozen=True, slots=True)
class Template:
    """Text and placeholders, in order."""

    parts: tuple[str | Placeholder, ...]

    def bound(self, params: Mapping[str, Any]) -> Template:
        """The same with the parameters' values of one date."""
        return Template(
            tuple(
                Placeholder(ir.bind_params(part.node, params), part.unit) if isinstance(part, Placeholder) else part
                for part in self.parts
            )
        )

    def fact_names(self) -> tuple[str, ...]:
        names: dict[str, None] = {}
        for part in self.parts:
            if isinstance(part, Placeholder):
                names.update(dict.fromkeys(ir.fact_names(part.node)))
        return tuple(names)

    def param_names(self) -> tuple[str, ...]:
        names: dict[str, None] = {}
        for part in self.parts:
            if isinstance(part, Placeholder):
                names.update(dict.fromkeys(ir.param_names(part.node)))
        return tuple(names)

    def render(self, values: Mapping[str, Any]) -> str:
        """The sentence over a facts mapping; an absent value reads "unknown"."""
        present = {name: value for name, value in values.items() if value is not None}
        pieces: list[str] = []
        for part in self.parts:
            if isinstance(part, str):
                pieces.append(part)
                continue
            value = evaluate(part.node, present)
            pieces.append(format_value(None if value is INDETERMINATE else value, part.unit))
        return "".join(pieces)


def parse_template(text: str, scope: Scope, units: Mapping[str, str]) -> Template:
    """Read a sentence; `{{` and `}}` are literal braces.

    Args:
        units: unit of each parameter, by name.

    Raises:
        PolicyError: a brace that is not closed, or an expression that does not check; position in `text`.
    """
    parts: list[str | Placeholder] = []
    literal: list[str] = []
    offset = 0
    while offset < len(text):
        pair = text[offset : offset + 2]
        if pair in ("{{", "}}"):
            literal.append(pair[0])
            offset += 2
        elif text[offset] == "{":
            end = text.find("}", offset)
            if end < 0:
                raise _refuse(text, offset, "the brace is never closed")
            parts.append("".join(literal))
            literal = []
            parts.append(_placeholder(text, offset + 1, end, scope, units))
            offset = end + 1
        elif text[offset] == "}":
            raise _refuse(text, offset, "a brace without its beginning; write `}}`")
        else:
            literal.append(text[offset])
            offset += 1
    parts.append("".join(literal))
    if len(parts) > 2 * PLACEHOLDERS_MAX + 1:
        raise _refuse(text, 0, f"a message has at most {PLACEHOLDERS_MAX} values")
    return Template(tuple(part for part in parts if part != ""))


def _refuse(text: str, offset: int, message: str) -> BundleError:
    return BundleError(message, position=Position.at(text, offset), source=text)


def _placeholder(text: str, start: int, end: int, scope: Scope, units: Mapping[str, str]) -> Placeholder:
    inside = text[start:end]
    # `||` is an operator of the language, a single bar is not.
    expression, bar, unit = inside.rpartition("|")
    if not bar or expression.endswith("|") or not unit.strip().isidentifier():
        expression, unit = inside, ""
    try:
        checked = check_expression(expression, scope)
        node = checked.node
        if checked.text != expression:
            raise BundleError("write the words that are meant in a message", suggestion=checked.text)
        if scope.vocabulary is not None and unit.strip() and not scope.vocabulary.knows_unit(unit.strip()):
            near = scope.vocabulary.nearest_unit(unit.strip())
            raise BundleError(f"`{unit.strip()[:40]}` is not a known unit", suggestion=near)
    except PolicyError as error:
        position = Position.at(text, start + error.position.offset)
        raise BundleError(error.message, position=position, source=text, suggestion=error.suggestion) from None
    return Placeholder(node=node, unit=unit.strip() or unit_of(node, units, scope.facts))


def unit_of(node: ir.Node, units: Mapping[str, str], facts: Mapping[str, Fact] = FACTS_BY_NAME) -> str:
    """The unit of a number: that of the first fact or parameter in it."""
    for part in ir.walk(node):
        if isinstance(part, ir.FactRef):
            return facts[part.name].unit
        if isinstance(part, ir.ParamRef):
            return units.get(part.name, "")
    return ""
