"""In which order one function tests the conditions of many rules, so that what they share is tested once.

Rules that begin with the same tests share them (`has(x) && x > 1` and `has(x) && x > 2`), and along a ladder of limits
the higher one is asked only above the lower one. The answer of each rule stays what it is alone: a test moves only
under one that it implies, or that its own rule had in front of it.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from governance.policy.language import ir
from governance.policy.language.types import NUMBERS

# Python refuses code that is indented a hundred times, and so do readers.
BRANCH_DEPTH_MAX = 24


@dataclass(slots=True)
class Branch:
    """A test, the rules that fire where it holds, and the tests that only matter there."""

    test: ir.Node
    fires: list[int] = field(default_factory=list)
    branches: list[Branch] = field(default_factory=list)

    def tests(self) -> Iterator[ir.Node]:
        yield self.test
        for branch in self.branches:
            yield from branch.tests()


def plan(conditions: Iterable[tuple[int, ir.Node]]) -> list[Branch]:
    """Arrange conditions that cannot be indeterminate; each with the number of its rule."""
    roots: list[Branch] = []
    for index, condition in conditions:
        parts = list(conjuncts(condition))
        level, branch = roots, None
        for place, part in enumerate(parts):
            if place == BRANCH_DEPTH_MAX - 1 and len(parts) > place + 1:
                part = ir.And(tuple(parts[place:]))
            branch = next((each for each in level if each.test == part), None)
            if branch is None:
                branch = Branch(part)
                level.append(branch)
            level = branch.branches
            if isinstance(part, ir.And):
                break
        assert branch is not None
        branch.fires.append(index)
    return _ladders(roots, 0)


def conjuncts(condition: ir.Node) -> Iterator[ir.Node]:
    """The parts of nested `&&`, left to right."""
    if isinstance(condition, ir.And):
        for operand in condition.operands:
            yield from conjuncts(operand)
    else:
        yield condition


def _ladders(branches: list[Branch], depth: int) -> list[Branch]:
    """Hang each limit under the next weaker one on the same value."""
    arranged: list[Branch] = []
    rungs: dict[tuple[ir.Node, str], list[Branch]] = {}
    for branch in branches:
        test = branch.test
        if isinstance(test, ir.Compare) and test.operator[0] in "<>" and _is_limit(test.right):
            rungs.setdefault((test.left, test.operator[0]), []).append(branch)
        else:
            arranged.append(branch)
    for (_, direction), ladder in rungs.items():
        ladder.sort(key=_strictness, reverse=direction == "<")
        arranged.append(ladder[0])
        for rung, (weaker, stricter) in enumerate(itertools.pairwise(ladder), start=1):
            if depth + rung < BRANCH_DEPTH_MAX:
                weaker.branches.append(stricter)
            else:
                arranged.append(stricter)
    for branch in arranged:
        branch.branches = _ladders(branch.branches, depth + 1) if depth < BRANCH_DEPTH_MAX else branch.branches
    return arranged


def _is_limit(node: ir.Node) -> bool:
    return isinstance(node, ir.Const) and node.type in NUMBERS


def _strictness(branch: Branch) -> tuple[float, bool]:
    """Ascending for `>`: a higher limit is stricter, and `>` is stricter than `>=`. For `<` the other way round."""
    test = branch.test
    assert isinstance(test, ir.Compare)
    assert isinstance(test.right, ir.Const)
    is_strict = len(test.operator) == 1
    return test.right.value, is_strict == (test.operator[0] == ">")


def shared_terms(nodes: Sequence[ir.Node], required: frozenset[str]) -> list[ir.Node]:
    """Sums and products that occur more than once and cannot fail: worth a name. Inner ones first."""
    counts: Counter[ir.Node] = Counter()

    def count(node: ir.Node) -> None:
        if isinstance(node, ir.Quantifier):
            # Inside, the item differs from turn to turn.
            count(node.list)
            return
        if isinstance(node, ir.Arithmetic) and _cannot_fail(node, required):
            counts[node] += 1
            if counts[node] > 1:
                # Its parts are already named through it.
                return
        for child in ir.children(node):
            count(child)

    for node in nodes:
        count(node)
    found = [node for node, times in counts.items() if times > 1]
    return sorted(found, key=_size)


def _size(node: ir.Node) -> int:
    return sum(1 for _ in ir.walk(node))


def _cannot_fail(node: ir.Node, required: frozenset[str]) -> bool:
    for part in ir.walk(node):
        if isinstance(part, ir.FactRef):
            if part.name not in required:
                return False
        elif isinstance(part, ir.Arithmetic):
            if part.operator == "/" and not isinstance(part.right, ir.Const):
                return False
        elif not isinstance(part, (ir.Const, ir.ToDouble, ir.Negate)):
            return False
    return True


def fact_uses(nodes: Iterable[ir.Node]) -> Counter[str]:
    """How often the written code will read each fact; inside a loop counts as often."""
    uses: Counter[str] = Counter()

    def count(node: ir.Node, times: int) -> None:
        if isinstance(node, (ir.FactRef, ir.Has)):
            uses[node.name] += times
        for child in ir.children(node):
            count(child, 2 if isinstance(node, ir.Quantifier) else times)

    for node in nodes:
        count(node, 1)
    return uses
