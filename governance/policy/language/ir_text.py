"""IR back to the text of an expression, named expressions written out. `check(text) == node` again."""

from __future__ import annotations

from datetime import datetime, timedelta

from governance.policy.facts.facts import timestamp_to_text
from governance.policy.language import ast, ir
from governance.policy.language.printer import print_expression
from governance.policy.language.types import Type

_LITERAL_KINDS = {Type.BOOL: "bool", Type.INT: "int", Type.DOUBLE: "double", Type.STRING: "string"}


def text_of(node: ir.Node) -> str:
    """The canonical text of a checked expression."""
    return print_expression(_tree(node))


def _name(dotted: str) -> ast.Expression:
    head, *rest = dotted.split(".")
    tree: ast.Expression = ast.Name(head)
    for part in rest:
        tree = ast.Select(tree, part)
    return tree


def _constant(value: object, type: Type) -> ast.Expression:
    if isinstance(value, datetime):
        return ast.Call("timestamp", (ast.Literal("string", timestamp_to_text(value)),))
    if isinstance(value, timedelta):
        return ast.Call("duration", (ast.Literal("string", f"{value // timedelta(seconds=1)}s"),))
    if isinstance(value, tuple):
        return ast.ListOf(tuple(_constant(item, _element(item)) for item in value))
    if isinstance(value, (bool, int, float, str)):
        return ast.Literal(_LITERAL_KINDS[type], value)
    raise TypeError(f"no text for a constant {type}")


def _element(item: object) -> Type:
    return {str: Type.STRING, float: Type.DOUBLE, int: Type.INT, bool: Type.BOOL}[type(item)]


def _tree(node: ir.Node) -> ast.Expression:
    match node:
        case ir.Const(value, type):
            return _constant(value, type)
        case ir.FactRef(name):
            return _name(name)
        case ir.ParamRef(name):
            return _name(f"params.{name}")
        case ir.ItemRef(name):
            return ast.Name(name)
        case ir.Has(name):
            return ast.Call("has", (_name(name),))
        case ir.Not(operand):
            return ast.Unary("!", _tree(operand))
        case ir.Negate(operand):
            return ast.Unary("-", _tree(operand))
        case ir.And(operands):
            return ast.Logical("&&", tuple(map(_tree, operands)))
        case ir.Or(operands):
            return ast.Logical("||", tuple(map(_tree, operands)))
        case ir.If(condition, then, otherwise):
            return ast.Conditional(_tree(condition), _tree(then), _tree(otherwise))
        case ir.Compare(operator, left, right) | ir.Arithmetic(operator, left, right):
            return ast.Binary(operator, _tree(left), _tree(right))
        case ir.In(item, items):
            return ast.Binary("in", _tree(item), _tree(items))
        case ir.Extreme(kind, operands):
            return ast.Call(kind, tuple(map(_tree, operands)))
        case ir.ToDouble(operand):
            return ast.Call("double", (_tree(operand),))
        case ir.Size(operand):
            return ast.Call("size", (_tree(operand),))
        case ir.TextTest(function, operand, argument):
            return ast.Call(function, (_tree(argument),), _tree(operand))
        case ir.Quantifier(kind, items, item, body):
            return ast.Call(kind, (ast.Name(item), _tree(body)), _tree(items))
    return ast.Literal("null", None)
