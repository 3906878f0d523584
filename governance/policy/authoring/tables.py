"""A table of rules as a grid: columns are facts, rows are rules, cells are tests. Back to rules, row by row.

A row's condition is a chain of tests joined by `&&`. Each test of one fact against one value, list or parameter goes
into the fact's cell; what is not of that form stays together as text beside the cells. A row that nobody edits keeps
its condition as it was written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from governance.policy.authoring.edits import find_rule, ungrouped
from governance.policy.bundle.bundle_model import Bundle, Rule
from governance.policy.bundle.fields import RULE_ID
from governance.policy.errors import BundleError, PolicyError
from governance.policy.language import ast
from governance.policy.language.checker import check_expression
from governance.policy.language.lexer import RESERVED
from governance.policy.language.parser import parse
from governance.policy.language.printer import print_expression, print_string
from governance.policy.language.scope import Scope
from governance.policy.language.types import ELEMENT, NUMBERS, Type

ROWS_MAX = 24
COLUMNS_MAX = 12
TESTS_MAX = 3
OPERAND_CHARS_MAX = 400

NUMBER_TESTS = ("<", "<=", "==", "!=", ">=", ">")
TEXT_TESTS = ("==", "!=", "in", "not in")
LIST_TESTS = ("contains", "lacks")
BOOL_TESTS = ("yes", "no")
PRESENCE_TESTS = ("known", "absent")
WITHOUT_OPERAND = (*BOOL_TESTS, *PRESENCE_TESTS)

WORDS = {
    "<": "below", "<=": "at most", "==": "is", "!=": "is not", ">=": "at least", ">": "above", "in": "one of",
    "not in": "none of", "contains": "contains", "lacks": "lacks", "yes": "yes", "no": "no", "known": "is known",
    "absent": "is absent",
}  # fmt: skip
_MIRRORED = {"==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}


@dataclass(frozen=True, slots=True)
class CellTest:
    """One test of one fact: `operator` of WORDS, `operand` as it is typed: a number, words with commas, `params.x`."""

    operator: str
    operand: str = ""

    def in_words(self, params: Mapping[str, str]) -> str:
        """The test as people read it.

        Args:
            params: parameters' values in words, by name.
        """
        name = self.operand.removeprefix("params.")
        operand = params.get(name, self.operand) if name != self.operand else self.operand
        return f"{WORDS[self.operator]} {operand}".strip()


@dataclass(frozen=True, slots=True)
class Column:
    """One fact, or named expression, that some row tests.

    Attributes:
        name: as rules write it.
        choices: known values of a text.
    """

    name: str
    type: Type
    unit: str = ""
    choices: tuple[str, ...] = ()
    is_optional: bool = False

    @property
    def operators(self) -> tuple[str, ...]:
        own: tuple[str, ...]
        if self.type in NUMBERS:
            own = NUMBER_TESTS
        elif self.type is Type.BOOL:
            own = BOOL_TESTS
        elif self.type in ELEMENT:
            own = LIST_TESTS
        else:
            own = TEXT_TESTS
        return (*own, *PRESENCE_TESTS) if self.is_optional else own

    @property
    def words(self) -> str:
        namespace, _, field_name = self.name.partition(".")
        return (
            field_name.replace("_", " ") if namespace == "variables" else self.name.replace("_", " ").replace(".", ": ")
        )


@dataclass(frozen=True, slots=True)
class Row:
    """One rule of a table.

    Attributes:
        rule: the rule as it stands; for a new row a copy of another one with its own id.
        cells: tests by column; a column that is not there is "any".
        rest: what is no test of one fact, as text; "" when there is none.
    """

    rule: Rule
    cells: Mapping[str, tuple[CellTest, ...]]
    rest: str = ""
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    parent: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...] = field(default_factory=tuple)


def table_names(bundle: Bundle) -> tuple[str, ...]:
    """The tables of a bundle, in the order of the file."""
    return tuple(dict.fromkeys(rule.parent for rule in bundle.rules if rule.row))


def read_table(bundle: Bundle, parent: str) -> Table:
    """A stored table as a grid.

    Raises:
        BundleError: the bundle has no such table.
    """
    rules = [rule for rule in bundle.rules if rule.parent == parent and rule.row]
    if not rules:
        raise BundleError(f"`{parent}` is no table", field="rules")
    scope = bundle.scope()
    rows = [_read_row(rule, scope) for rule in rules]
    names = list(dict.fromkeys(name for row in rows for name in row.cells))
    columns = [column_of(bundle, name) for name in names[:COLUMNS_MAX]]
    kept = {column.name for column in columns}
    if len(names) > len(kept):
        # In one line: a form gives line breaks back as others.
        rows = [
            row if set(row.cells) <= kept else Row(row.rule, {}, print_expression(parse(row.rule.when))) for row in rows
        ]
    return Table(parent, rules[0].parent_title, tuple(columns), tuple(rows))


def column_of(bundle: Bundle, name: str) -> Column:
    """What a column may hold.

    Raises:
        PolicyError: unknown fact or named expression.
    """
    return _column(name, bundle.scope())


def _column(name: str, scope: Scope) -> Column:
    checked = check_expression(name, scope)
    fact = scope.facts.get(name)
    if fact is None:
        return Column(name, checked.node.type)
    return Column(name, checked.node.type, fact.unit, fact.choices, fact.optional)


# -- a condition to cells


def _read_row(rule: Rule, scope: Scope) -> Row:
    cells: dict[str, list[CellTest]] = {}
    rest: list[ast.Expression] = []
    tree = parse(rule.when)
    parts = tree.operands if isinstance(tree, ast.Logical) and tree.operator == "&&" else (tree,)
    known = {name for part in parts if (name := _presence(part)) is not None}
    tested: set[str] = set()
    for part in parts:
        if _presence(part) is not None:
            continue
        read = _read_test(part, scope)
        is_guarded = read is not None and (
            read[0] in known or read[1].operator == "absent" or not _is_optional(read[0], scope)
        )
        if read is None or not is_guarded or len(cells.get(read[0], ())) >= TESTS_MAX or not _fits_cell(*read, scope):
            rest.append(part)
            continue
        cells.setdefault(read[0], []).append(read[1])
        tested.add(read[0])
    # A guard that no test of its own follows is a test by itself, or belongs to what is not in cells.
    for part in parts:
        name = _presence(part)
        if name is not None and name not in tested:
            if any(name in _names(other) for other in rest) or not _fits_cell(name, CellTest("known"), scope):
                rest.insert(0, part)
            else:
                cells.setdefault(name, []).append(CellTest("known"))
    text = " && ".join(_operand_of_and(part) for part in rest)
    return Row(rule, {name: tuple(tests) for name, tests in cells.items()}, text)


def _operand_of_and(part: ast.Expression) -> str:
    text = print_expression(part)
    is_loose = isinstance(part, ast.Conditional) or (isinstance(part, ast.Logical) and part.operator == "||")
    return f"({text})" if is_loose else text


def _presence(part: ast.Expression) -> str | None:
    """The fact of `has(fact)`."""
    if isinstance(part, ast.Call) and part.function == "has" and part.target is None and len(part.arguments) == 1:
        return ast.dotted_name(part.arguments[0])
    return None


def _is_optional(name: str, scope: Scope) -> bool:
    fact = scope.facts.get(name)
    return fact is not None and fact.optional


def _names(part: ast.Expression) -> str:
    return print_expression(part)


def _column_name(part: ast.Expression, scope: Scope) -> str | None:
    name = ast.dotted_name(part) if isinstance(part, (ast.Name, ast.Select)) else None
    if name is None:
        return None
    is_variable = name.startswith("variables.") and name.removeprefix("variables.") in scope.variables
    return name if name in scope.facts or is_variable else None


def _read_test(part: ast.Expression, scope: Scope) -> tuple[str, CellTest] | None:
    match part:
        case ast.Name() | ast.Select():
            name = _column_name(part, scope)
            return (name, CellTest("yes")) if name else None
        case ast.Unary("!", operand):
            absent = _presence(operand)
            if absent is not None:
                return absent, CellTest("absent")
            inner = _read_test(operand, scope)
            opposite = {"yes": "no", "in": "not in", "contains": "lacks"}
            if inner is not None and inner[1].operator in opposite:
                return inner[0], CellTest(opposite[inner[1].operator], inner[1].operand)
        case ast.Binary("in", item, items):
            return _read_membership(item, items, scope)
        case ast.Binary(operator, left, right) if operator in _MIRRORED:
            name = _column_name(left, scope)
            if name is None:
                operator, left, right = _MIRRORED[operator], right, left
                name = _column_name(left, scope)
            typed = _operand_text(right)
            return (name, CellTest(operator, typed)) if name and typed is not None else None
    return None


def _fits_cell(name: str, test: CellTest, scope: Scope) -> bool:
    """Whether a form can hold the test and give it back: the column offers its operator, its operand is typed alike."""
    try:
        again = parse(_write_test(_column(name, scope), test))
    except PolicyError:
        return False
    if test.operator == "known":
        return _presence(again) == name
    return _read_test(again, scope) == (name, test)


def _read_membership(item: ast.Expression, items: ast.Expression, scope: Scope) -> tuple[str, CellTest] | None:
    name = _column_name(item, scope)
    operand = _operand_text(items)
    if name is not None and operand is not None:
        return name, CellTest("in", operand)
    name, operand = _column_name(items, scope), _operand_text(item)
    return (name, CellTest("contains", operand)) if name is not None and operand is not None else None


# One line: a browser takes control characters out of what a field holds.
_PLAIN_WORD = re.compile(r"[^\s,\"'\\\x00-\x1f\x7f](?:[^,\"'\\\x00-\x1f\x7f]*[^\s,\"'\\\x00-\x1f\x7f])?")


def _operand_text(part: ast.Expression) -> str | None:
    """A constant or parameter as it is typed into a cell; None when it is neither."""
    name = ast.dotted_name(part) if isinstance(part, ast.Select) else None
    if name is not None:
        return name if name.startswith("params.") else None
    match part:
        case ast.Literal("string", str() as value):
            return value if _PLAIN_WORD.fullmatch(value) and not value.startswith("params.") else None
        case ast.Literal(kind, value) if kind in ("int", "double"):
            return print_expression(part)
        case ast.Unary("-", ast.Literal(kind, _)) if kind in ("int", "double"):
            return print_expression(part)
        case ast.ListOf(items):
            texts = [_operand_text(each) for each in items]
            if texts and all(text is not None and not text.startswith("params.") for text in texts):
                return ", ".join(str(text) for text in texts)
    return None


# -- cells to a condition


def write_row(table: Table, row: Row) -> Rule:
    """The rule of a row whose cells were edited.

    Raises:
        BundleError: a test that does not fit its column.
    """
    parts: list[str] = []
    for column in table.columns:
        tests = row.cells.get(column.name, ())
        if column.is_optional and any(test.operator != "absent" for test in tests):
            parts.append(f"has({column.name})")
        parts += [_write_test(column, test) for test in tests if test.operator != "known"]
    if row.rest.strip():
        parts.append(_bracketed(row.rest.strip()))
    return replace(row.rule, when=" && ".join(parts) or "true")


def _bracketed(text: str) -> str:
    """Text that may stand beside `&&`."""
    tree = parse(text)
    is_loose = isinstance(tree, ast.Conditional) or (isinstance(tree, ast.Logical) and tree.operator == "||")
    return f"({text})" if is_loose else text


def _write_test(column: Column, test: CellTest) -> str:
    name, operator = column.name, test.operator
    if operator not in column.operators:
        raise BundleError(f"`{name}` does not take `{WORDS.get(operator, operator[:20])}`", field=name)
    if operator in WITHOUT_OPERAND:
        return {"yes": name, "no": f"!{name}", "absent": f"!has({name})", "known": f"has({name})"}[operator]
    if operator in ("in", "not in"):
        text = f"{name} in {_list(column, test.operand)}"
        return text if operator == "in" else f"!({text})"
    if operator in LIST_TESTS:
        text = f"{_one(column, test.operand)} in {name}"
        return text if operator == "contains" else f"!({text})"
    return f"{name} {operator} {_one(column, test.operand)}"


_PARAM = re.compile(r"params\.[a-z_][a-z0-9_]{0,62}")
_NUMBER = re.compile(r"[+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE][+-]?\d{1,3})?")


def _one(column: Column, operand: str) -> str:
    text = operand.strip()
    if len(text) > OPERAND_CHARS_MAX:
        raise BundleError(f"a value of `{column.name}` has at most {OPERAND_CHARS_MAX} characters", field=column.name)
    if _PARAM.fullmatch(text):
        return text
    element = ELEMENT.get(column.type, column.type)
    if element in NUMBERS:
        plain = ungrouped(text)
        if not _NUMBER.fullmatch(plain) or not plain.isascii():
            raise BundleError(
                f"`{column.name}` needs a number or `params.name`, found `{text[:40]}`", field=column.name
            )
        if element is Type.INT and not re.fullmatch(r"[+-]?\d{1,18}", plain):
            raise BundleError(f"`{column.name}` counts whole things, found `{text[:40]}`", field=column.name)
        return plain.removeprefix("+")
    if element is not Type.STRING:
        return text
    if not text:
        raise BundleError(f"`{column.name}` needs a word or `params.name`", field=column.name)
    return print_string(text)


def _list(column: Column, operand: str) -> str:
    if _PARAM.fullmatch(operand.strip()):
        return operand.strip()
    parts = [part for part in operand.split(",") if part.strip()]
    if not parts:
        raise BundleError(f"`{column.name}` needs words with commas between them, or `params.name`", field=column.name)
    return f"[{', '.join(_one(column, part) for part in parts)}]"


def new_row(bundle: Bundle, table: Table, row_id: str, taken: Sequence[str] = ()) -> Row:
    """A further row: the last one's effect, tests to be filled in."""
    if not RULE_ID.fullmatch(row_id) or row_id in RESERVED or row_id in taken:
        raise BundleError(f"`{row_id[:40]}` is no free name for a row", field="rows")
    model = table.rows[-1].rule if table.rows else find_rule(bundle, table.parent)
    rule = replace(model, id=f"{table.parent}.{row_id}", title="", when="true")
    return Row(rule, {}, is_new=True)
