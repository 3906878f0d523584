"""Why a rule answered as it did: each comparison with its truth, and how far the value is from the limit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from governance.policy import ir
from governance.policy.interpreter import INDETERMINATE, evaluate
from governance.policy.ir_text import text_of
from governance.policy.template import unit_of
from governance.policy.types import NUMBERS
from governance.policy.wording import format_value

if TYPE_CHECKING:
    from governance.policy.policy_set import BoundRule

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


def leaves_of(rule: BoundRule, values: Mapping[str, Any]) -> tuple[Leaf, ...]:
    """The comparisons of a rule over the values that it saw.

    Args:
        values: fact to value; None or missing where the fact was absent.
    """
    present = {name: value for name, value in values.items() if value is not None}
    units = {param: "" for param in rule.params}
    leaves: dict[str, Leaf] = {}
    for named, bound in _leaf_pairs(rule.compiled.node, rule.condition):
        text = text_of(named)
        if text not in leaves and len(leaves) < LEAVES_MAX:
            leaves[text] = _leaf(text, named, bound, present, units)
    return tuple(leaves.values())


def _leaf_pairs(named: ir.Node, bound: ir.Node) -> Iterator[tuple[ir.Node, ir.Node]]:
    """The same leaf with its parameters by name and by value; binding keeps the shape of the tree."""
    if isinstance(named, (ir.And, ir.Or, ir.Not)) or (isinstance(named, ir.If)):
        for child, bound_child in zip(ir.children(named), ir.children(bound), strict=True):
            yield from _leaf_pairs(child, bound_child)
    else:
        yield named, bound


def _leaf(text: str, named: ir.Node, bound: ir.Node, present: Mapping[str, Any], units: Mapping[str, str]) -> Leaf:
    truth = _known(evaluate(bound, present))
    facts = ir.fact_names(named)
    if not isinstance(bound, ir.Compare) or bound.left.type not in NUMBERS:
        return Leaf(text=text, truth=truth, facts=facts)
    left, right = _known(evaluate(bound.left, present)), _known(evaluate(bound.right, present))
    if left is None or right is None:
        return Leaf(text=text, truth=truth, facts=facts)
    return Leaf(
        text=text,
        truth=truth,
        facts=facts,
        operator=bound.operator,
        value=left,
        limit=right,
        unit=unit_of(named, units),
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
