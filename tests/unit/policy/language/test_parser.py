"""Text to tree: what is accepted, and where reading stops."""

from __future__ import annotations

import pytest

from benchmarks.policy_bench.bombs import EXPRESSION_BOMBS
from governance.policy.errors import ExpressionSyntaxError, LimitExceeded, PolicyError
from governance.policy.language import ast
from governance.policy.language.parser import parse
from governance.policy.language.printer import print_expression
from tests.unit.policy.work import CALLS_MAX, calls_of


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("a.b>1e25&&has(c.d)", "a.b > 1e25 && has(c.d)"),
        ("a || b && c", "a || b && c"),
        ("(a || b) && c", "(a || b) && c"),
        ("a && (b && c)", "a && (b && c)"),
        ("a - (b - c) - d", "a - (b - c) - d"),
        ("(a - b) - c", "a - b - c"),
        ("!(a in ['x'])", '!(a in ["x"])'),
        ("!a == b", "!a == b"),
        ("!(a == b)", "!(a == b)"),
        ("-1", "-1"),
        ("-(1)", "-(1)"),
        ("- -1", "-(-1)"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("a ? b : c ? d : e", "a ? b : c ? d : e"),
        ("(a ? b : c) ? d : e", "(a ? b : c) ? d : e"),
        ("[1, 2.0, 'x',]", '[1, 2.0, "x"]'),
        ("{'a': 1}", '{"a": 1}'),
        ("x.exists(t, t == 'a')", 'x.exists(t, t == "a")'),
        ("x[0].y", "x[0].y"),
        ("r'\\d'", '"\\\\d"'),
        ("'''a\nb'''", '"a\\nb"'),
        ("'\\u00e9\\x41\\101'", '"éAA"'),
        ("0x1F", "31"),
        ("1u", "1u"),
        ("b'\\xff'", 'b"\\xff"'),
        ("// why\na // how\n&& b", "a && b"),
        ("true && null", "true && null"),
        (".5 + 1.", None),
    ],
)
def test_the_canonical_spelling_reads_back_as_the_same_tree(text: str, canonical: str | None) -> None:
    if canonical is None:
        with pytest.raises(ExpressionSyntaxError):
            parse(text)
        return
    tree = parse(text)
    assert print_expression(tree) == canonical
    assert parse(canonical) == tree


def test_a_chain_of_one_operator_is_wide_not_deep() -> None:
    tree = parse(" && ".join(["a"] * 1000))
    assert isinstance(tree, ast.Logical)
    assert len(tree.operands) == 1000


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("", 1, 1, "empty"),
        ("   ", 1, 1, "empty"),
        ("a &&", 1, 5, "the end"),
        ("a b", 1, 3, "after the expression"),
        ("(a", 1, 1, "never closed"),
        ("a)", 1, 2, "after the expression"),
        ("a\n== = b", 2, 4, "compares nothing"),
        ("a = b", 1, 3, "compares nothing"),
        ("a & b", 1, 3, "not an operator"),
        ("a and b", 1, 3, "not a word"),
        ("not a", 1, 1, "not a word"),
        ("True", 1, 1, "not a word"),
        ("a is b", 1, 3, "after the expression"),
        ("import os", 1, 1, "reserved"),
        ("9**9**9", 1, 3, "no power operator"),
        ("().__class__", 1, 2, "found `)`"),
        ("'abc", 1, 1, "not closed"),
        ("'a\nb'", 1, 1, "not closed on its line"),
        ("'\\q'", 1, 2, "unknown escape"),
        ("'\\ud800'", 1, 2, "not a character"),
        ("1e999", 1, 1, "too large"),
        ("9223372036854775808", 1, 1, "64 bits"),
        ("99999999999999999999", 1, 1, "64 bits"),
        ("12abc", 1, 3, "after the number"),
        ("f(a,)", 1, 5, "another argument"),
        ("a.", 1, 3, "expected a name"),
        ("a.1", 1, 2, "after the expression"),
        ("request.\u0435xposure_usd", 1, 9, "CYRILLIC SMALL LETTER IE"),
        ("\u0430", 1, 1, "CYRILLIC SMALL LETTER A"),
        ("a\0b", 1, 2, "NUL"),
        ("a \ud800", 1, 3, "U+D800"),
        ("a > １", 1, 5, "FULLWIDTH DIGIT ONE"),
        ("__import__('os').system('x'", 1, 24, "never closed"),
    ],
)
def test_a_refusal_points_at_the_place(text: str, line: int, column: int, words: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse(text)
    error = caught.value
    assert (error.position.line, error.position.column) == (line, column), str(error)
    assert words in error.message


def test_the_caret_stands_under_the_place() -> None:
    with pytest.raises(ExpressionSyntaxError) as caught:
        parse("a > 1 &&\n  b = 2")
    source, caret = caught.value.excerpt.split("\n")
    assert source[caret.index("^")] == "="
    assert caught.value.suggestion == "=="


@pytest.mark.parametrize("name", EXPRESSION_BOMBS)
def test_a_bomb_is_refused_after_little_work_with_a_position(name: str) -> None:
    def refuse() -> None:
        with pytest.raises(PolicyError) as caught:
            parse(EXPRESSION_BOMBS[name])
        assert caught.value.position.line >= 1

    # Work is counted in calls, which no busy machine changes; benchmarks/policy_bombs.py has the milliseconds.
    assert calls_of(refuse) < CALLS_MAX


def test_depth_is_bounded_and_says_so() -> None:
    parse("(" * 30 + "a" + ")" * 30)
    with pytest.raises(LimitExceeded, match="nests at most"):
        parse("(" * 40 + "a" + ")" * 40)
