"""Regular expressions: the same answers as a known engine, and never more than linear time."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.policy.core import regex
from governance.policy.core.values import EvaluationError

PIECES = st.sampled_from(
    ["a", "b", ".", "[ab]", "[^a]", "\\d", "(a|b)", "(?:ab)", "a*", "b+", "a?", "a{2}", "b{1,2}", "b{0}", "^", "$",
     "(a*b)?", "[a-c]", "\\w", "\\s", "\\b", "(?:a|)", "(b|ab)*", "\\x61", "[\\d-]", "a{,2}"]
)  # fmt: skip


@given(st.lists(PIECES, min_size=1, max_size=5), st.text("abc1 \n-{,2}", max_size=8))
def test_it_finds_what_python_finds(pieces: list[str], text: str) -> None:
    # Python reads {,2} as a repetition and RE2 does not; its $ also stands before a last line break.
    pattern = "".join(pieces)
    same = pattern.replace("a{,2}", "a[{],2}").replace("$", "\\Z")
    assert regex.matches(text, pattern) == bool(re.search(same, text, re.ASCII))


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("(?i)ABC", "xabcx", True),
        ("(?i:A)b", "aB", False),
        ("(?s)a.b", "a\nb", True),
        ("a.b", "a\nb", False),
        ("(?m)^b$", "a\nb\nc", True),
        ("^b$", "a\nb\nc", False),
        ("(?P<name>a)b", "ab", True),
        ("[[:digit:]]+x", "12x", True),
        ("[[:^digit:]]x", "1x", False),
        ("[]a]", "]", True),
        ("\\Aab\\z", "ab", True),
        ("a\\B", "ab", True),
        ("\\.", "a", False),
        ("é+", "caféé", True),
    ],
)
def test_the_syntax_is_re2s(pattern: str, text: str, found: bool) -> None:
    assert regex.matches(text, pattern) is found


@pytest.mark.parametrize(
    "pattern",
    ["(", ")", "[a", "a**", "*a", "(a)\\1", "(?=a)", "(?<!a)b", "a{2,1}", "a{2000}", "[b-a]", "\\q", "(?x)a", "\\x4",
     "[[:none:]]", "a" * 2000, "(" * 60 + ")" * 60, "(a{100}){100}"]
)  # fmt: skip
def test_what_re2_has_not_is_refused(pattern: str) -> None:
    with pytest.raises(EvaluationError):
        regex.matches("aaa", pattern)


def test_a_pattern_that_blows_up_elsewhere_takes_each_character_once(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = 0
    follow = regex._follow

    def counted(states: list[regex.State], text: str, offset: int, reached: dict[int, regex.State]) -> bool:
        nonlocal steps
        steps += 1
        found = follow(states, text, offset, reached)
        assert len(reached) < 50
        return found

    monkeypatch.setattr(regex, "_follow", counted)
    assert not regex.matches("a" * 1000, "(a+)+b|(a*)*c")
    assert steps == 1001
