"""Core CEL: the published cases, and what they do not say."""

from __future__ import annotations

import json
import math

import pytest

from benchmarks.cel_conformance import REASONS, SAMPLE, read_value, run_case, run_cases
from governance.policy.core.program import compile_core
from governance.policy.core.types import read_type
from governance.policy.core.values import Duration, EvaluationError, Map, Timestamp, TypeValue, UInt
from governance.policy.errors import ExpressionTypeError, LimitExceeded, PolicyError

CASES = json.loads(SAMPLE.read_text(encoding="utf-8"))["cases"]


def test_every_published_case_passes_except_those_with_a_reason() -> None:
    result = run_cases(CASES)
    assert result["total"] == len(CASES) == 522
    assert {failure["id"] for failure in result["failures"]} == set(REASONS)
    assert all(failure["reason"] for failure in result["failures"])


@pytest.mark.parametrize("file", sorted({case["file"] for case in CASES}))
def test_a_case_with_another_wanted_value_fails(file: str) -> None:
    case = next(case for case in CASES if case["file"] == file and case["want"][0] != "error")
    assert run_case(case) is None
    other = ["string", "something else"] if case["want"] != ["string", "something else"] else ["int", "1"]
    assert run_case(case | {"want": other}) is not None
    assert run_case(case | {"want": ["error"]}) is not None


def test_values_of_the_file_are_read_with_their_kinds() -> None:
    assert read_value(["uint", "5"]) == UInt(5)
    assert isinstance(read_value(["uint", "5"]), UInt)
    assert math.isnan(read_value(["double", "nan"]))
    assert read_value(["timestamp", 1, 5]) == Timestamp(1_000_000_005)
    assert read_value(["duration", -1, 0]) == Duration(-(10**9))
    assert read_value(["type", "int"]) == TypeValue("int")
    assert read_value(["map", [[["string", "a"], ["list", [["bool", True]]]]]])["a"] == (True,)
    with pytest.raises(ValueError, match="no core value"):
        read_value(["object", {}])


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("{'a': {'b': [1, 2.5]}}.a.b[1]", 2.5),
        ("[3, 1, 2].filter(x, x > 1).map(x, x * 10)", (30, 20)),
        ("[1, 2].map(x, [x].map(y, y + x))", ((2,), (4,))),
        ("[1, 2].exists(x, [2].exists(x, x == 2) && x == 1)", True),
        ("{1: 'a'}[dyn(1u)] + {1: 'b'}[dyn(1.0)]", "ab"),
        ("timestamp('2009-02-13T23:31:30Z') + duration('1h') > timestamp('2009-02-13T23:31:30.5Z')", True),
        ("string(duration('90m'))", "5400s"),
        ("string(timestamp('2026-01-31T09:00:00.5+01:00'))", "2026-01-31T08:00:00.5Z"),
        ("type([1]) == list && type(1u) == uint && type(type(1)) == type", True),
        ("0.0 / 0.0 == 0.0 / 0.0", False),
        ("1 / 0 > 0 || true", True),
        ("dyn(9223372036854775807) < 9223372036854775808.0", False),
        ("-7 / 2 == -3 && -7 % 2 == -1", True),
        ("'abc'.matches('^a.c$') && !'abc'.matches('b$')", True),
        ("has({'a-b': 1}.`a-b`)", True),
    ],
)
def test_an_expression_comes_to(text: str, wanted: object) -> None:
    assert compile_core(text).evaluate() == wanted


@pytest.mark.parametrize(
    "text",
    [
        "1 / 0", "9223372036854775807 + 1", "0u - 1u", "-(-9223372036854775808)", "-9223372036854775808 % -1",
        "[1][1]", "{'a': 1}.b", "{'a': 1, 'a': 2}['a']", "{1: 1, 1u: 2}[1]", "int('x')", "uint(-1)", "uint(-0.5)",
        "int(1e99)", "timestamp('2026-02-30T00:00:00Z')", "timestamp(253402300800)", "duration('1d')",
        "timestamp(0).getHours('Nowhere/Land')", "[1, 2].exists_one(x, x / 0 == 1)", "bool('maybe')",
        "string(b'\\xff')", "'a'.matches('(')", "'a'.matches('(a)\\\\1')", "dyn(1) && true", "dyn('a') < 1",
    ],
)  # fmt: skip
def test_an_expression_errs(text: str) -> None:
    with pytest.raises(EvaluationError):
        compile_core(text).evaluate()


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("1 + 'a'", 1, "does not take a int and a string"),
        ("true && 1", 9, "needs a bool"),
        ("unknown == 1", 1, "unknown name"),
        ("1 == 'a'", 1, "does not take"),
        ("nothing(1)", 1, "unknown function"),
        ("'a'.starts('b')", 1, "did you mean `startsWith`"),
        ("[1].map(1, 2)", 1, "takes a name first"),
        ("has(1)", 1, "takes a field"),
        ("'a'[0]", 1, "not indexed"),
        ("{1.5: 1}", 2, "not a map key"),
    ],
)
def test_what_has_no_meaning_is_refused_where_it_is(text: str, column: int, words: str) -> None:
    with pytest.raises(PolicyError) as caught:
        compile_core(text)
    assert words in str(caught.value)
    assert caught.value.position.column == column


def test_an_unchecked_expression_only_fails_where_it_is_evaluated() -> None:
    assert compile_core("nobody.knows() || true", is_checked=False).evaluate() is True
    with pytest.raises(ExpressionTypeError):
        compile_core("nobody.knows() || true")


def test_names_resolve_to_the_longest_bound_prefix_and_items_hide_them() -> None:
    types = {"a.b": read_type(["map", "string", "int"]), "y.z": read_type("int")}
    assert compile_core("a.b.c", types).evaluate({"a.b": {"c": 7}}) == 7
    assert compile_core("[{'z': 0}].exists(y, y.z == 0)", types).evaluate({"y.z": 42}) is True
    assert compile_core("z", {"y.z": read_type("int")}, container="y").evaluate({"y.z": 42}) == 42
    assert compile_core(".z", {"z": read_type("int")}, container="y").evaluate({"z": 1}) == 1


def test_macros_can_be_switched_off() -> None:
    program = compile_core("[1].exists(x, true)", is_checked=False, has_macros=False)
    with pytest.raises(EvaluationError, match="no function"):
        program.evaluate()


def test_loops_inside_loops_end_at_a_bound() -> None:
    ten = "[0,1,2,3,4,5,6,7,8,9]"
    text = "true"
    for name in "abcdefg":
        text = f"{ten}.all({name}, {text})"
    with pytest.raises(EvaluationError, match="too long"):
        compile_core(text).evaluate()


def test_a_value_that_doubles_ends_at_a_bound() -> None:
    text = "'aaaaaaaaaa'"
    for _ in range(20):
        text = f"[{text}].map(x, x + x)[0]"
    with pytest.raises(EvaluationError, match="too long"):
        compile_core(text, is_checked=False).evaluate()


def test_nesting_beyond_the_bound_is_refused() -> None:
    assert compile_core("(" * 60 + "1" + ")" * 60).evaluate() == 1
    with pytest.raises(LimitExceeded):
        compile_core("(" * 5000 + "1" + ")" * 5000)


def test_only_values_of_the_language_come_in() -> None:
    program = compile_core("x", {"x": read_type("dyn")})
    assert isinstance(program.evaluate({"x": {"a": [1]}}), Map)
    with pytest.raises(TypeError):
        program.evaluate({"x": object()})


def test_a_type_that_is_none_is_refused() -> None:
    assert str(read_type(["map", "string", ["list", "int"]])) == "map(string, list(int))"
    for plain in ("number", ["set", "int"], []):
        with pytest.raises(ValueError, match="is not a type"):
            read_type(plain)
