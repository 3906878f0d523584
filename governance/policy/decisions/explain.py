"""Why a rule answered as it did: each comparison with its truth, and how far the value is from the limit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from governance.policy.backends.interpreter import COMPARE, INDETERMINATE, evaluate
from governance.policy.bundle.template import unit_of
from governance.policy.decisions.wording import format_value
from governance.policy.facts.facts import Fact
from governance.policy.facts.facts_schema import FACTS_BY_NAME
from governance.policy.language import ir
from governance.policy.language.ir_text import text_of
from governance.policy.language.types import NUMBERS

LEAVES_MAX = 60

_SIGNS = {"<": "below", "<=": "at most", ">": "above", ">=": "at least", "==": "equal to", "!=": "other than"}


@dataclass(frozen=True, slots=True)
class Leaf:
    """One comparison of a rule.

    Attributes:
        text: the comparison as the author wrote it, named expressions written out.
        truth: True, False, or None when it could not be judged.
        facts: the facts in it.
        operator, value, limit, unit: of a numeric comparison; value on the left, limit on the right.
        distance: value minus limit, in the unit; None when not numeric. Positive means above the limit.
    """

    text: str
    truth: bool | None
    facts: tuple[str, ...]
    operator: str | None = None
    value: float | None = None
    limit: float | None = None
    unit: str = ""
    distance: float | None = None

    @property
    def sentence(self) -> str:
        """The distance in words, e.g. "6,960 USD below 25,000 USD"."""
        if self.distance is None or self.limit is None:
            return self.text
        limit = format_value(self.limit, self.unit)
        if self.distance == 0:
            return f"exactly {limit}"
        return f"{format_value(abs(self.distance), self.unit)} {'above' if self.distance > 0 else 'below'} {limit}"

    def to_json(self) -> dict[str, Any]:
        plain: dict[str, Any] = {"text": self.text, "truth": self.truth, "facts": list(self.facts)}
        if self.operator is not None:
            plain |= {
                "operator": self.operator,
                "value": self.value,
                "limit": self.limit,
                "unit": self.unit,
                "distance": self.distance,
            }
        return plain

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Leaf:
        """Read what `to_json` wrote."""
        return cls(
            text=plain["text"],
            truth=plain["truth"],
            facts=tuple(plain["facts"]),
            operator=plain.get("operator"),
            value=plain.get("value"),
            limit=plain.get("limit"),
            unit=plain.get("unit", ""),
            distance=plain.get("distance"),
        )


@dataclass(frozen=True, slots=True)
class LeafShape:
    """The part of a leaf that is the same in every decision."""

    text: str
    bound: ir.Node
    facts: tuple[str, ...]
    unit: str
    is_numeric: bool


def shapes_of(
    named: ir.Node, bound: ir.Node, units: Mapping[str, str], facts: Mapping[str, Fact] = FACTS_BY_NAME
) -> tuple[LeafShape, ...]:
    """The comparisons of a condition, each once, in source order.

    Args:
        named: the condition with parameters by name; `bound`: the same with the values of a date.
        units: unit of each parameter.
    """
    shapes: dict[str, LeafShape] = {}
    for part, bound_part in _leaf_pairs(named, bound):
        text = text_of(part)
        if text not in shapes and len(shapes) < LEAVES_MAX:
            is_numeric = isinstance(bound_part, ir.Compare) and bound_part.left.type in NUMBERS
            shapes[text] = LeafShape(text, bound_part, ir.fact_names(part), unit_of(part, units, facts), is_numeric)
    return tuple(shapes.values())


def leaves_of(shapes: Iterable[LeafShape], values: Mapping[str, Any]) -> tuple[Leaf, ...]:
    """The comparisons of a rule over the values that it saw.

    Args:
        values: fact to value; None or missing where the fact was absent.
    """
    present = {name: value for name, value in values.items() if value is not None}
    return tuple(_leaf(shape, present) for shape in shapes)


def _leaf_pairs(named: ir.Node, bound: ir.Node) -> Iterator[tuple[ir.Node, ir.Node]]:
    """The same leaf with its parameters by name and by value; binding keeps the shape of the tree."""
    if isinstance(named, (ir.And, ir.Or, ir.Not, ir.If)):
        for child, bound_child in zip(ir.children(named), ir.children(bound), strict=True):
            yield from _leaf_pairs(child, bound_child)
    else:
        yield named, bound


def _leaf(shape: LeafShape, present: Mapping[str, Any]) -> Leaf:
    if not shape.is_numeric or not isinstance(shape.bound, ir.Compare):
        return Leaf(text=shape.text, truth=_known(evaluate(shape.bound, present)), facts=shape.facts)
    left = _known(evaluate(shape.bound.left, present))
    right = _known(evaluate(shape.bound.right, present))
    if left is None or right is None:
        return Leaf(text=shape.text, truth=None, facts=shape.facts)
    return Leaf(
        text=shape.text,
        truth=COMPARE[shape.bound.operator](left, right),
        facts=shape.facts,
        operator=shape.bound.operator,
        value=left,
        limit=right,
        unit=shape.unit,
        distance=left - right,
    )


def _known(value: Any) -> Any:
    return None if value is INDETERMINATE else value


def explain_leaf(leaf: Leaf) -> str:
    """One line: what was compared, what came out, how far from the limit."""
    truth = {True: "true", False: "false", None: "cannot be judged"}[leaf.truth]
    if leaf.operator is None or leaf.value is None:
        return f"{leaf.text}: {truth}"
    value, limit = format_value(leaf.value, leaf.unit), format_value(leaf.limit, leaf.unit)
    return f"{value} is {'' if leaf.truth else 'not '}{_SIGNS[leaf.operator]} {limit}: {leaf.sentence}"
