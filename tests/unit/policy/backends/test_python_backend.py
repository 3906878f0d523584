"""Generated code answers as the interpreter does, three values included, and holds no word of an author."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from governance.policy.backends.interpreter import INDETERMINATE, evaluate
from governance.policy.backends.python_backend import compile_rules, generate_source
from governance.policy.decisions.policy_set import REQUIRED_FACTS
from governance.policy.facts.examples import plain_facts
from governance.policy.language import ir
from governance.policy.language.checker import check_condition
from governance.policy.language.scope import ParamInfo, Scope
from governance.policy.language.types import Type

SCOPE = Scope(params={"limit": ParamInfo(Type.DOUBLE, (2.0,)), "unset": ParamInfo(Type.DOUBLE, ())})


def _condition(text: str, **params: Any) -> ir.Node:
    return ir.bind_params(check_condition(text, SCOPE).node, params)


def _answers(text: str, facts: dict[str, Any], **params: Any) -> tuple[Any, Any]:
    """What the generated function and the interpreter say: True, False or None."""
    node = _condition(text, **params)
    mask = compile_rules([node], REQUIRED_FACTS)(facts)
    generated = None if mask & 2 else bool(mask & 1)
    value = evaluate(node, facts)
    return generated, None if value is INDETERMINATE else value


@pytest.mark.parametrize(
    ("text", "facts", "expected"),
    [
        ("estimate.run_flop_p90 > 1e25", {}, None),
        ("estimate.run_flop_p90 > 1e25", {"estimate.run_flop_p90": 1e26}, True),
        ("estimate.run_flop_p90 > 1e25", {"estimate.run_flop_p90": 1e25}, False),
        ("estimate.run_flop_p90 > 1e25 && false", {}, False),
        ("false && estimate.run_flop_p90 > 1e25", {}, False),
        ("estimate.run_flop_p90 > 1e25 && true", {}, None),
        ("estimate.run_flop_p90 > 1e25 || true", {}, True),
        ("estimate.run_flop_p90 > 1e25 || false", {}, None),
        ("estimate.run_flop_p90 > 1e25 && has(estimate.run_flop_p90)", {}, False),
        ("!(estimate.run_flop_p90 > 1e25)", {}, None),
        ("estimate.memory_fits", {}, None),
        ("estimate.memory_fits", {"estimate.memory_fits": False}, False),
        ("estimate.memory_fits ? true : true", {}, None),
        ("estimate.memory_fits ? place.pue > 1.0 : true", {"estimate.memory_fits": False}, True),
        ("estimate.memory_fits ? place.pue > 1.0 : true", {"estimate.memory_fits": True}, None),
        ("request.use_tags.exists(t, t == place.region)", {"request.use_tags": ["x"]}, None),
        ("request.use_tags.exists(t, t == 'x' || t == place.region)", {"request.use_tags": ["a", "x"]}, True),
        ("request.use_tags.all(t, t != 'x' && t != place.region)", {"request.use_tags": ["a", "x"]}, False),
        ("request.use_tags.all(t, t != place.region)", {"request.use_tags": []}, True),
        ("request.use_tags.exists(t, t in ['x', 'y'])", {"request.use_tags": ["a", "y"]}, True),
        ("request.use_tags.exists(t, t in ['x', 'y'])", {"request.use_tags": ["a"]}, False),
        ("request.use_tags.all(t, t in ['x', 'y'])", {"request.use_tags": ["x"]}, True),
        ("[1.0, 2000.0].exists(b, request.exposure_usd <= b)", {}, True),
        ("[1.0, 2000.0].all(b, request.exposure_usd <= b)", {}, False),
        ("[].exists(b, b == 'a')", {}, False),
        ("[].all(b, b == 'a')", {}, True),
        ("max(place.pue, 1.0) > 1.5", {}, None),
        ("max(place.pue, 1.0) > 1.5", {"place.pue": 1.6}, True),
        ("min(request.exposure_usd, 1.0, 7.0) == 1.0", {}, True),
        ("max(1, 3, 2) == 3", {}, True),
        ("request.exposure_usd > params.limit", {}, True),
        ("request.exposure_usd > params.unset", {}, None),
        ("request.exposure_usd > params.unset || true", {}, True),
        ("request.end_at > clock.decided_at", {"request.end_at": datetime(2027, 1, 1, tzinfo=UTC)}, True),
        ("request.start_at - clock.decided_at == duration('143h')", {}, True),
        ("size(request.use_tags) + 1 == 3", {"request.use_tags": ["a", "b"]}, True),
        ("-request.exposure_usd + 1216.0 == 0.0", {}, True),
        ("double(request.accelerator_count) / 16.0 == 0.5", {}, True),
        ("request.purpose.startsWith('res') && request.purpose.endsWith('ch')", {}, True),
        ("request.purpose.contains('sea') && !request.purpose.contains('see')", {}, True),
        ("place.region.contains('x')", {}, None),
        ("'medical' in request.use_tags", {"request.use_tags": ["medical"]}, True),
        ("place.country in ['DE']", {}, None),
        ("request.exposure_usd in [1216, 3]", {}, True),
    ],
)  # fmt: skip
def test_generated_code_and_interpreter_agree(text: str, facts: dict[str, Any], expected: bool | None) -> None:
    base = plain_facts()
    for name in ("place.region", "place.country", "request.end_at"):
        del base[name]
    assert _answers(text, {**base, **facts}, limit=2.0) == (expected, expected)


def test_no_word_of_the_author_becomes_code() -> None:
    node = _condition("request.purpose == \"'); import os #\" && request.use_tags.exists(os, os == 'x')")
    source, _ = generate_source([node], REQUIRED_FACTS)
    assert '"\'); import os #"' in source
    # Outside of that literal only our own names remain.
    rest = source.replace('"\'); import os #"', "")
    assert "import" not in rest
    assert "os" not in rest.replace("request.purpose", "")


def test_a_guarded_rule_is_plain_python() -> None:
    node = _condition("has(estimate.run_flop_p90) && estimate.run_flop_p90 > 1e25")
    source, constants = generate_source([node], REQUIRED_FACTS)
    assert "lambda" not in source
    assert constants == {}


def test_generated_code_has_no_builtins_to_reach() -> None:
    function = compile_rules([_condition("request.exposure_usd > 1.0")], REQUIRED_FACTS)
    assert function.__globals__["__builtins__"] == {}


def test_a_missing_required_fact_raises_here_and_is_caught_by_the_policy_set() -> None:
    function = compile_rules([_condition("estimate.commitment_tail_usd > 1.0")], REQUIRED_FACTS)
    with pytest.raises(KeyError):
        function({})
