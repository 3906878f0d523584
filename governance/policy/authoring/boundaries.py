"""Cases just below, at and just above the limits of a rule, for its author to look at and to keep."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from governance.display.numbers import NBSP, round_significant
from governance.policy.backends.interpreter import INDETERMINATE, evaluate
from governance.policy.bundle.bundle_model import Bundle, CaseKind, RuleTest
from governance.policy.bundle.testing import ask_of
from governance.policy.decisions.explain import LeafShape
from governance.policy.decisions.policy_set import BoundRule, CompiledPolicySet
from governance.policy.decisions.wording import format_value
from governance.policy.facts.facts import NUMERIC, Fact, FactType, check_value
from governance.policy.language import ir
from governance.policy.language.types import NUMBERS

CASES_MAX = 24
BASES_MAX = 40
_PLACES = ((-1, "just below"), (0, "exactly"), (1, "just above"))


def propose_cases(
    bundle: Bundle, policy_set: CompiledPolicySet, *, on: date, params: frozenset[str] | None = None,
    rules: frozenset[str] | None = None,
) -> tuple[RuleTest, ...]:  # fmt: skip
    """Boundary cases that the bundle lacks, each expecting what the rules say now.

    Args:
        on: the day that the cases are judged on.
        params: only limits that these parameters set; None for every limit.
        rules: only these rules; None for all.
    """
    found: list[RuleTest] = []
    known = {(case.rule, _frozen(case.facts)) for case in bundle.tests if case.on in (None, on)}
    for rule in policy_set.at(on).rules:
        if rules is not None and rule.rule_id not in rules:
            continue
        for shape in rule.shapes:
            if not shape.is_numeric or (params is not None and not params & _params_of(shape)):
                continue
            for case in _around(bundle, rule, shape, on):
                if (case.rule, _frozen(case.facts)) not in known and len(found) < CASES_MAX:
                    known.add((case.rule, _frozen(case.facts)))
                    found.append(case)
    return tuple(found)


def _params_of(shape: LeafShape) -> set[str]:
    return set(re.findall(r"params\.([a-z_][a-z0-9_]*)", shape.text))


def _frozen(facts: Mapping[str, Any]) -> str:
    return repr(sorted(facts.items(), key=lambda item: item[0]))


def _around(bundle: Bundle, rule: BoundRule, shape: LeafShape, on: date) -> Iterator[RuleTest]:
    """The three cases of one comparison: the first request of the rule's own cases on which the limit decides."""
    limit = _limit_of(shape.bound)
    if limit is None:
        return
    for name in shape.facts:
        fact = rule.schema.by_name[name]
        if fact.type not in NUMERIC:
            continue
        values = [_beside(fact, limit, side, shape.unit) for side, _ in _PLACES]
        if any(check_value(fact, value) is not None for value in values) or len(set(values)) < len(values):
            continue
        for own, absent in _bases(bundle, rule.rule_id):
            if name in absent:
                continue
            truths = [_truth(bundle, rule, {**own, name: value}, absent) for value in values]
            if len(set(truths)) > 1:
                for (_, word), value, fires in zip(_PLACES, values, truths, strict=True):
                    yield _case(
                        rule, fact, {**own, name: value}, absent, f"{word} {_said(limit, shape.unit)}", fires, on
                    )
                return


def _case(
    rule: BoundRule, fact: Fact, facts: dict[str, Any], absent: tuple[str, ...], words: str, fires: bool, on: date
) -> RuleTest:
    kind = CaseKind.AT_LINE if words.startswith("exactly") else CaseKind.FIRING if fires else CaseKind.NON_FIRING
    field = fact.field.replace("_", " ")
    return RuleTest(f"{words} in {field}, {on}", rule.rule_id, kind, fires, facts, absent, on=on)


def _said(limit: float, unit: str) -> str:
    return format_value(limit, unit).replace(NBSP, " ")


def _bases(bundle: Bundle, rule_id: str) -> Iterator[tuple[dict[str, Any], tuple[str, ...]]]:
    """What the rule's own cases change in the plain request; firing ones first, for there all else holds."""
    own = sorted((case for case in bundle.tests if case.rule == rule_id), key=lambda case: not case.fires)
    for case in own[:BASES_MAX]:
        yield dict(case.facts), case.absent
    yield {}, ()


def _truth(bundle: Bundle, rule: BoundRule, own: dict[str, Any], absent: tuple[str, ...]) -> bool:
    answer = evaluate(rule.condition, ask_of(bundle, own, absent))
    # An allow that cannot be judged does not fire; everything else does.
    return rule.kind.value != "allow" if answer is INDETERMINATE else bool(answer)


def _limit_of(node: ir.Node) -> float | None:
    if not isinstance(node, ir.Compare):
        return None
    for side in (node.right, node.left):
        if isinstance(side, ir.Const) and side.type in NUMBERS:
            return float(side.value)
    return None


def _beside(fact: Fact, limit: float, side: int, unit: str) -> int | float:
    """The limit, or a step that people would write beside it: a cent, one piece, the fourth digit."""
    if fact.type is FactType.INT:
        below_or_above = math.floor if side < 0 else math.ceil
        return int(limit) + side if limit == int(limit) else below_or_above(limit)
    step = (
        0.01
        if unit == "USD" and abs(limit) < 1e12
        else 10.0 ** (math.floor(math.log10(abs(limit))) - 4)
        if limit
        else 0.01
    )
    # Short decimals: 1500.01 and 0.6001, not 1500.0100000000002.
    return round_significant(limit + side * step, 12)
