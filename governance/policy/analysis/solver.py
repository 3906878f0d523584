"""Conditions to z3, when it is installed (`pip install comptroller[analysis]`): can a request make this true?

Doubles are modelled as real numbers, texts as numbers of words, lists by which of the words in question they hold. What
has no model is a free choice, so "impossible" is a proof up to rounding, and every example is judged again by the
interpreter before it is shown.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from datetime import timedelta
from enum import Enum
from typing import Any

from governance.policy.backends.columns import instant_of, microseconds
from governance.policy.facts.facts import Fact, FactType
from governance.policy.facts.schema import FactsSchema
from governance.policy.language import ir
from governance.policy.language.types import Type

MILLISECONDS_MAX = 500
# Words that no rule speaks of: several, so that two texts can differ and both be unknown.
OTHER_WORDS = ("something else", "another thing", "a third thing")


class Answer(Enum):
    """What the solver found out."""

    POSSIBLE = "possible"
    IMPOSSIBLE = "impossible"
    UNKNOWN = "unknown"


def is_installed() -> bool:
    return importlib.util.find_spec("z3") is not None


class Solver:
    """Asks z3 about conditions over one schema."""

    def __init__(self, schema: FactsSchema, *, milliseconds: int = MILLISECONDS_MAX) -> None:
        import z3

        self.z3 = z3
        self.schema = schema
        self.milliseconds = milliseconds

    def find(
        self, wanted: Sequence[tuple[ir.Node, bool]], counts_unsure: Sequence[bool] | None = None
    ) -> tuple[Answer, dict[str, Any]]:
        """Facts under which each condition comes to what is wanted of it.

        Args:
            counts_unsure: per condition, whether it counts as true where it cannot be judged; when None, it is wanted
                certainly true or certainly false.

        Returns:
            the answer, and for POSSIBLE the facts that matter; an absent optional fact maps to None.
        """
        model = _Model(self.z3, self.schema, [node for node, _ in wanted])
        solver = self.z3.Solver()
        solver.set("timeout", self.milliseconds)
        for index, (node, value) in enumerate(wanted):
            # Certainly true, or not certainly false; and the opposite of either.
            is_wide = value if counts_unsure is None else counts_unsure[index] == value
            if counts_unsure is None or not is_wide:
                solver.add(model.holds(node) if value else model.fails(node))
            else:
                solver.add(self.z3.Not(model.fails(node) if value else model.holds(node)))
        solver.add(*model.ranges)
        result = solver.check()
        if result == self.z3.unsat:
            return Answer.IMPOSSIBLE, {}
        if result != self.z3.sat:
            return Answer.UNKNOWN, {}
        return Answer.POSSIBLE, model.facts(solver.model())


class _Model:
    def __init__(self, z3: Any, schema: FactsSchema, nodes: Sequence[ir.Node]) -> None:
        self.z3 = z3
        self.schema = schema
        self.ranges: list[Any] = []
        self.values: dict[str, Any] = {}
        self.present: dict[str, Any] = {}
        self.members: dict[tuple[str, str], Any] = {}
        self.free: dict[ir.Node, Any] = {}
        spoken = {word for node in nodes for part in ir.walk(node) for word in _words(part)}
        choices = {word for fact in schema.facts for word in fact.choices}
        self.words = sorted((spoken | choices) - set(OTHER_WORDS)) + list(OTHER_WORDS)
        self.codes = {word: code for code, word in enumerate(self.words)}

    # -- truth: definitely true, definitely false

    def holds(self, node: ir.Node) -> Any:
        z3 = self.z3
        match node:
            case ir.Const(value, Type.BOOL):
                return z3.BoolVal(bool(value))
            case ir.Not(operand):
                return self.fails(operand)
            case ir.And(operands):
                return z3.And([self.holds(operand) for operand in operands])
            case ir.Or(operands):
                return z3.Or([self.holds(operand) for operand in operands])
            case ir.If(condition, then, otherwise) if node.type is Type.BOOL:
                return z3.Or(
                    z3.And(self.holds(condition), self.holds(then)),
                    z3.And(self.fails(condition), self.holds(otherwise)),
                )
        value, known = self.value(node)
        return z3.And(known, value)

    def fails(self, node: ir.Node) -> Any:
        z3 = self.z3
        match node:
            case ir.Const(value, Type.BOOL):
                return z3.BoolVal(not value)
            case ir.Not(operand):
                return self.holds(operand)
            case ir.And(operands):
                return z3.Or([self.fails(operand) for operand in operands])
            case ir.Or(operands):
                return z3.And([self.fails(operand) for operand in operands])
            case ir.If(condition, then, otherwise) if node.type is Type.BOOL:
                return z3.Or(
                    z3.And(self.holds(condition), self.fails(then)),
                    z3.And(self.fails(condition), self.fails(otherwise)),
                )
        value, known = self.value(node)
        return z3.And(known, z3.Not(value))

    # -- values, each with whether it is known

    def value(self, node: ir.Node) -> tuple[Any, Any]:
        z3 = self.z3
        yes = z3.BoolVal(True)
        match node:
            case ir.Const(value):
                return self.constant(value, node.type), yes
            case ir.Has(name):
                return self.is_present(name), yes
            case ir.FactRef(name):
                return self.fact(name), self.is_present(name)
            case ir.Compare(operator, left, right) if left.type is not Type.STRING or operator in ("==", "!="):
                (a, known), (b, other) = self.value(left), self.value(right)
                return _compare(operator, a, b), z3.And(known, other)
            case ir.In(item, ir.Const(values)):
                a, known = self.value(item)
                return z3.Or([a == self.constant(value, item.type) for value in values]), known
            case ir.In(ir.Const(word), ir.FactRef(name)):
                return self.member(name, word), self.is_present(name)
            case ir.Quantifier(kind, ir.Const(values), _, body):
                parts = [ir.bind_item(body, value, node.list.type) for value in values]
                whole: ir.Node = ir.Or(tuple(parts)) if kind == "exists" else ir.And(tuple(parts))
                return self.holds(whole), z3.Or(self.holds(whole), self.fails(whole))
            case ir.Quantifier("exists", ir.FactRef(name), _, ir.In(ir.ItemRef(), ir.Const(words))):
                return z3.Or([self.member(name, word) for word in words]), self.is_present(name)
            case ir.Quantifier("exists", ir.FactRef(name), _, ir.Compare("==", ir.ItemRef(), ir.Const(word))):
                return self.member(name, word), self.is_present(name)
            case ir.Arithmetic(operator, left, right):
                (a, known), (b, other) = self.value(left), self.value(right)
                return _arithmetic(operator, a, b), z3.And(known, other)
            case ir.Negate(operand):
                a, known = self.value(operand)
                return -a, known
            case ir.ToDouble(operand):
                a, known = self.value(operand)
                return z3.ToReal(a), known
            case ir.Extreme(kind, operands):
                values_of = [self.value(operand) for operand in operands]
                best = values_of[0][0]
                for other_value, _ in values_of[1:]:
                    best = z3.If(best >= other_value if kind == "max" else best <= other_value, best, other_value)
                return best, z3.And([known for _, known in values_of])
            case ir.If(condition, then, otherwise):
                (a, known), (b, other) = self.value(then), self.value(otherwise)
                chosen, rejected = self.holds(condition), self.fails(condition)
                return z3.If(chosen, a, b), z3.Or(z3.And(chosen, known), z3.And(rejected, other))
            case ir.And() | ir.Or() | ir.Not():
                return self.holds(node), z3.Or(self.holds(node), self.fails(node))
            case ir.Absent():
                return self.choice(node), z3.BoolVal(False)
        # A test without a model: anything may come out, as soon as its facts are there.
        return self.choice(node), z3.And([self.is_present(name) for name in ir.fact_names(node)])

    def constant(self, value: Any, type: Type) -> Any:
        z3 = self.z3
        if type is Type.BOOL:
            return z3.BoolVal(bool(value))
        if type is Type.DOUBLE:
            numerator, denominator = float(value).as_integer_ratio()
            return z3.RatVal(numerator, denominator)
        if type is Type.STRING:
            return z3.IntVal(self.codes[value])
        if type is Type.TIMESTAMP:
            return z3.IntVal(microseconds(value))
        if type is Type.DURATION:
            return z3.IntVal(value // timedelta(microseconds=1))
        return z3.IntVal(value)

    def choice(self, node: ir.Node) -> Any:
        """A value that nothing is known of; the same test has the same one."""
        if node not in self.free:
            name = f"free {len(self.free)}"
            make = {Type.BOOL: self.z3.Bool, Type.DOUBLE: self.z3.Real}.get(node.type, self.z3.Int)
            self.free[node] = make(name)
            if isinstance(node, ir.Size):
                self.ranges.append(self.free[node] >= 0)
        return self.free[node]

    def is_present(self, name: str) -> Any:
        fact = self.schema.by_name[name]
        if not fact.optional:
            return self.z3.BoolVal(True)
        return self.present.setdefault(name, self.z3.Bool(f"has {name}"))

    def member(self, name: str, word: str) -> Any:
        return self.members.setdefault((name, word), self.z3.Bool(f"{word} in {name}"))

    def fact(self, name: str) -> Any:
        if name not in self.values:
            fact = self.schema.by_name[name]
            make = {FactType.BOOL: self.z3.Bool, FactType.DOUBLE: self.z3.Real}.get(fact.type, self.z3.Int)
            self.values[name] = value = make(name)
            self.ranges += self.range_of(fact, value)
        return self.values[name]

    def range_of(self, fact: Fact, value: Any) -> list[Any]:
        if fact.type in (FactType.STRING, FactType.ENUM):
            if fact.choices and not fact.is_open:
                return [self.z3.Or([value == self.codes[word] for word in fact.choices])]
            return [value >= 0, value < len(self.words)]
        if fact.type is FactType.TIMESTAMP:
            return [value >= 946_684_800 * 10**6, value <= 7_258_118_400 * 10**6]
        ends = []
        if fact.type is FactType.DOUBLE or fact.type is FactType.INT:
            type = Type.DOUBLE if fact.type is FactType.DOUBLE else Type.INT
            if fact.minimum is not None:
                ends.append(value >= self.constant(fact.minimum, type))
            if fact.maximum is not None:
                ends.append(value <= self.constant(fact.maximum, type))
        return ends

    # -- an example

    def facts(self, model: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        lists = {name for name, _ in self.members}
        for name in {*self.values, *self.present, *lists}:
            fact = self.schema.by_name[name]
            if fact.optional and not self.z3.is_true(model.eval(self.is_present(name), model_completion=True)):
                found[name] = None
            elif name in lists:
                found[name] = [
                    word
                    for (owner, word), chosen in self.members.items()
                    if owner == name and self.z3.is_true(model.eval(chosen, model_completion=True))
                ]
            elif name in self.values:
                found[name] = self.plain(fact, model.eval(self.values[name], model_completion=True))
        return found

    def plain(self, fact: Fact, value: Any) -> Any:
        if fact.type is FactType.BOOL:
            return self.z3.is_true(value)
        if fact.type is FactType.DOUBLE:
            if self.z3.is_algebraic_value(value):
                value = value.approx(20)
            return value.numerator_as_long() / value.denominator_as_long()
        number = value.as_long()
        if fact.type is FactType.TIMESTAMP:
            return instant_of(number)
        return number if fact.type is FactType.INT else self.words[number]


def _words(part: ir.Node) -> tuple[str, ...]:
    if isinstance(part, ir.Const):
        if part.type is Type.STRING:
            return (part.value,)
        if part.type is Type.STRING_LIST:
            return tuple(part.value)
    return ()


def _compare(operator: str, left: Any, right: Any) -> Any:
    match operator:
        case "==":
            return left == right
        case "!=":
            return left != right
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
    return left >= right


def _arithmetic(operator: str, left: Any, right: Any) -> Any:
    match operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
    return left / right
