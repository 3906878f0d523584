"""Rules that read facts which no part of the product fills yet: they wait for data, and are never said to check it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

from governance.policy.bundle.effects import EffectKind
from governance.policy.decisions.policy_set import BoundRule
from governance.policy.facts.facts import Fact
from governance.policy.facts.schema import FactsSchema
from governance.policy.language import ir
from governance.policy.language.types import Type

_ERROR, _VALUE = "error", "value"


@dataclass(frozen=True, slots=True)
class Waiting:
    """What one rule waits for.

    Attributes:
        facts: those that it reads and nothing fills yet, in source order.
        is_whole: without them the rule can never fire; otherwise only a part of it waits.
    """

    facts: tuple[Fact, ...]
    is_whole: bool


def waiting_of(rule: BoundRule) -> Waiting | None:
    """What the rule waits for, or None when everything that it reads is filled."""
    by_name = rule.schema.by_name
    facts = tuple(by_name[name] for name in ir.fact_names(rule.condition) if name in by_name and by_name[name].awaits)
    if not facts:
        return None
    results = _possible(rule.condition, rule.schema)
    # An error counts as fired, except for a rule that permits.
    fires = True in results or (_ERROR in results and rule.kind is not EffectKind.ALLOW)
    return Waiting(facts, is_whole=not fires)


def _possible(node: ir.Node, schema: FactsSchema) -> frozenset[object]:
    """Every result that the node could have while awaited facts are absent: True, False, a value, an error.

    Wide: parts are taken as independent, so a result that is listed may be impossible, never the other way round.
    """
    match node:
        case ir.Const(bool() as value):
            return frozenset((value,))
        case ir.Absent():
            return frozenset((_ERROR,))
        case ir.Has(name):
            fact = schema.by_name.get(name)
            is_awaited, is_optional = fact is not None and bool(fact.awaits), fact is None or fact.optional
            return frozenset((False,) if is_awaited else (True, False) if is_optional else (True,))
        case ir.FactRef(name):
            fact = schema.by_name.get(name)
            if fact is not None and fact.awaits:
                return frozenset((_ERROR,))
            errs = (_ERROR,) if not node.is_guarded else ()
            return frozenset((*_results_of(node), *errs))
        case ir.Not(operand):
            return frozenset(not each if isinstance(each, bool) else each for each in _possible(operand, schema))
        case ir.And(operands):
            return _joined([_possible(operand, schema) for operand in operands], absorbing=False)
        case ir.Or(operands):
            return _joined([_possible(operand, schema) for operand in operands], absorbing=True)
        case ir.If(condition, then, otherwise):
            asked = _possible(condition, schema)
            parts = [_possible(part, schema) for part, truth in ((then, True), (otherwise, False)) if truth in asked]
            return frozenset((*chain.from_iterable(parts), *(asked & {_ERROR})))
        case ir.Quantifier(kind, items, _, body):
            listed = _possible(items, schema)
            over = frozenset((kind == "all",)) | _possible(body, schema) if _VALUE in listed else frozenset()
            return over | (listed & {_ERROR})
    parts = [_possible(child, schema) for child in ir.children(node)]
    errs = (_ERROR,) if any(_ERROR in part for part in parts) else ()
    return frozenset((*(_results_of(node) if all(part - {_ERROR} for part in parts) else ()), *errs))


def _results_of(node: ir.Node) -> tuple[object, ...]:
    return (True, False) if getattr(node, "type", None) is Type.BOOL else (_VALUE,)


def _joined(parts: list[frozenset[object]], *, absorbing: bool) -> frozenset[object]:
    """`and` (absorbing False) or `or` (absorbing True): one absorbing part decides, whatever the others do."""
    results: set[object] = set()
    if any(absorbing in part for part in parts):
        results.add(absorbing)
    if all((not absorbing) in part for part in parts):
        results.add(not absorbing)
    if any(_ERROR in part for part in parts) and all(part & {not absorbing, _ERROR} for part in parts):
        results.add(_ERROR)
    return frozenset(results)
