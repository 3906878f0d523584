"""A tree of core CEL to nested Python functions: each node becomes one function of the environment.

Names that nothing binds, functions that do not exist and operands of the wrong type are errors of evaluation, which
`&&` and `||` absorb when the other side decides; the checker refuses most of them earlier.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from governance.policy import ast
from governance.policy.core.functions import GLOBAL, MEMBER
from governance.policy.core.operators import arithmetic, negate, no_overload
from governance.policy.core.values import (
    EvaluationError,
    Map,
    TypeValue,
    UInt,
    compare,
    equal,
    type_of,
)

# Turns of all macros of one evaluation together.
TURNS_MAX = 1_000_000

TYPE_NAMES = (
    "bool", "int", "uint", "double", "string", "bytes", "list", "map", "null_type", "type",
    "google.protobuf.Timestamp", "google.protobuf.Duration",
)  # fmt: skip


@dataclass(slots=True)
class Environment:
    """What names stand for during one evaluation. `items` are those of the macros around, innermost last."""

    bindings: Mapping[str, Any]
    items: list[Any] = field(default_factory=list)
    turns: int = 0

    def turn(self) -> None:
        self.turns += 1
        if self.turns > TURNS_MAX:
            raise EvaluationError("the evaluation takes too long")


Evaluator: TypeAlias = Callable[[Environment], Any]


def compile_tree(tree: ast.Expression, *, container: str = "", has_macros: bool = True) -> Evaluator:
    """Build the function of a tree.

    Args:
        container: namespace in which short names are looked up first.
        has_macros: whether `has`, `all`, `exists`, `exists_one`, `map` and `filter` are macros.
    """
    return _Compiler(container, has_macros).compile(tree)


class _Compiler:
    def __init__(self, container: str, has_macros: bool) -> None:
        self.container = container
        self.has_macros = has_macros
        # Names of the items of the macros around, outermost first.
        self.scope: list[str] = []

    def compile(self, tree: ast.Expression) -> Evaluator:
        match tree:
            case ast.Literal(kind, value):
                constant = UInt(int(value)) if kind == "uint" and value is not None else value
                return lambda env: constant
            case ast.Name() | ast.Select():
                return self.name_or_field(tree)
            case ast.Index(operand, key):
                return _index(self.compile(operand), self.compile(key))
            case ast.Unary("!", operand):
                return _not(self.compile(operand))
            case ast.Unary(_, operand):
                value_of = self.compile(operand)
                return lambda env: negate(value_of(env))
            case ast.Binary(operator, left, right):
                return _binary(operator, self.compile(left), self.compile(right))
            case ast.Logical(operator, operands):
                return absorbing([self.compile(operand) for operand in operands], deciding=operator == "||")
            case ast.Conditional():
                return _conditional(*(self.compile(each) for each in (tree.condition, tree.then, tree.otherwise)))
            case ast.ListOf(items):
                parts = [self.compile(item) for item in items]
                return lambda env: tuple([part(env) for part in parts])
            case ast.MapOf(items):
                pairs = [(self.compile(key), self.compile(value)) for key, value in items]
                return lambda env: Map([(key(env), value(env)) for key, value in pairs])
            case ast.Call():
                return self.call(tree)

    # -- names

    def candidates(self, dotted: str) -> list[str]:
        """Full names that a name may mean, the innermost namespace first."""
        if dotted.startswith("."):
            return [dotted[1:]]
        parts = self.container.split(".") if self.container else []
        return [".".join([*parts[:count], dotted]) for count in range(len(parts), -1, -1)]

    def name_or_field(self, tree: ast.Name | ast.Select) -> Evaluator:
        dotted = ast.dotted_name(tree)
        if dotted is None:
            assert isinstance(tree, ast.Select)
            return _select(self.compile(tree.operand), tree.field)
        head, *rest = dotted.split(".") if not dotted.startswith(".") else [dotted]
        if head in self.scope:
            # The innermost item of that name; what is bound outside stays hidden behind it.
            place = len(self.scope) - 1 - self.scope[::-1].index(head)
            return _fields(lambda env: env.items[place], rest)
        return self.variable(dotted)

    def variable(self, dotted: str) -> Evaluator:
        """The longest prefix that is bound is the variable; what follows are fields."""
        is_rooted = dotted.startswith(".")
        parts = dotted.removeprefix(".").split(".")
        choices: list[tuple[str, list[str]]] = []
        for count in range(len(parts), 0, -1):
            prefix = ("." if is_rooted else "") + ".".join(parts[:count])
            choices += [(full, parts[count:]) for full in self.candidates(prefix)]

        def find(env: Environment) -> Any:
            for full, fields in choices:
                if full in env.bindings:
                    value = env.bindings[full]
                elif full in TYPE_NAMES:
                    value = TypeValue(full)
                else:
                    continue
                for name in fields:
                    value = field_of(value, name)
                return value
            raise EvaluationError(f"`{dotted}` is not bound")

        return find

    # -- calls

    def call(self, tree: ast.Call) -> Evaluator:
        from governance.policy.core.macros import MACROS

        target = tree.target
        if self.has_macros:
            macro = MACROS.get((tree.function, target is not None, len(tree.arguments)))
            if macro is not None:
                return macro(self, tree)
        arguments = [self.compile(each) for each in tree.arguments]
        if target is None:
            return _call(tree.function.removeprefix("."), GLOBAL, arguments)
        namespaced = ast.dotted_name(target)
        if namespaced is not None and f"{namespaced}.{tree.function}" in GLOBAL:
            return _call(f"{namespaced}.{tree.function}", GLOBAL, arguments)
        return _call(tree.function, MEMBER, [self.compile(target), *arguments])


def field_of(value: Any, name: str) -> Any:
    """`value.name`: only maps have fields."""
    if isinstance(value, Map):
        return value[name]
    raise EvaluationError(f"a {type_of(value).name} has no fields")


def _select(operand: Evaluator, name: str) -> Evaluator:
    return lambda env: field_of(operand(env), name)


def _fields(operand: Evaluator, names: list[str]) -> Evaluator:
    for name in names:
        operand = _select(operand, name)
    return operand


def _call(name: str, functions: Mapping[str, tuple[int, int, Callable[..., Any]]], parts: list[Evaluator]) -> Evaluator:
    found = functions.get(name)
    if found is None or not found[0] <= len(parts) <= found[1]:

        def unknown(env: Environment) -> Any:
            raise EvaluationError(f"no function `{name}` with {len(parts)} arguments")

        return unknown
    function = found[2]
    return lambda env: function(*[part(env) for part in parts])


def _index(operand: Evaluator, key: Evaluator) -> Evaluator:
    def index(env: Environment) -> Any:
        value, place = operand(env), key(env)
        if isinstance(value, Map):
            return value[place]
        if not isinstance(value, tuple):
            raise no_overload("[]", value, place)
        if isinstance(place, float) and place.is_integer():
            place = int(place)
        if isinstance(place, bool) or not isinstance(place, int):
            raise no_overload("[]", value, place)
        if not 0 <= place < len(value):
            raise EvaluationError("the index is out of bounds")
        return value[place]

    return index


def _not(operand: Evaluator) -> Evaluator:
    def negated(env: Environment) -> bool:
        value = operand(env)
        if not isinstance(value, bool):
            raise no_overload("!", value)
        return not value

    return negated


def _conditional(condition: Evaluator, then: Evaluator, otherwise: Evaluator) -> Evaluator:
    def choose(env: Environment) -> Any:
        value = condition(env)
        if not isinstance(value, bool):
            raise no_overload("?:", value)
        return then(env) if value else otherwise(env)

    return choose


def absorbing(parts: list[Evaluator], *, deciding: bool) -> Evaluator:
    """`&&` is decided by a false and `||` by a true, wherever it stands and whatever the other sides come to."""

    def evaluate(env: Environment) -> bool:
        error: EvaluationError | None = None
        for part in parts:
            try:
                value = part(env)
            except EvaluationError as problem:
                error = error or problem
                continue
            if value is deciding:
                return deciding
            if not isinstance(value, bool):
                error = error or no_overload("||" if deciding else "&&", value)
        if error is not None:
            raise error
        return not deciding

    return evaluate


_ORDER: dict[str, Callable[[int], bool]] = {
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}


def _binary(operator: str, left: Evaluator, right: Evaluator) -> Evaluator:
    if operator == "==":
        return lambda env: equal(left(env), right(env))
    if operator == "!=":
        return lambda env: not equal(left(env), right(env))
    if operator == "in":
        return lambda env: is_in(left(env), right(env))
    if operator in _ORDER:
        holds = _ORDER[operator]

        def ordered(env: Environment) -> bool:
            order = compare(left(env), right(env))
            return order is not None and holds(order)

        return ordered
    return lambda env: arithmetic(operator, left(env), right(env))


def is_in(item: Any, container: Any) -> bool:
    if isinstance(container, tuple):
        return any(equal(item, each) for each in container)
    if isinstance(container, Map):
        return item in container
    raise no_overload("in", item, container)
