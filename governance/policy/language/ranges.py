"""In which range a number of the checked tree must lie: facts are bounded by the schema, so everything is."""

from __future__ import annotations

from collections.abc import Mapping

from governance.policy.facts.facts import LIST_ITEMS_MAX, STRING_CHARS_MAX, Fact
from governance.policy.language import ir
from governance.policy.language.scope import ParamInfo
from governance.policy.language.types import DOUBLE_HIGH, INT_HIGH, INT_LOW, Interval, Type
from governance.policy.limits import LIST_PARAM_ITEMS_MAX


def range_of(node: ir.Node, facts: Mapping[str, Fact], params: Mapping[str, ParamInfo]) -> Interval:
    """The interval of a numeric node; the widest one where nothing better is known."""
    match node:
        case ir.Const(value) if isinstance(value, (int, float)):
            return Interval(value, value)
        case ir.FactRef(name):
            return _of_fact(facts[name], node.type)
        case ir.ParamRef(name):
            return _of_param(params[name], node.type)
        case ir.ToDouble(operand):
            return range_of(operand, facts, params)
        case ir.Negate(operand):
            inner = range_of(operand, facts, params)
            return Interval(-inner.high, -inner.low)
        case ir.Arithmetic(operator, left, right):
            return range_of(left, facts, params).combine(operator, range_of(right, facts, params))
        case ir.If():
            return range_of(node.then, facts, params).union(range_of(node.otherwise, facts, params))
        case ir.Extreme(kind, operands):
            ranges = [range_of(operand, facts, params) for operand in operands]
            pick = max if kind == "max" else min
            return Interval(pick(each.low for each in ranges), pick(each.high for each in ranges))
        case ir.Size():
            return Interval(0, max(LIST_ITEMS_MAX, STRING_CHARS_MAX, LIST_PARAM_ITEMS_MAX))
    return _widest(node.type)


def _widest(type: Type) -> Interval:
    return Interval(INT_LOW, INT_HIGH) if type is Type.INT else Interval(-DOUBLE_HIGH, DOUBLE_HIGH)


def _of_fact(fact: Fact, type: Type) -> Interval:
    if fact.minimum is None or fact.maximum is None:
        return _widest(type)
    return Interval(fact.minimum, fact.maximum)


def _of_param(info: ParamInfo, type: Type) -> Interval:
    numbers = [value for value in info.values if isinstance(value, (int, float)) and not isinstance(value, bool)]
    return Interval(min(numbers), max(numbers)) if numbers else _widest(type)
