"""IR to one generated Python function per policy set: facts in, a bitmask of fired rules out.

The text of the function is made from checked IR alone: local names are numbered, facts are looked up by names of the
schema, and constants enter as `repr` of exact built-in types or as numbered names. No word of an author's text becomes
code. Where the checker proved that nothing can be absent, conditions become plain `and`, `or` and `not`, arranged so
that shared tests are made once; elsewhere they are written out in three values, with None for indeterminate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from governance.policy.backends.python_plan import Branch, fact_uses, plan, shared_terms
from governance.policy.language import ir

# Bit i: rule i fired. Bit i + number of rules: rule i is indeterminate.
Evaluate = Callable[[Mapping[str, Any]], int]
Truths = Callable[[Mapping[str, Any]], tuple[bool | None, ...]]

_PYTHON_OPERATORS = {"==": "==", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_ARITHMETIC = {"+": "+", "-": "-", "*": "*", "/": "/"}
_TEXT_METHODS = {"startsWith": "startswith", "endsWith": "endswith"}


class Layout(StrEnum):
    """How facts come in: one mapping of full names, or one mapping per namespace."""

    FLAT = "flat"
    NESTED = "nested"


def compile_rules(conditions: Sequence[ir.Node], required: frozenset[str], *, layout: Layout = Layout.FLAT) -> Evaluate:
    """Generate the function for conditions with bound parameters.

    Args:
        conditions: one boolean IR per rule, in bit order.
        required: facts that are never absent; the function may raise KeyError when one is missing.
    """
    source, constants = generate_source(conditions, required, layout)
    function: Evaluate = _load(source, constants, "evaluate")
    return function


def compile_truths(leaves: Sequence[ir.Node]) -> Truths:
    """Generate the function that says what each condition comes to, None where it cannot be judged.

    It reads a mapping that holds every fact of the conditions, None for an absent one.
    """
    writer = _Writer(frozenset(), Layout.FLAT)
    parts = [writer.three_valued(_unguarded(leaf)) for leaf in leaves]
    lines = ["def truths(facts):", *(f"    {line}" for line in writer.loads()), f"    return ({', '.join(parts)},)", ""]
    function: Truths = _load("\n".join(lines), writer.constants, "truths")
    return function


def _unguarded(node: ir.Node) -> ir.Node:
    """The node with every fact possibly absent: alone, a leaf has lost the guard in front of it."""
    if isinstance(node, ir.FactRef):
        return ir.FactRef(node.name, node.type, is_guarded=False, span=node.span)
    return ir.map_children(node, _unguarded)


def _load(source: str, constants: Mapping[str, Any], name: str) -> Any:
    namespace: dict[str, Any] = {"__builtins__": {}, "any": any, "all": all, "len": len, "float": float, **_HELPERS}
    namespace.update(constants)
    exec(compile(source, "<policy set>", "exec"), namespace)  # noqa: S102 - text built from checked IR only
    return namespace[name]


def generate_source(
    conditions: Sequence[ir.Node], required: frozenset[str], layout: Layout = Layout.FLAT
) -> tuple[str, dict[str, Any]]:
    """The text of the function, and the constants that it names."""
    branches = plan((index, node) for index, node in enumerate(conditions) if not ir.may_err(node))
    unsure = [(index, node) for index, node in enumerate(conditions) if ir.may_err(node)]
    tests = [test for branch in branches for test in branch.tests()]
    writer = _Writer(required, layout)
    terms = shared_terms(tests, required)
    writer.uses = fact_uses([*tests, *terms, *(node for _, node in unsure)])
    body: list[str] = []
    for term in terms:
        text = writer.two_valued(term)
        writer.terms[term] = name = f"s{len(writer.terms)}"
        body.append(f"    {name} = {text}")
    body.append("    m = 0")
    for branch in branches:
        body += writer.branch(branch, "    ")
    for index, node in unsure:
        body += [
            f"    r = {writer.three_valued(node)}",
            "    if r is None:",
            f"        m |= {1 << (index + len(conditions))}",
            "    elif r:",
            f"        m |= {1 << index}",
        ]
    lines = ["def evaluate(facts):", *(f"    {line}" for line in writer.loads()), *body, "    return m", ""]
    return "\n".join(lines), writer.constants


class _Writer:
    """Writes nodes as Python expressions, and remembers which facts and constants they need."""

    def __init__(self, required: frozenset[str], layout: Layout) -> None:
        self.required = required
        self.layout = layout
        self.locals: dict[str, str] = {}
        self.namespaces: dict[str, str] = {}
        self.terms: dict[ir.Node, str] = {}
        self.constants: dict[str, Any] = {}
        self.temporaries = 0
        # How often each fact will be read; one that is read once is read there, and only when that place is reached.
        self.uses: Counter[str] = Counter()
        self.owned: dict[str, str] = {}

    # -- facts

    def read(self, name: str) -> str:
        """Code that fetches a fact; None when an optional one is absent."""
        source, key = "facts", name
        if self.layout is Layout.NESTED:
            namespace, _, key = name.partition(".")
            source = self.namespaces.setdefault(namespace, f"n{len(self.namespaces)}")
        return f"{source}[{key!r}]" if name in self.required else f"{source}.get({key!r})"

    def loads(self) -> list[str]:
        """The lines that fetch what is read more than once."""
        reads = [f"{local} = {self.read(name)}" for name, local in self.locals.items()]
        return [f"{local} = facts[{name!r}]" for name, local in self.namespaces.items()] + reads

    def owned_loads(self, branch: Branch) -> list[str]:
        """The lines that fetch what is only read below this test."""
        below = fact_uses(test for inner in branch.branches for test in inner.tests())
        inner_uses = [fact_uses(test for each in inner.branches for test in each.tests()) for inner in branch.branches]
        lines = []
        for name, times in below.items():
            is_deeper = any(uses[name] == times for uses in inner_uses)
            if times == self.uses[name] and times > 1 and not is_deeper and name not in self.locals:
                self.owned[name] = local = f"g{len(self.owned)}"
                lines.append(f"{local} = {self.read(name)}")
        return lines

    # -- branches

    def branch(self, branch: Branch, indent: str) -> list[str]:
        lines = [f"{indent}if {self.two_valued(branch.test)}:"]
        lines += [f"{indent}    {line}" for line in self.owned_loads(branch)]
        mask = sum(1 << index for index in branch.fires)
        if mask:
            lines.append(f"{indent}    m |= {mask}")
        for inner in branch.branches:
            lines += self.branch(inner, indent + "    ")
        return lines

    # -- atoms

    def local(self, name: str) -> str:
        if self.uses[name] == 1:
            return self.read(name)
        return self.owned.get(name) or self.locals.setdefault(name, f"f{len(self.locals)}")

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
            if node.value and all(type(item) in (int, float, str) for item in node.value):
                # Python keeps a literal set of constants as one constant.
                return "{" + ", ".join(map(repr, node.value)) + "}"
            return self.constant(frozenset(node.value))
        return self.two_valued(node)

    # -- two values

    def two_valued(self, node: ir.Node) -> str:
        """Python for a node whose facts are certainly there."""
        if node in self.terms:
            return self.terms[node]
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
                # The exact double of a whole number, without a call.
                return f"({parts[0]} * 1.0)"
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
        if is_exists and is_overlap and isinstance(body, ir.In) and isinstance(body.list, ir.Const):
            members = self.constant(frozenset(body.list.value))
            return f"(not {members}.isdisjoint({self.two_valued(node.list)}))"
        if isinstance(node.list, ir.Const):
            # Written out item by item: no generator to start.
            parts = [self.two_valued(ir.bind_item(body, value, node.list.type)) for value in node.list.value]
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
