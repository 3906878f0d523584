"""The wide mode of the checker: all of core CEL over declared names, `dyn` where nothing is known.

It refuses what can have no meaning: an unknown name or function, an operator that no overload takes. The narrow mode,
the policy profile, is `governance.policy.checker`; both read the same trees.
"""

from __future__ import annotations

from collections.abc import Mapping

from governance.policy import ast
from governance.policy.core import types
from governance.policy.core.evaluate import TYPE_NAMES
from governance.policy.core.functions import GLOBAL, MEMBER
from governance.policy.core.types import (
    BOOL,
    BYTES,
    DOUBLE,
    DURATION,
    DYN,
    INT,
    NULL,
    NUMBERS,
    ORDERED,
    STRING,
    TIMESTAMP,
    TYPE,
    UINT,
    CoreType,
    compatible,
)
from governance.policy.errors import ExpressionTypeError, LimitExceeded, Position
from governance.policy.limits import EXPRESSION_NODES_MAX
from governance.policy.suggest import closest

_LITERALS = {
    "null": NULL, "bool": BOOL, "int": INT, "uint": UINT, "double": DOUBLE, "string": STRING, "bytes": BYTES,
}  # fmt: skip
_ARITHMETIC: dict[str, set[tuple[CoreType, CoreType, CoreType]]] = {
    "+": {
        *((each, each, each) for each in (*NUMBERS, STRING, BYTES, DURATION)),
        (TIMESTAMP, DURATION, TIMESTAMP),
        (DURATION, TIMESTAMP, TIMESTAMP),
    },
    "-": {
        *((each, each, each) for each in (*NUMBERS, DURATION)),
        (TIMESTAMP, DURATION, TIMESTAMP),
        (TIMESTAMP, TIMESTAMP, DURATION),
    },
    "*": {(each, each, each) for each in NUMBERS},
    "/": {(each, each, each) for each in NUMBERS},
    "%": {(each, each, each) for each in (INT, UINT)},
}
# Function: what its only argument may be, and what comes back.
_CONVERSIONS: dict[str, tuple[tuple[CoreType, ...], CoreType]] = {
    "int": ((INT, UINT, DOUBLE, STRING, TIMESTAMP), INT),
    "uint": ((INT, UINT, DOUBLE, STRING), UINT),
    "double": ((INT, UINT, DOUBLE, STRING), DOUBLE),
    "string": ((BOOL, INT, UINT, DOUBLE, STRING, BYTES, TIMESTAMP, DURATION), STRING),
    "bytes": ((STRING, BYTES), BYTES),
    "bool": ((BOOL, STRING), BOOL),
    "timestamp": ((STRING, INT, TIMESTAMP), TIMESTAMP),
    "duration": ((STRING, INT, DURATION), DURATION),
}
_TEXT_FUNCTIONS = ("startsWith", "endsWith", "contains", "matches")
_MACROS = ("has", "all", "exists", "exists_one", "existsOne", "map", "filter")


def check_core(
    tree: ast.Expression,
    text: str,
    declarations: Mapping[str, CoreType],
    *,
    container: str = "",
    has_macros: bool = True,
) -> CoreType:
    """The type of an expression.

    Raises:
        ExpressionTypeError: with the position in `text`.
        LimitExceeded: too large a tree.
    """
    return _Checker(text, declarations, container, has_macros).check(tree)


class _Checker:
    def __init__(self, text: str, declarations: Mapping[str, CoreType], container: str, has_macros: bool) -> None:
        self.text = text
        self.declarations = declarations
        self.container = container
        self.has_macros = has_macros
        self.items: dict[str, CoreType] = {}
        self.nodes = 0

    def refuse(self, message: str, tree: ast.Expression, suggestion: str | None = None) -> ExpressionTypeError:
        position = Position.at(self.text, tree.span.start)
        return ExpressionTypeError(message, position=position, source=self.text, suggestion=suggestion)

    def check(self, tree: ast.Expression) -> CoreType:
        self.nodes += 1
        if self.nodes > EXPRESSION_NODES_MAX:
            raise LimitExceeded(f"an expression has at most {EXPRESSION_NODES_MAX:,} nodes")
        match tree:
            case ast.Literal(kind):
                return _LITERALS[kind]
            case ast.Name() | ast.Select():
                return self.name_or_field(tree)
            case ast.Index(operand, key):
                return self.index(tree, self.check(operand), self.check(key))
            case ast.Unary(operator, operand):
                return self.unary(tree, operator, self.check(operand))
            case ast.Binary(operator, left, right):
                return self.binary(tree, operator, self.check(left), self.check(right))
            case ast.Logical(operator, operands):
                for operand in operands:
                    self.expect(operand, self.check(operand), BOOL, f"`{operator}`")
                return BOOL
            case ast.Conditional(condition, then, otherwise):
                self.expect(condition, self.check(condition), BOOL, "`?:`")
                return self.branches(tree, self.check(then), self.check(otherwise))
            case ast.ListOf(items):
                return types.list_of(types.join([self.check(item) for item in items]))
            case ast.MapOf(items):
                keys = [self.map_key(key) for key, _ in items]
                return types.map_of(types.join(keys), types.join([self.check(value) for _, value in items]))
            case ast.Call():
                return self.call(tree)

    def expect(self, tree: ast.Expression, found: CoreType, wanted: CoreType, what: str) -> None:
        if not compatible(found, wanted):
            raise self.refuse(f"{what} needs a {wanted}, found a {found}", tree)

    def branches(self, tree: ast.Expression, then: CoreType, otherwise: CoreType) -> CoreType:
        if not compatible(then, otherwise):
            raise self.refuse(f"the two answers differ: a {then} and a {otherwise}", tree)
        return types.join([then, otherwise])

    def map_key(self, key: ast.Expression) -> CoreType:
        found = self.check(key)
        if found not in (BOOL, INT, UINT, STRING, DYN):
            raise self.refuse(f"a {found} is not a map key", key)
        return found

    # -- names

    def name_or_field(self, tree: ast.Name | ast.Select) -> CoreType:
        dotted = ast.dotted_name(tree)
        if dotted is not None:
            found = self.variable(dotted)
            if found is not None:
                return found
        if isinstance(tree, ast.Name):
            raise self.refuse(f"unknown name `{tree.name}`", tree, closest(tree.name, self.declarations))
        return self.field(tree, self.check(tree.operand))

    def variable(self, dotted: str) -> CoreType | None:
        if dotted in self.items:
            return self.items[dotted]
        if dotted.partition(".")[0] in self.items:
            return None
        parts = self.container.split(".") if self.container and not dotted.startswith(".") else []
        dotted = dotted.removeprefix(".")
        for count in range(len(parts), -1, -1):
            full = ".".join([*parts[:count], dotted])
            if full in self.declarations:
                return self.declarations[full]
            if full in TYPE_NAMES:
                return TYPE
        return None

    def field(self, tree: ast.Select, operand: CoreType) -> CoreType:
        if operand == DYN:
            return DYN
        if operand.name == "map" and compatible(operand.parameters[0], STRING):
            return operand.parameters[1]
        raise self.refuse(f"a {operand} has no field `{tree.field}`", tree)

    def index(self, tree: ast.Index, operand: CoreType, key: CoreType) -> CoreType:
        if operand == DYN:
            return DYN
        if operand.name == "list" and key in (INT, DYN):
            return operand.parameters[0]
        if operand.name == "map" and compatible(operand.parameters[0], key):
            return operand.parameters[1]
        raise self.refuse(f"a {operand} is not indexed by a {key}", tree)

    # -- operators

    def unary(self, tree: ast.Expression, operator: str, operand: CoreType) -> CoreType:
        if operator == "!":
            self.expect(tree, operand, BOOL, "`!`")
            return BOOL
        if operand not in (INT, DOUBLE, DYN):
            raise self.refuse(f"`-` needs a number, found a {operand}", tree)
        return operand

    def binary(self, tree: ast.Binary, operator: str, left: CoreType, right: CoreType) -> CoreType:
        if operator in ("==", "!="):
            if not compatible(left, right):
                raise self.refuse(f"`{operator}` does not take a {left} and a {right}", tree)
            return BOOL
        if operator == "in":
            return self.membership(tree, left, right)
        if operator in ("<", "<=", ">", ">="):
            is_known = left == right and left in ORDERED
            is_mixed = left in NUMBERS and right in NUMBERS
            is_dynamic = DYN in (left, right) and {left, right} <= {DYN, *ORDERED}
            if not (is_known or is_mixed or is_dynamic):
                raise self.refuse(f"`{operator}` does not take a {left} and a {right}", tree)
            return BOOL
        return self.arithmetic(tree, operator, left, right)

    def membership(self, tree: ast.Binary, left: CoreType, right: CoreType) -> CoreType:
        if right == DYN:
            return BOOL
        is_container = right.name in ("list", "map")
        numbers = left in NUMBERS and is_container and right.parameters[0] in NUMBERS
        if not is_container or not (numbers or compatible(left, right.parameters[0])):
            raise self.refuse(f"`in` does not find a {left} in a {right}", tree)
        return BOOL

    def arithmetic(self, tree: ast.Binary, operator: str, left: CoreType, right: CoreType) -> CoreType:
        if operator == "+" and "list" in (left.name, right.name) and compatible(left, right):
            return left if left == right else types.list_of(DYN)
        results = {result for a, b, result in _ARITHMETIC[operator] if compatible(left, a) and compatible(right, b)}
        if not results and not (operator == "+" and left == right == DYN):
            raise self.refuse(f"`{operator}` does not take a {left} and a {right}", tree)
        return results.pop() if len(results) == 1 else DYN

    # -- calls

    def call(self, tree: ast.Call) -> CoreType:
        if self.has_macros and tree.function in _MACROS:
            found = self.macro(tree)
            if found is not None:
                return found
        name = tree.function.removeprefix(".")
        if tree.target is not None:
            dotted = ast.dotted_name(tree.target)
            if dotted is None or f"{dotted}.{name}" not in GLOBAL:
                return self.member_call(tree)
            name = f"{dotted}.{name}"
        if name not in GLOBAL:
            raise self.refuse(f"unknown function `{name}`", tree, closest(name, GLOBAL))
        arguments = self.arguments(tree, GLOBAL[name][0], GLOBAL[name][1])
        short = {"google.protobuf.Timestamp": "timestamp", "google.protobuf.Duration": "duration"}.get(name, name)
        if short in _CONVERSIONS:
            accepted, result = _CONVERSIONS[short]
            if arguments[0] not in (*accepted, DYN):
                raise self.refuse(f"`{name}` does not take a {arguments[0]}", tree)
            return result
        if name == "size":
            return self.size(tree, arguments[0])
        if name == "matches":
            return self.text_test(tree, *arguments)
        return TYPE if name == "type" else DYN

    def arguments(self, tree: ast.Call, low: int, high: int) -> list[CoreType]:
        if not low <= len(tree.arguments) <= high:
            raise self.refuse(f"`{tree.function}` does not take {len(tree.arguments)} arguments", tree)
        return [self.check(argument) for argument in tree.arguments]

    def member_call(self, tree: ast.Call) -> CoreType:
        assert tree.target is not None
        if tree.function not in MEMBER:
            raise self.refuse(f"unknown function `{tree.function}`", tree, closest(tree.function, MEMBER))
        target = self.check(tree.target)
        low, high, _ = MEMBER[tree.function]
        arguments = self.arguments(tree, low - 1, high - 1)
        if tree.function == "size":
            return self.size(tree, target)
        if tree.function in _TEXT_FUNCTIONS:
            return self.text_test(tree, target, *arguments)
        if target not in (TIMESTAMP, DURATION, DYN) or any(each not in (STRING, DYN) for each in arguments):
            raise self.refuse(f"`{tree.function}` does not take a {target}", tree)
        return INT

    def size(self, tree: ast.Call, operand: CoreType) -> CoreType:
        if operand not in (STRING, BYTES, DYN) and operand.name not in ("list", "map"):
            raise self.refuse(f"`size` does not take a {operand}", tree)
        return INT

    def text_test(self, tree: ast.Call, target: CoreType, argument: CoreType) -> CoreType:
        self.expect(tree, target, STRING, f"`{tree.function}`")
        self.expect(tree, argument, STRING, f"`{tree.function}`")
        return BOOL

    def macro(self, tree: ast.Call) -> CoreType | None:
        """The type of a macro, or None when the call only shares its name."""
        if tree.function == "has":
            if tree.target is not None or len(tree.arguments) != 1:
                return None
            argument = tree.arguments[0]
            if not isinstance(argument, ast.Select):
                raise self.refuse("`has` takes a field, e.g. has(request.end_at)", tree)
            self.field(argument, self.check(argument.operand))
            return BOOL
        counts = (2, 3) if tree.function == "map" else (2,)
        if tree.target is None or len(tree.arguments) not in counts:
            return None
        item = tree.arguments[0]
        if not isinstance(item, ast.Name):
            raise self.refuse(f"`{tree.function}` takes a name first", tree)
        source = self.check(tree.target)
        if source != DYN and source.name not in ("list", "map"):
            raise self.refuse(f"`{tree.function}` loops over lists and maps, found a {source}", tree.target)
        element = DYN if source == DYN else source.parameters[0]
        outer = self.items
        self.items = {**outer, item.name: element}
        bodies = [self.check(body) for body in tree.arguments[1:]]
        self.items = outer
        if tree.function == "map":
            if len(bodies) == 2:
                self.expect(tree.arguments[1], bodies[0], BOOL, "`map`")
            return types.list_of(bodies[-1])
        self.expect(tree.arguments[1], bodies[0], BOOL, f"`{tree.function}`")
        return types.list_of(element) if tree.function == "filter" else BOOL
