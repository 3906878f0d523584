"""Is there a request on which these rules count and those do not? By trying, by proof, with z3 when it is there.

A rule counts where the decision makes it count: a rule that could not be judged counts as fired unless it is an allow.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from governance.policy.analysis.contradiction import is_never_true
from governance.policy.analysis.samples import candidates, draw
from governance.policy.analysis.solver import MILLISECONDS_MAX, Answer, Solver, is_installed
from governance.policy.backends.columns import Columns, encode
from governance.policy.backends.columns_backend import ColumnsProgram, RuleAnswer
from governance.policy.backends.interpreter import INDETERMINATE, evaluate
from governance.policy.bundle.effects import EffectKind
from governance.policy.decisions.policy_set import BoundRule
from governance.policy.facts.examples import plain_facts
from governance.policy.facts.schema import FactsSchema
from governance.policy.language import ir

TRIES = 4_000


@dataclass(frozen=True, slots=True)
class Found:
    """`answer` says whether it is possible; `example` is a request that shows it, judged by the interpreter."""

    answer: Answer
    example: Mapping[str, Any] | None = None


class Reasoner:
    """Asks about a fixed list of conditions, by their numbers. Tries a few thousand asks once, for all questions.

    Args:
        counts_unsure: per condition, whether it counts where it cannot be judged; everywhere when None.
    """

    def __init__(
        self,
        conditions: Sequence[ir.Node],
        schema: FactsSchema,
        *,
        counts_unsure: Sequence[bool] | None = None,
        base: Mapping[str, Any] | None = None,
        use_solver: bool = True,
        milliseconds: int = MILLISECONDS_MAX,
        tries: int = TRIES,
    ) -> None:
        self.conditions = tuple(conditions)
        self.counts_unsure = tuple(counts_unsure) if counts_unsure is not None else (True,) * len(self.conditions)
        self.schema = schema
        ground = {name: value for name, value in (base or plain_facts()).items() if name in schema.by_name}
        self.rows = draw(candidates(self.conditions, schema), ground, tries)
        names = dict.fromkeys(name for node in self.conditions for name in ir.fact_names(node))
        self.columns: Columns = encode(self.rows, schema, names)
        self.answers: list[RuleAnswer] = ColumnsProgram(self.conditions).run_block(self.columns)
        self.solver = Solver(schema, milliseconds=milliseconds) if use_solver and is_installed() else None
        self.ground = ground

    @classmethod
    def of_rules(cls, rules: Sequence[BoundRule], schema: FactsSchema, **options: Any) -> Reasoner:
        """About the conditions of rules; `options` as of the constructor."""
        return cls(
            [rule.condition for rule in rules],
            schema,
            counts_unsure=[rule.kind is not EffectKind.ALLOW for rule in rules],
            **options,
        )

    def tried(self, true: Sequence[int] = (), false: Sequence[int] = ()) -> NDArray[np.bool_]:
        """On which of the requests that were tried these conditions count and those do not."""
        together = np.ones(len(self.rows), np.bool_)
        for index in true:
            together &= self._counted(index)
        for index in false:
            together &= ~self._counted(index)
        return together

    def ever_true(self, index: int) -> bool:
        """Whether a condition was certainly true on any request that was tried."""
        return bool(self.answers[index].fired.any())

    def _counted(self, index: int) -> NDArray[np.bool_]:
        answer = self.answers[index]
        return answer.fired if answer.unsure is None or not self.counts_unsure[index] else answer.fired | answer.unsure

    def _is_counted(self, index: int, example: Mapping[str, Any]) -> bool:
        value = evaluate(self.conditions[index], example)
        return self.counts_unsure[index] if value is INDETERMINATE else bool(value)

    def find(self, true: Sequence[int] = (), false: Sequence[int] = ()) -> Found:
        """Look for a request; first among those tried, then by the cheap proof, then by the solver."""
        hits = np.flatnonzero(self.tried(true, false))
        if len(hits):
            return Found(Answer.POSSIBLE, self.rows[int(hits[0])])
        parts = [self.conditions[index] for index in true] + [ir.Not(self.conditions[index]) for index in false]
        whole = ir.And(tuple(parts)) if len(parts) > 1 else parts[0]
        # The proof speaks of what is certainly true; where a rule also counts unjudged it proves nothing.
        is_sound = not any(self.counts_unsure[index] and ir.may_err(self.conditions[index]) for index in true)
        is_sound &= all(self.counts_unsure[index] or not ir.may_err(self.conditions[index]) for index in false)
        if is_sound and is_never_true(whole, self.schema):
            return Found(Answer.IMPOSSIBLE)
        if self.solver is None:
            return Found(Answer.UNKNOWN)
        wanted = [(index, True) for index in true] + [(index, False) for index in false]
        answer, facts = self.solver.find(
            [(self.conditions[index], value) for index, value in wanted],
            [self.counts_unsure[index] for index, _ in wanted],
        )
        if answer is not Answer.POSSIBLE:
            return Found(answer)
        # Reals are not doubles, and some tests have no model: what the interpreter does not confirm is not known. A
        # number just beyond a limit may have been rounded onto it, so its neighbours are tried too.
        for towards in (None, math.inf, -math.inf):
            example = {**self.ground, **{name: _nudged(value, towards) for name, value in facts.items()}}
            example = {name: value for name, value in example.items() if value is not None}
            if all(self._is_counted(index, example) is value for index, value in wanted):
                return Found(Answer.POSSIBLE, example)
        return Found(Answer.UNKNOWN)


def _nudged(value: Any, towards: float | None) -> Any:
    return math.nextafter(value, towards) if isinstance(value, float) and towards is not None else value
