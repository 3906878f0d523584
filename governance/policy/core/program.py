"""One expression of core CEL, ready to run: text, types, function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from governance.policy.core.checker import check_core
from governance.policy.core.evaluate import Environment, Evaluator, compile_tree
from governance.policy.core.types import CoreType
from governance.policy.core.values import from_python
from governance.policy.parser import parse

# The specification asks for at least 32 levels of brackets, and 24 of operators.
CORE_DEPTH_MAX = 80


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled expression. `type` is None when it was not checked."""

    text: str
    type: CoreType | None
    evaluator: Evaluator

    def evaluate(self, bindings: Mapping[str, Any] | None = None) -> Any:
        """The value over bindings (plain Python values, or those of `values`).

        Raises:
            EvaluationError: what CEL calls an error.
        """
        values = {name: from_python(value) for name, value in (bindings or {}).items()}
        return self.evaluator(Environment(values))


def compile_core(
    text: str,
    declarations: Mapping[str, CoreType] | None = None,
    *,
    container: str = "",
    is_checked: bool = True,
    has_macros: bool = True,
) -> Program:
    """Read, check and compile one expression of core CEL.

    Args:
        declarations: type of each name that may occur.
        container: namespace in which short names are looked up first.
        is_checked: without the check, what has no type fails only where it is evaluated.

    Raises:
        PolicyError: not an expression, or one without a meaning; position in `text`.
    """
    tree = parse(text, depth_max=CORE_DEPTH_MAX)
    known = declarations or {}
    type = check_core(tree, text, known, container=container, has_macros=has_macros) if is_checked else None
    return Program(text, type, compile_tree(tree, container=container, has_macros=has_macros))
