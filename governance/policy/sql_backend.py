"""IR to the text of one SQL condition with bound parameters, for PostgreSQL: the same three values, NULL for unknown.

Values never enter the text: they are parameters, with their types written out, so that a small number is not a small
integer type. Columns are the schema's own. Where SQL parts ways with the language (a NULL in an empty list, GREATEST
that passes over NULL, an underflow that is an error, collations, a day of an interval), the text says what is meant.

The text uses `%s` for parameters, as psycopg and Django do, and holds no other percent sign.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

from governance.policy import ir
from governance.policy.facts import FactType
from governance.policy.schema import FactsSchema
from governance.policy.types import ELEMENT, Type

# How a fact's column is written, e.g. `"fact_row"."request_exposure_usd"`.
ColumnName: TypeAlias = Callable[[str], str]

_SQL_TYPES = {
    Type.BOOL: "boolean",
    Type.INT: "bigint",
    Type.DOUBLE: "float8",
    Type.STRING: "text",
    Type.TIMESTAMP: "timestamptz",
    Type.DURATION: "interval",
    Type.STRING_LIST: "text[]",
    Type.INT_LIST: "bigint[]",
    Type.DOUBLE_LIST: "float8[]",
}
# The column that the text expects for each fact.
COLUMN_TYPES = {
    FactType.DOUBLE: "float8",
    FactType.INT: "bigint",
    FactType.BOOL: "boolean",
    FactType.STRING: "text",
    FactType.ENUM: "text",
    FactType.STRING_LIST: "text[]",
    FactType.TIMESTAMP: "timestamptz",
}

# Natural logarithms of half the smallest double, which still rounds to zero, and of the largest: beyond them PostgreSQL
# raises an error where IEEE 754 has an answer.
_LN_ZERO, _LN_INFINITY = "-745.13321910194", "709.782712893384"
_PRODUCT = (
    "(SELECT CASE WHEN p.a IS NULL OR p.b IS NULL THEN NULL WHEN p.a = 0 OR p.b = 0 THEN 0::float8 "
    "WHEN LEAST(abs(p.a), abs(p.b)) < 1e-150 THEN "
    f"CASE WHEN ln(abs(p.a)) + ln(abs(p.b)) <= {_LN_ZERO} THEN 0::float8 ELSE p.a * p.b END "
    "ELSE p.a * p.b END FROM (SELECT {} AS a, {} AS b) AS p)"
)
_QUOTIENT = (
    "(SELECT CASE WHEN p.a IS NULL OR p.b IS NULL OR p.b = 0 THEN NULL WHEN p.a = 0 THEN 0::float8 "
    f"WHEN ln(abs(p.a)) - ln(abs(p.b)) <= {_LN_ZERO} THEN 0::float8 "
    f"WHEN ln(abs(p.a)) - ln(abs(p.b)) > {_LN_INFINITY} "
    "THEN CASE WHEN (p.a > 0) = (p.b > 0) THEN 'Infinity'::float8 ELSE '-Infinity'::float8 END "
    "ELSE p.a / p.b END FROM (SELECT {} AS a, {} AS b) AS p)"
)


@dataclass(frozen=True, slots=True)
class SqlCondition:
    """A piece of SQL: text with `%s`, and the values for them in order."""

    text: str
    params: tuple[Any, ...] = ()


def quoted_column(schema: FactsSchema, alias: str = "") -> ColumnName:
    """Columns by the schema's names, quoted, optionally of one table or alias."""
    prefix = f'"{alias}".' if alias else ""
    return lambda name: f'{prefix}"{schema.by_name[name].column}"'


def compile_sql(condition: ir.Node, column: ColumnName) -> SqlCondition:
    """Write a condition with bound parameters of the policy.

    The expression is TRUE where the rule fires, FALSE where it does not, NULL where it is indeterminate.
    """
    return _Writer(column).write(condition)


def _join(pattern: str, *parts: SqlCondition) -> SqlCondition:
    """Put parts where `{}` stands; their parameters follow in the same order."""
    pieces = pattern.split("{}")
    text = pieces[0] + "".join(part.text + piece for part, piece in zip(parts, pieces[1:], strict=True))
    return SqlCondition(text, tuple(value for part in parts for value in part.params))


def _may_be_null(node: ir.Node) -> bool:
    """Any fact can be missing in a row that an older schema wrote."""
    return any(isinstance(part, (ir.FactRef, ir.Absent)) for part in ir.walk(node))


class _Writer:
    def __init__(self, column: ColumnName) -> None:
        self.column = column

    def bind(self, value: Any, type: Type) -> SqlCondition:
        if isinstance(value, timedelta):
            # In seconds: a day of an interval may have 23 hours, in a zone that changes its clock.
            return SqlCondition("make_interval(secs => %s::float8)", (value.total_seconds(),))
        return SqlCondition(f"%s::{_SQL_TYPES[type]}", (list(value) if isinstance(value, tuple) else value,))

    def write(self, node: ir.Node) -> SqlCondition:
        match node:
            case ir.Const(value):
                return self.bind(value, node.type)
            case ir.Absent():
                return SqlCondition(f"NULL::{_SQL_TYPES[node.type]}")
            case ir.FactRef(name):
                return SqlCondition(self.column(name))
            case ir.ItemRef():
                return SqlCondition('"item"."value"')
            case ir.Has(name):
                return SqlCondition(f"({self.column(name)} IS NOT NULL)")
            case ir.Not(operand):
                return _join("(NOT {})", self.write(operand))
            case ir.And(operands):
                return self.logical(" AND ", operands)
            case ir.Or(operands):
                return self.logical(" OR ", operands)
            case ir.If(condition, then, otherwise):
                test = self.write(condition)
                # Neither answer where the condition is unknown.
                pattern = "(CASE WHEN {} THEN {} WHEN NOT {} THEN {} END)"
                return _join(pattern, test, self.write(then), test, self.write(otherwise))
            case ir.Compare():
                return self.compare(node)
            case ir.In(item, items):
                return self.member(item, items)
            case ir.Arithmetic():
                return self.arithmetic(node)
            case ir.Negate(operand):
                return _join("(- {})", self.write(operand))
            case ir.ToDouble(operand):
                return _join("({})::float8", self.write(operand))
            case ir.Extreme(kind, operands):
                return self.extreme(kind, operands)
            case ir.Size(operand):
                function = "cardinality" if operand.type in ELEMENT else "char_length"
                return _join(f"{function}({{}})::bigint", self.write(operand))
            case ir.TextTest():
                return self.text_test(node)
            case ir.Quantifier():
                return self.quantifier(node)
        raise AssertionError(f"no SQL for {type(node).__name__}")

    def logical(self, word: str, operands: tuple[ir.Node, ...]) -> SqlCondition:
        return _join(f"({word.join(['{}'] * len(operands))})", *(self.write(operand) for operand in operands))

    def compare(self, node: ir.Compare) -> SqlCondition:
        sign = {"==": "=", "!=": "<>"}.get(node.operator, node.operator)
        # Code point order, whatever the database's own collation is.
        collate = ' COLLATE "C"' if node.left.type is Type.STRING else ""
        return _join(f"({{}} {sign} {{}}{collate})", self.write(node.left), self.write(node.right))

    def member(self, item: ir.Node, items: ir.Node) -> SqlCondition:
        one, many = self.write(item), self.write(items)
        test = _join("({} = ANY({}))", one, many)
        # An unknown item is in no list, not even in an empty one, of which SQL would know it.
        return _join("(CASE WHEN {} IS NOT NULL THEN {} END)", one, test) if _may_be_null(item) else test

    def arithmetic(self, node: ir.Arithmetic) -> SqlCondition:
        left, right = self.write(node.left), self.write(node.right)
        if node.type is Type.TIMESTAMP:
            # A difference of instants holds days; only its seconds are meant.
            seconds = "make_interval(secs => EXTRACT(EPOCH FROM {})::float8)"
            return _join(f"({{}} {node.operator} {seconds})", left, right)
        if node.type is Type.DOUBLE and node.operator == "*" and not (_is_one_or_more(node.left, node.right)):
            return _join(_PRODUCT, left, right)
        if node.operator == "/":
            return _join(_QUOTIENT, left, right)
        return _join(f"({{}} {node.operator} {{}})", left, right)

    def extreme(self, kind: str, operands: tuple[ir.Node, ...]) -> SqlCondition:
        """GREATEST passes over NULL; here one unknown makes the answer unknown."""
        parts = [self.write(operand) for operand in operands]
        function = "GREATEST" if kind == "max" else "LEAST"
        text = _join(f"{function}({', '.join(['{}'] * len(parts))})", *parts)
        known = [part for part, operand in zip(parts, operands, strict=True) if _may_be_null(operand)]
        tests = " AND ".join(["{} IS NOT NULL"] * len(known))
        return _join(f"(CASE WHEN {tests} THEN {{}} END)", *known, text) if known else text

    def text_test(self, node: ir.TextTest) -> SqlCondition:
        text, part = self.write(node.operand), self.write(node.argument)
        if node.function == "startsWith":
            return _join("starts_with({}, {})", text, part)
        if node.function == "contains":
            return _join("(strpos({}, {}) > 0)", text, part)
        return _join("(right({}, char_length({})) = {})", text, part, part)

    def quantifier(self, node: ir.Quantifier) -> SqlCondition:
        items, body = self.write(node.list), self.write(node.body)
        decided, answer = ("bool_or(b)", "TRUE") if node.kind == "exists" else ("bool_or(NOT b)", "FALSE")
        other = "FALSE" if answer == "TRUE" else "TRUE"
        verdict = f"CASE WHEN {decided} THEN {answer} WHEN bool_or(b IS NULL) THEN NULL ELSE {other} END"
        inner = '(SELECT {} AS b FROM unnest({}) AS "item"("value")) AS "each"'
        return _join(f"(CASE WHEN {{}} IS NOT NULL THEN (SELECT {verdict} FROM {inner}) END)", items, body, items)


def _is_one_or_more(*factors: ir.Node) -> bool:
    """A factor of 1 or more never makes a product vanish."""
    return any(isinstance(factor, ir.Const) and abs(factor.value) >= 1 for factor in factors)
