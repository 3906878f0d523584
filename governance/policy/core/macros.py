"""The macros of core CEL: `has`, and the comprehensions over lists and the keys of maps.

Source: Common Expression Language specification, "Macros".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

from governance.policy import ast
from governance.policy.core.evaluate import Environment, Evaluator
from governance.policy.core.operators import no_overload
from governance.policy.core.values import EvaluationError, Map, type_of
from governance.policy.errors import ExpressionSyntaxError

if TYPE_CHECKING:
    from governance.policy.core.evaluate import _Compiler

Loop: TypeAlias = Callable[[Environment], list[tuple[Any, list[Any]]]]
Macro: TypeAlias = "Callable[[_Compiler, ast.Call], Evaluator]"


def _refuse(message: str) -> ExpressionSyntaxError:
    return ExpressionSyntaxError(message)


def has_field(value: Any, name: str) -> bool:
    if isinstance(value, Map):
        return name in value
    raise EvaluationError(f"a {type_of(value).name} has no fields")


def _has(compiler: _Compiler, tree: ast.Call) -> Evaluator:
    argument = tree.arguments[0]
    if not isinstance(argument, ast.Select):
        raise _refuse("`has` takes a field, e.g. has(request.end_at)")
    operand, name = compiler.compile(argument.operand), argument.field
    return lambda env: has_field(operand(env), name)


def _parts(compiler: _Compiler, tree: ast.Call) -> tuple[Evaluator, list[Evaluator]]:
    """What is looped over, and the other arguments with the item in scope."""
    item = tree.arguments[0]
    if not isinstance(item, ast.Name) or item.name.startswith("."):
        raise _refuse(f"`{tree.function}` takes a name first")
    assert tree.target is not None
    source = compiler.compile(tree.target)
    compiler.scope.append(item.name)
    bodies = [compiler.compile(each) for each in tree.arguments[1:]]
    compiler.scope.pop()
    return source, bodies


def _items(value: Any, macro: str) -> Iterable[Any]:
    if isinstance(value, (tuple, Map)):
        return value
    raise no_overload(macro, value)


def _quantifier(compiler: _Compiler, tree: ast.Call) -> Evaluator:
    source, [body] = _parts(compiler, tree)
    deciding = tree.function == "exists"

    def evaluate(env: Environment) -> bool:
        error: EvaluationError | None = None
        for item in _items(source(env), tree.function):
            env.turn()
            env.items.append(item)
            try:
                value = body(env)
                if value is deciding:
                    return deciding
                if not isinstance(value, bool):
                    error = error or no_overload(tree.function, value)
            except EvaluationError as problem:
                error = error or problem
            finally:
                env.items.pop()
        if error is not None:
            raise error
        return not deciding

    return evaluate


def _loop(
    source: Evaluator, bodies: list[Evaluator], macro: str
) -> Callable[[Environment], list[tuple[Any, list[Any]]]]:
    """Each item with the values of the bodies; a second body is left out where the first is false."""

    def loop(env: Environment) -> list[tuple[Any, list[Any]]]:
        results: list[tuple[Any, list[Any]]] = []
        for item in _items(source(env), macro):
            env.turn()
            env.items.append(item)
            try:
                values = [bodies[0](env)]
                if len(bodies) == 2 and values[0] is True:
                    values.append(bodies[1](env))
            finally:
                env.items.pop()
            results.append((item, values))
        return results

    return loop


def _condition(value: Any, macro: str) -> bool:
    if not isinstance(value, bool):
        raise no_overload(macro, value)
    return value


def _exists_one(compiler: _Compiler, tree: ast.Call) -> Evaluator:
    loop = _loop(*_parts(compiler, tree), tree.function)
    return lambda env: sum(_condition(values[0], tree.function) for _, values in loop(env)) == 1


def _filter(compiler: _Compiler, tree: ast.Call) -> Evaluator:
    loop = _loop(*_parts(compiler, tree), tree.function)
    return lambda env: tuple(item for item, values in loop(env) if _condition(values[0], tree.function))


def _map(compiler: _Compiler, tree: ast.Call) -> Evaluator:
    loop = _loop(*_parts(compiler, tree), tree.function)
    if len(tree.arguments) == 2:
        return lambda env: tuple(values[0] for _, values in loop(env))
    return lambda env: tuple(values[1] for _, values in loop(env) if _condition(values[0], tree.function))


# Name, whether it has a target, number of arguments.
MACROS: dict[tuple[str, bool, int], Macro] = {
    ("has", False, 1): _has,
    ("all", True, 2): _quantifier,
    ("exists", True, 2): _quantifier,
    ("exists_one", True, 2): _exists_one,
    ("existsOne", True, 2): _exists_one,
    ("map", True, 2): _map,
    ("map", True, 3): _map,
    ("filter", True, 2): _filter,
}
