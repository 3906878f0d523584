"""What is certain about the facts once a condition turned out true, or false: the proof behind `has(x) && x > 1`."""

from __future__ import annotations

from dataclasses import dataclass

from governance.policy.language import ir


@dataclass(frozen=True, slots=True)
class Known:
    """Facts that are certainly there, and numeric facts that are certainly not zero."""

    present: frozenset[str]
    nonzero: frozenset[str]

    def __or__(self, other: Known) -> Known:
        return Known(self.present | other.present, self.nonzero | other.nonzero)

    def __and__(self, other: Known) -> Known:
        return Known(self.present & other.present, self.nonzero & other.nonzero)


_NOTHING = Known(frozenset(), frozenset())


def _union(parts: list[Known]) -> Known:
    known = _NOTHING
    for part in parts:
        known = known | part
    return known


def _common(parts: list[Known]) -> Known:
    known = parts[0]
    for part in parts[1:]:
        known = known & part
    return known


def known_when_true(node: ir.Node) -> Known:
    """What holds wherever this condition is true."""
    match node:
        case ir.Has(name):
            return Known(frozenset((name,)), frozenset())
        case ir.And(operands):
            return _union([known_when_true(operand) for operand in operands])
        case ir.Or(operands):
            return _common([known_when_true(operand) for operand in operands])
        case ir.Not(operand):
            return known_when_false(operand)
        case ir.If(condition, then, ir.Const(False)):
            return known_when_true(condition) | known_when_true(then)
        case ir.Compare(operator, left, right):
            return _nonzero(operator, left, right)
    return _NOTHING


def known_when_false(node: ir.Node) -> Known:
    """What holds wherever this condition is false."""
    match node:
        case ir.Or(operands):
            return _union([known_when_false(operand) for operand in operands])
        case ir.And(operands):
            return _common([known_when_false(operand) for operand in operands])
        case ir.Not(operand):
            return known_when_true(operand)
        case ir.Compare(operator, left, right):
            return _nonzero(_OPPOSITE[operator], left, right)
    return _NOTHING


_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_MIRRORED = {"==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}


def _nonzero(operator: str, left: ir.Node, right: ir.Node) -> Known:
    """`x > 0.0`, `0.0 < x`, `x != 0.0`, `x < -1.0`: all keep x off zero."""
    if isinstance(left, ir.Const) and isinstance(right, ir.FactRef):
        operator, left, right = _MIRRORED[operator], right, left
    if not (isinstance(left, ir.FactRef) and isinstance(right, ir.Const)):
        return _NOTHING
    value = right.value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return _NOTHING
    excludes_zero = {
        "!=": value == 0,
        "==": value != 0,
        ">": value >= 0,
        ">=": value > 0,
        "<": value <= 0,
        "<=": value < 0,
    }[operator]
    return Known(frozenset(), frozenset((left.name,))) if excludes_zero else _NOTHING
