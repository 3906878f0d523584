"""One expression, four judges: Google's evaluator, the interpreter, generated Python, columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from cel_expr_python import cel

from governance.policy.backends.bitmaps import run
from governance.policy.backends.columns import encode
from governance.policy.backends.columns_backend import ColumnsProgram
from governance.policy.backends.interpreter import INDETERMINATE, evaluate
from governance.policy.backends.python_backend import compile_rules
from governance.policy.decisions.policy_set import REQUIRED_FACTS
from governance.policy.facts.facts_schema import FACTS_BY_NAME, SCHEMA, validate_facts
from governance.policy.language import ir
from governance.policy.language.ir_text import text_of
from governance.policy.language.types import Type, type_of_fact
from tests.policy_columns import decode_row
from tests.property.expressions import USED, Maker
from tests.prove.counts import COUNTS

SEED = 20261121
# Three values: True, False, None for what cannot be judged.
Verdicts = list[bool | None]

_ORACLE_TYPES = {
    Type.DOUBLE: cel.Type.DOUBLE,
    Type.INT: cel.Type.INT,
    Type.BOOL: cel.Type.BOOL,
    Type.STRING: cel.Type.STRING,
    Type.TIMESTAMP: cel.Type.TIMESTAMP,
    Type.STRING_LIST: cel.Type.List(cel.Type.STRING),
}


def _oracle_environment() -> Any:
    variables = {name: _ORACLE_TYPES[type_of_fact(FACTS_BY_NAME[name])] for name in USED}
    # It knows variables, not facts that may be absent: whether one is there is a variable of its own.
    variables |= {f"present.{FACTS_BY_NAME[name].column}": cel.Type.BOOL for name in USED}
    return cel.NewEnv(variables=variables)


def _for_oracle(node: ir.Node) -> ir.Node:
    """What the profile adds to CEL, said in CEL: `has` on a fact, `max`, `min`."""
    if isinstance(node, ir.Has):
        return ir.FactRef(f"present.{FACTS_BY_NAME[node.name].column}", Type.BOOL)
    node = ir.map_children(node, _for_oracle)
    if isinstance(node, ir.Extreme):
        chosen, *others = node.operands
        for other in others:
            test = ir.Compare(">=" if node.kind == "max" else "<=", chosen, other)
            chosen = ir.If(test, chosen, other, node.type)
        return chosen
    return node


def by_oracle(environment: Any, node: ir.Node, rows: Sequence[dict[str, Any]]) -> Verdicts:
    program = environment.compile(text_of(_for_oracle(node)))
    verdicts: Verdicts = []
    for row in rows:
        data = {name: row[name] for name in USED if name in row}
        data |= {f"present.{FACTS_BY_NAME[name].column}": name in row for name in USED}
        value = program.eval(data=data)
        verdicts.append(value.value() if value.type().name() == "BOOL" else None)
    return verdicts


def by_interpreter(node: ir.Node, rows: Sequence[dict[str, Any]]) -> Verdicts:
    values = [evaluate(node, row) for row in rows]
    return [None if value is INDETERMINATE else value for value in values]


def by_python(nodes: Sequence[ir.Node], rows: Sequence[dict[str, Any]]) -> list[Verdicts]:
    function, count = compile_rules(nodes, REQUIRED_FACTS), len(nodes)
    masks = [function(row) for row in rows]
    return [
        [None if mask >> (index + count) & 1 else bool(mask >> index & 1) for mask in masks] for index in range(count)
    ]


def by_columns(nodes: Sequence[ir.Node], rows: Sequence[dict[str, Any]]) -> list[Verdicts]:
    columns = encode(rows, SCHEMA)
    assert decode_row(columns, 0, SCHEMA) == rows[0]
    answers = ColumnsProgram(nodes).run_block(columns)
    bits = run(ColumnsProgram(nodes), columns, len(nodes), workers=2)
    assert [each.fired.tobytes() for each in bits] == [_packed(answer.fired) for answer in answers]
    return [
        [
            None if answer.unsure is not None and answer.unsure[row] else bool(answer.fired[row])
            for row in range(len(rows))
        ]
        for answer in answers
    ]


def _packed(truth: Any) -> bytes:
    import numpy as np

    return np.packbits(truth).tobytes()


def differences(seed: int, expressions: int, rows: int) -> tuple[int, list[str], set[bool | None]]:
    """How many pairs were judged, where the judges differ, and which answers came up."""
    maker = Maker(seed)
    asks = [maker.row() for _ in range(rows)]
    for ask in asks:
        validate_facts(ask)
    drawn = [maker.condition() for _ in range(expressions)]
    nodes = [node for _, node in drawn]
    environment = _oracle_environment()
    python, columns = by_python(nodes, asks), by_columns(nodes, asks)
    found: list[str] = []
    seen: set[bool | None] = set()
    for index, (text, node) in enumerate(drawn):
        wanted = by_oracle(environment, node, asks)
        seen.update(wanted)
        others = {
            "interpreter": by_interpreter(node, asks),
            "python": python[index],
            "columns": columns[index],
        }
        for name, verdicts in others.items():
            wrong = [row for row, truth in enumerate(wanted) if truth is not verdicts[row]]
            if wrong:
                seen_facts = {fact: asks[wrong[0]].get(fact) for fact in ir.fact_names(node)}
                found.append(f"{name} says {verdicts[wrong[0]]}, not {wanted[wrong[0]]}: {text} on {seen_facts}")
    return expressions * rows, found, seen


def test_all_back_ends_say_what_googles_evaluator_says() -> None:
    pairs, found, seen = differences(SEED, expressions=60, rows=40)
    assert pairs == 2_400
    assert found == []
    assert seen == {True, False, None}


@pytest.mark.prove
@pytest.mark.parametrize("round_number", range(6))
def test_many_pairs_without_a_difference(round_number: int) -> None:
    pairs, found, seen = differences(SEED + 1 + round_number, expressions=COUNTS.expressions, rows=COUNTS.rows)
    assert pairs == COUNTS.expressions * COUNTS.rows
    assert found == []
    assert seen == {True, False, None}
