"""IR to one generated Python function per policy set: facts in, a bitmask of fired rules out.

The text of the function is made from checked IR alone: local names are numbered, facts are looked up by names of the
schema, and constants enter as `repr` of exact built-in types or as numbered names. No word of an author's text becomes
code. Where the checker proved that nothing can be absent, conditions become plain `and`, `or` and `not`; elsewhere they
are written out in three values, with None for indeterminate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from governance.policy import ir
from governance.policy.types import ELEMENT, Type

# Bit i: rule i fired. Bit i + number of rules: rule i is indeterminate.
Evaluate = Callable[[Mapping[str, Any]], int]

_PYTHON_OPERATORS = {"==": "==", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_ARITHMETIC = {"+": "+", "-": "-", "*": "*", "/": "/"}
_TEXT_METHODS = {"startsWith": "startswith", "endsWith": "endswith"}


def compile_rules(conditions: Sequence[ir.Node], required: frozenset[str]) -> Evaluate:
    """Generate the function for conditions with bound parameters.

    Args:
        conditions: one boolean IR per rule, in bit order.
        required: facts that are never absent; the function raises KeyError when one is missing.
    """
    source, constants = generate_source(conditions, required)
    namespace: dict[str, Any] = {"__builtins__": {}, "any": any, "all": all, "len": len, "float": float, **_HELPERS}
    namespace.update(constants)
    exec(compile(source, "<policy set>", "exec"), namespace)  # noqa: S102 - text built from checked IR only
    function: Evaluate = namespace["evaluate"]
    return function


def generate_source(conditions: Sequence[ir.Node], required: frozenset[str]) -> tuple[str, dict[str, Any]]:
    """The text of the function, and the constants that it names."""
    writer = _Writer(required)
    body: list[str] = []
    for index, condition in enumerate(conditions):
        fired, indeterminate = 1 << index, 1 << (index + len(conditions))
        if ir.may_err(condition):
            body.append(f"    r = {writer.three_valued(condition)}")
            body.append("    if r is None:")
            body.append(f"        m |= {indeterminate}")
            body.append("    elif r:")
        else:
            body.append(f"    if {writer.two_valued(condition)}:")
        body.append(f"        m |= {fired}")
    lines = ["def evaluate(facts):", "    get = facts.get"]
    for name, local in writer.locals.items():
        lines.append(f"    {local} = facts[{name!r}]" if name in required else f"    {local} = get({name!r})")
    lines += ["    m = 0", *body, "    return m", ""]
    return "\n".join(lines), writer.constants


class _Writer:
    """Writes nodes as Python expressions, and remembers which facts and constants they need."""

    def __init__(self, required: frozenset[str]) -> None:
        self.required = required
        self.locals: dict[str, str] = {}
        self.constants: dict[str, Any] = {}
        self.temporaries = 0

    # -- atoms

    def local(self, name: str) -> str:
        return self.locals.setdefault(name, f"f{len(self.locals)}")

    def constant(self, value: Any) -> str:
        if type(value) in (bool, int, float, str):
            # Invariant: exact built-in types, finite numbers; repr is then a literal of the same value.
            return repr(value)
        name = f"K{len(self.constants)}"
        self.constants[name] = value
        return name

    def temporary(self) -> str:
        self.temporaries += 1
        return f"t{self.temporaries}"

    def members(self, node: ir.Node) -> str:
        """The right side of `in`: constant lists become sets."""
        if isinstance(node, ir.Const):
            return self.constant(frozenset(node.value))
        return self.two_valued(node)

    # -- two values

    def two_valued(self, node: ir.Node) -> str:
        """Python for a node whose facts are certainly there."""
        match node:
            case ir.Const(value):
                return self.constant(value)
            case ir.FactRef(name):
                return self.local(name)
            case ir.ItemRef():
                return "item"
            case ir.Has(name):
                return "True" if name in self.required else f"({self.local(name)} is not None)"
            case ir.Not(operand):
                return f"(not {self.two_valued(operand)})"
            case ir.And(operands):
                return "(" + " and ".join(self.two_valued(operand) for operand in operands) + ")"
            case ir.Or(operands):
                return "(" + " or ".join(self.two_valued(operand) for operand in operands) + ")"
            case ir.If(condition, then, otherwise):
                yes, no = self.two_valued(then), self.two_valued(otherwise)
                return f"({yes} if {self.two_valued(condition)} else {no})"
            case ir.In(item, ir.Const() as constants):
                return f"({self.two_valued(item)} in {self.members(constants)})"
            case ir.Quantifier():
                return self.quantifier(node)
        return self.strict(node, [self.two_valued(child) for child in ir.children(node)])

    def strict(self, node: ir.Node, parts: list[str]) -> str:
        """An operator over the text of its parts, all of them there."""
        match node:
            case ir.Compare(operator):
                return f"({parts[0]} {_PYTHON_OPERATORS[operator]} {parts[1]})"
            case ir.In():
                return f"({parts[0]} in {parts[1]})"
            case ir.Arithmetic(operator):
                return f"({parts[0]} {_ARITHMETIC[operator]} {parts[1]})"
            case ir.Negate():
                return f"(-{parts[0]})"
            case ir.Not():
                return f"(not {parts[0]})"
            case ir.ToDouble():
                return f"float({parts[0]})"
            case ir.Size():
                return f"len({parts[0]})"
            case ir.TextTest("contains"):
                return f"({parts[1]} in {parts[0]})"
            case ir.TextTest(function):
                return f"{parts[0]}.{_TEXT_METHODS[function]}({parts[1]})"
            case ir.Extreme():
                return self.extreme(node, parts)
        raise AssertionError(f"no Python for {type(node).__name__}")

    def extreme(self, node: ir.Extreme, parts: list[str]) -> str:
        """Nested choices; cheaper than a call to max."""
        sign = ">=" if node.kind == "max" else "<="
        text = parts[0]
        for part in parts[1:]:
            left, right = self.temporary(), self.temporary()
            text = f"({left} if ({left} := {text}) {sign} ({right} := {part}) else {right})"
        return text

    def quantifier(self, node: ir.Quantifier) -> str:
        is_exists = node.kind == "exists"
        # list.exists(item, item in CONSTANTS): two sets that meet.
        body = node.body
        is_overlap = (
            isinstance(body, ir.In)
            and isinstance(body.item, ir.ItemRef)
            and isinstance(body.list, ir.Const)
            and not isinstance(node.list, ir.Const)
        )
        if is_exists and is_overlap and isinstance(body, ir.In):
            return f"(not {self.members(body.list)}.isdisjoint({self.two_valued(node.list)}))"
        if isinstance(node.list, ir.Const):
            # Written out item by item: no generator to start.
            parts = [self.two_valued(_with_item(body, value, node.list.type)) for value in node.list.value]
            if not parts:
                return repr(not is_exists)
            return "(" + (" or " if is_exists else " and ").join(parts) + ")"
        return f"{'any' if is_exists else 'all'}(({self.two_valued(body)}) for item in {self.two_valued(node.list)})"

    # -- three values

    def three_valued(self, node: ir.Node) -> str:
        """Python for a node that may be indeterminate: True, False or None; any other value or None."""
        if not ir.may_err(node):
            return self.two_valued(node)
        match node:
            case ir.Absent():
                return "None"
            case ir.FactRef(name):
                return self.local(name)
            case ir.And(operands):
                return f"_and({', '.join(self.lazy(operand) for operand in operands)})"
            case ir.Or(operands):
                return f"_or({', '.join(self.lazy(operand) for operand in operands)})"
            case ir.If(condition, then, otherwise):
                name = self.temporary()
                yes, no = self.three_valued(then), self.three_valued(otherwise)
                return f"(None if ({name} := {self.three_valued(condition)}) is None else ({yes} if {name} else {no}))"
            case ir.Quantifier():
                name = self.temporary()
                helper = "_exists" if node.kind == "exists" else "_every"
                items = self.three_valued(node.list)
                return f"{helper}({items}, lambda item: {self.three_valued(node.body)})"
        return self.propagate(node)

    def lazy(self, node: ir.Node) -> str:
        """A part of a logical chain, evaluated only when the parts before did not decide."""
        return f"lambda: {self.three_valued(node)}"

    def propagate(self, node: ir.Node) -> str:
        """A strict operator: None as soon as one part is None."""
        names: list[str] = []
        tests: list[str] = []
        for child in ir.children(node):
            if ir.may_err(child):
                name = self.temporary()
                tests.append(f"({name} := {self.three_valued(child)}) is None")
                names.append(name)
            else:
                names.append(self.two_valued(child))
        return f"(None if {' or '.join(tests)} else {self.strict(node, names)})"


def _with_item(node: ir.Node, value: Any, list_type: Type) -> ir.Node:
    if isinstance(node, ir.ItemRef):
        return ir.Const(value=value, type=ELEMENT[list_type], span=node.span)
    return ir.map_children(node, lambda child: _with_item(child, value, list_type))


def _and(*parts: Callable[[], bool | None]) -> bool | None:
    outcome: bool | None = True
    for part in parts:
        value = part()
        if value is None:
            outcome = None
        elif not value:
            return False
    return outcome


def _or(*parts: Callable[[], bool | None]) -> bool | None:
    outcome: bool | None = False
    for part in parts:
        value = part()
        if value is None:
            outcome = None
        elif value:
            return True
    return outcome


def _exists(items: Sequence[Any] | None, body: Callable[[Any], bool | None]) -> bool | None:
    return None if items is None else _or(*((lambda item=item: body(item)) for item in items))


def _every(items: Sequence[Any] | None, body: Callable[[Any], bool | None]) -> bool | None:
    return None if items is None else _and(*((lambda item=item: body(item)) for item in items))


_HELPERS: dict[str, Any] = {"_and": _and, "_or": _or, "_exists": _exists, "_every": _every}
