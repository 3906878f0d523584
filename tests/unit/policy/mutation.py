"""Would a bundle's own cases notice a slip? Turn each comparison of a rule around and see whether a case changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from governance.policy.backends.interpreter import INDETERMINATE, evaluate
from governance.policy.bundle.bundle_model import Bundle, RuleTest
from governance.policy.bundle.effects import EffectKind
from governance.policy.bundle.testing import ask_of, day_of
from governance.policy.decisions.policy_set import compile_policy_set
from governance.policy.language import ir
from governance.policy.language.ir_text import text_of

# Strictness first: a case exactly at the line is what notices it.
_SLIPS = {
    "<": ("<=", ">="),
    "<=": ("<", ">"),
    ">": (">=", "<="),
    ">=": (">", "<"),
    "==": ("!=",),
    "!=": ("==",),
}


@dataclass(frozen=True, slots=True)
class Survivor:
    """A slip that no case of the rule notices."""

    rule_id: str
    original: str
    mutant: str


def surviving_mutants(bundle: Bundle) -> tuple[Survivor, ...]:
    """Every single slip in a comparison or membership of a rule that leaves all its cases as they are."""
    compiled = compile_policy_set([bundle])
    survivors: list[Survivor] = []
    for rule in bundle.rules:
        tests = [test for test in bundle.tests if test.rule == rule.id]
        for node in (each.node for each in compiled.rules if each.rule_id == rule.id):
            for original, mutated, whole in mutants(node):
                if not any(_notices(bundle, test, whole, compiled_kind=rule.effect.kind) for test in tests):
                    survivors.append(Survivor(rule.id, text_of(original), text_of(mutated)))
    return tuple(survivors)


def mutants(node: ir.Node) -> Iterator[tuple[ir.Node, ir.Node, ir.Node]]:
    """Each slip: the part, the part mutated, and the whole condition with it."""
    for path, part in _paths(node, ()):
        for changed in _slips(part):
            yield part, changed, _put(node, path, changed)


def _slips(part: ir.Node) -> list[ir.Node]:
    if isinstance(part, ir.Compare):
        return [replace(part, operator=operator) for operator in _SLIPS[part.operator]]
    if isinstance(part, (ir.In, ir.TextTest)):
        return [ir.Not(operand=part)]
    return []


def _paths(node: ir.Node, path: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], ir.Node]]:
    yield path, node
    for index, child in enumerate(ir.children(node)):
        yield from _paths(child, (*path, index))


def _put(node: ir.Node, path: tuple[int, ...], part: ir.Node) -> ir.Node:
    """The tree with one part exchanged."""
    if not path:
        return part
    seen = iter(range(len(ir.children(node))))
    return ir.map_children(node, lambda child: _put(child, path[1:], part) if next(seen) == path[0] else child)


def _notices(bundle: Bundle, test: RuleTest, condition: ir.Node, *, compiled_kind: EffectKind) -> bool:
    facts = ask_of(bundle, test.facts, test.absent)
    value = evaluate(ir.bind_params(condition, bundle.param_values(day_of(bundle, test))), facts)
    fires = compiled_kind is not EffectKind.ALLOW if value is INDETERMINATE else bool(value)
    return fires is not test.fires


__all__ = ["Survivor", "mutants", "surviving_mutants"]
