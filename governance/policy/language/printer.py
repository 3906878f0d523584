"""A tree back to text: one canonical spelling, with no bracket that is not needed. `parse(print(tree)) == tree`."""

from __future__ import annotations

from governance.policy.language import ast
from governance.policy.language.ast import Expression
from governance.policy.language.parser import PRECEDENCE

_CONDITIONAL, _UNARY, _MEMBER = 0, 6, 7

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def print_expression(expression: Expression) -> str:
    """Write a tree in the canonical spelling; formatting and comments of the source are gone."""
    return _print(expression, _CONDITIONAL)


def print_string(value: str) -> str:
    """A string as a double-quoted literal in printable characters."""
    return '"' + "".join(_ESCAPES.get(char) or _printable(char) for char in value) + '"'


def _printable(char: str) -> str:
    if char.isprintable():
        return char
    return f"\\u{ord(char):04x}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08x}"


def _wrap(text: str, precedence: int, context: int) -> str:
    return f"({text})" if precedence < context else text


def _print(expression: Expression, context: int) -> str:
    """Text of a tree where only operators of precedence `context` or above go without brackets."""
    match expression:
        case ast.Literal():
            # `-1.field` would read as -(1.field).
            is_negative = isinstance(expression.value, (int, float)) and str(expression.value).startswith("-")
            return _wrap(_literal(expression), _UNARY if is_negative else _MEMBER, context)
        case ast.Name(name):
            return name
        case ast.Select(operand, field):
            return f"{_print(operand, _MEMBER)}.{field if field.isidentifier() else f'`{field}`'}"
        case ast.Index(operand, key):
            return f"{_print(operand, _MEMBER)}[{_print(key, _CONDITIONAL)}]"
        case ast.Call(function, arguments, target):
            head = "" if target is None else f"{_print(target, _MEMBER)}."
            return f"{head}{function}({_join(arguments)})"
        case ast.Unary(operator, operand):
            inner = _print(operand, _UNARY)
            # `--1` and `-1` after a minus are kept apart from a negative literal by brackets.
            if operator == "-" and (inner.startswith("-") or _is_number(operand)):
                inner = f"({inner})"
            return _wrap(f"{operator}{inner}", _UNARY, context)
        case ast.Binary(operator, left, right):
            precedence = PRECEDENCE[operator]
            text = f"{_print(left, precedence)} {operator} {_print(right, precedence + 1)}"
            return _wrap(text, precedence, context)
        case ast.Logical(operator, operands):
            precedence = PRECEDENCE[operator]
            text = f" {operator} ".join(_print(operand, precedence + 1) for operand in operands)
            return _wrap(text, precedence, context)
        case ast.Conditional(condition, then, otherwise):
            text = f"{_print(condition, 1)} ? {_print(then, 1)} : {_print(otherwise, _CONDITIONAL)}"
            return _wrap(text, _CONDITIONAL, context)
        case ast.ListOf(items):
            return f"[{_join(items)}]"
        case ast.MapOf(pairs):
            inside = ", ".join(f"{_print(key, _CONDITIONAL)}: {_print(value, _CONDITIONAL)}" for key, value in pairs)
            return f"{{{inside}}}"


def _join(items: tuple[Expression, ...]) -> str:
    return ", ".join(_print(item, _CONDITIONAL) for item in items)


def _is_number(expression: Expression) -> bool:
    return isinstance(expression, ast.Literal) and expression.kind in ("int", "double")


def _literal(literal: ast.Literal) -> str:
    value = literal.value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return 'b"' + "".join(f"\\x{byte:02x}" for byte in value) + '"'
    if isinstance(value, str):
        return print_string(value)
    if isinstance(value, float):
        return _double(value)
    return f"{value}u" if literal.kind == "uint" else str(value)


def _double(value: float) -> str:
    """Shortest text that reads back as the same double, always recognisable as a double."""
    text = repr(value).replace("e+", "e")
    return text if any(mark in text for mark in ".e") else f"{text}.0"
