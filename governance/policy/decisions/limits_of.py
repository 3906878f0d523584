"""Where the rules of one day change their minds: the numbers that each fact is compared with."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from governance.policy.decisions.policy_set import CompiledPolicySet
from governance.policy.language import ir
from governance.policy.language.types import NUMBERS, Type

KEPT_MAX = 64


@lru_cache(maxsize=KEPT_MAX)
def limits_of(policy: CompiledPolicySet, on: date) -> dict[str, tuple[float, ...]]:
    """By fact, every number in a comparison that looks at it, ascending."""
    found: dict[str, set[float]] = {}
    for rule in policy.at(on).rules:
        for part in ir.walk(rule.condition):
            if isinstance(part, (ir.Compare, ir.In, ir.Quantifier)):
                numbers = {number for each in ir.walk(part) if isinstance(each, ir.Const) for number in _numbers(each)}
                for name in ir.fact_names(part):
                    found.setdefault(name, set()).update(numbers)
    return {name: tuple(sorted(numbers)) for name, numbers in found.items()}


def _numbers(part: ir.Const) -> tuple[float, ...]:
    if part.type in NUMBERS:
        return (float(part.value),)
    return tuple(map(float, part.value)) if part.type in (Type.DOUBLE_LIST, Type.INT_LIST) else ()
