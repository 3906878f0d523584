"""What the parts of a checked expression stand for: from which closed set a text is, and what a number counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from governance.policy.facts.units import COUNT, FACT_UNITS, Unit, read_unit
from governance.policy.language import ir
from governance.policy.language.ast import Span
from governance.policy.language.scope import Scope
from governance.policy.language.types import Type


@dataclass(frozen=True, slots=True)
class Word:
    """A text that somebody wrote: in the expression, or as a value of a parameter that stands there."""

    text: str
    span: Span
    param: str = ""


class UnitMismatch(Exception):
    """Two parts that do not count the same."""

    def __init__(self, left: Unit, right: Unit) -> None:
        super().__init__(f"{left.text} and {right.text}")
        self.left = left
        self.right = right


class Meanings:
    """Answers about nodes of one expression while it is checked.

    Attributes:
        items: name of a quantifier's item to the list that it walks.
        item_spans: span of a list literal to those of its items, so that a refusal points at the word.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.items: dict[str, ir.Node] = {}
        self.item_spans: dict[Span, tuple[Span, ...]] = {}

    # -- texts

    def facts_of(self, node: ir.Node) -> Iterator[str]:
        """Facts whose word the node is, or whose list it is an item of."""
        match node:
            case ir.FactRef(name):
                yield name
            case ir.ItemRef(name) if name in self.items:
                yield from self.facts_of(self.items[name])
            case ir.If(_, then, otherwise):
                yield from self.facts_of(then)
                yield from self.facts_of(otherwise)

    def words_of(self, node: ir.Node) -> Iterator[Word]:
        """Texts that the node may come to, as far as they are written down."""
        match node:
            case ir.Const(str() as text):
                yield Word(text, node.span)
            case ir.Const(tuple() as texts) if node.type is Type.STRING_LIST:
                spans = self.item_spans.get(node.span, ()) if self.scope.vocabulary is not None else ()
                for index, text in enumerate(texts):
                    yield Word(text, spans[index] if index < len(spans) else node.span)
            case ir.ParamRef(name):
                for value in self.scope.params[name].values:
                    for text in value if isinstance(value, (tuple, list)) else (value,):
                        if isinstance(text, str):
                            yield Word(text, node.span, name)
            case ir.ItemRef(name) if name in self.items:
                yield from self.words_of(self.items[name])
            case ir.If(_, then, otherwise):
                yield from self.words_of(then)
                yield from self.words_of(otherwise)

    # -- numbers

    def unit_of(self, node: ir.Node) -> Unit | None:
        """What a number counts; None for a literal and for a parameter without a unit.

        Raises:
            UnitMismatch: two parts of the node do not go together.
        """
        match node:
            case ir.FactRef(name):
                return self.named(FACT_UNITS.get(name, self.scope.facts[name].unit))
            case ir.ParamRef(name):
                return self.named(self.scope.params[name].unit)
            case ir.ItemRef(name) if name in self.items:
                return self.unit_of(self.items[name])
            case ir.Negate(operand) | ir.ToDouble(operand):
                return self.unit_of(operand)
            case ir.Size():
                return COUNT
            case ir.If(_, then, otherwise):
                return together(self.unit_of(then), self.unit_of(otherwise))
            case ir.Extreme(_, operands):
                found: Unit | None = None
                for operand in operands:
                    found = together(found, self.unit_of(operand))
                return found
            case ir.Arithmetic(operator, left, right) if node.type in (Type.INT, Type.DOUBLE):
                one, two = self.unit_of(left), self.unit_of(right)
                if operator in ("+", "-"):
                    return together(one, two)
                if one is None:
                    return None if two is None else two.inverse() if operator == "/" else two.times(None, operator)
                return one.times(two, operator)
        return None

    def named(self, text: str) -> Unit | None:
        vocabulary = self.scope.vocabulary
        return read_unit(text, vocabulary.own_units if vocabulary else ()) if text else None


def together(one: Unit | None, other: Unit | None) -> Unit | None:
    """The unit of two numbers that are compared, added or chosen between.

    Raises:
        UnitMismatch: they do not go together.
    """
    if one is None or other is None:
        return one or other
    if not one.fits(other):
        raise UnitMismatch(one, other)
    # A count is the vaguer of the two.
    return other if one.is_count or one.scale is None else one
