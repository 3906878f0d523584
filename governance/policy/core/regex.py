"""`matches`: regular expressions in RE2's syntax, run as a set of states: no pattern takes more than linear time.

Source: RE2 syntax (literals, classes, groups, alternation, repetition, anchors); Thompson's construction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

from governance.policy.core.values import EvaluationError

PATTERN_CHARS_MAX = 1_000
STATES_MAX = 5_000
REPEAT_MAX = 1_000
NESTING_MAX = 50

Test: TypeAlias = Callable[[str], bool]


@dataclass(slots=True)
class State:
    """One step: consumes a character when `test` is set, stands at an anchor, or only branches."""

    test: Test | None = None
    anchor: str = ""
    next: list[State] = field(default_factory=list)
    is_end: bool = False


def _word(char: str) -> bool:
    return char.isascii() and (char.isalnum() or char == "_")


def _digit(char: str) -> bool:
    return "0" <= char <= "9"


def _space(char: str) -> bool:
    return char in "\t\n\f\r "


_CLASSES: dict[str, Test] = {"d": _digit, "w": _word, "s": _space}
_POSIX: dict[str, Test] = {
    "alpha": lambda char: char.isascii() and char.isalpha(),
    "digit": _digit,
    "alnum": lambda char: char.isascii() and char.isalnum(),
    "lower": lambda char: "a" <= char <= "z",
    "upper": lambda char: "A" <= char <= "Z",
    "space": lambda char: char in "\t\n\v\f\r ",
    "word": _word,
    "punct": lambda char: char.isascii() and char.isprintable() and not char.isalnum() and char != " ",
    "xdigit": lambda char: char in "0123456789abcdefABCDEF",
}
_CONTROL = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}


def _negated(test: Test) -> Test:
    return lambda char: not test(char)


class _Compiler:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.offset = 0
        self.states = 0
        self.depth = 0
        self.ignore_case = self.dot_all = self.multi_line = False

    def fail(self, why: str) -> EvaluationError:
        return EvaluationError(f"not a regular expression: {why}")

    def state(self, test: Test | None = None, anchor: str = "") -> State:
        self.states += 1
        if self.states > STATES_MAX:
            raise self.fail("too large")
        return State(test, anchor)

    def peek(self) -> str:
        return self.pattern[self.offset] if self.offset < len(self.pattern) else ""

    def take(self) -> str:
        char = self.peek()
        if not char:
            raise self.fail("it ends too early")
        self.offset += 1
        return char

    def accept(self, text: str) -> bool:
        if self.pattern.startswith(text, self.offset):
            self.offset += len(text)
            return True
        return False

    # -- grammar; each part is (first state, last state)

    def compile(self) -> State:
        start, end = self.alternation()
        if self.peek():
            raise self.fail("an unopened `)`")
        end.is_end = True
        return start

    def alternation(self) -> tuple[State, State]:
        self.depth += 1
        if self.depth > NESTING_MAX:
            raise self.fail("nested too deeply")
        start, end = self.state(), self.state()
        while True:
            first, last = self.sequence()
            start.next.append(first)
            last.next.append(end)
            if not self.accept("|"):
                self.depth -= 1
                return start, end

    def sequence(self) -> tuple[State, State]:
        start = end = self.state()
        while self.peek() not in ("", "|", ")"):
            first, last = self.repeated()
            end.next.append(first)
            end = last
        return start, end

    def repeated(self) -> tuple[State, State]:
        began, flags = self.offset, (self.ignore_case, self.dot_all, self.multi_line)
        first, last = self.atom()
        low, high = self.count()
        if (low, high) == (1, 1):
            return first, last
        ended = self.offset
        start = end = self.state()
        for index in range(max(low, high or low, 1)):
            # Each copy is compiled anew from the same text.
            if index:
                self.offset = began
                self.ignore_case, self.dot_all, self.multi_line = flags
                first, last = self.atom()
            if index >= low:
                bypass = self.state()
                end.next += [first, bypass]
                last.next.append(bypass)
                if high is None:
                    last.next.append(first)
                end = bypass
            else:
                end.next.append(first)
                if high is None and index == low - 1:
                    last.next.append(first)
                    tail = self.state()
                    last.next.append(tail)
                    last = tail
                end = last
        self.offset = ended
        return start, end

    def count(self) -> tuple[int, int | None]:
        """How often the atom before is repeated; None for no upper end."""
        low: int
        high: int | None
        if self.accept("*"):
            low, high = 0, None
        elif self.accept("+"):
            low, high = 1, None
        elif self.accept("?"):
            low, high = 0, 1
        elif self.peek() == "{" and (braces := self.braces()) is not None:
            low, high = braces
        else:
            return 1, 1
        # Lazy or greedy finds the same.
        self.accept("?")
        if self.peek() in ("*", "+") or (self.peek() == "?" and self.pattern[self.offset - 1] == "?"):
            raise self.fail("a repetition of a repetition")
        if low > REPEAT_MAX or (high is not None and (high > REPEAT_MAX or high < low)):
            raise self.fail("a repetition out of range")
        return (low, high) if high != 0 else (0, 0)

    def braces(self) -> tuple[int, int | None] | None:
        """`{2}`, `{2,}` or `{2,5}`; None when the brace is an ordinary character."""
        close = self.pattern.find("}", self.offset)
        low, comma, high = self.pattern[self.offset + 1 : close].partition(",") if close > 0 else ("", "", "")
        if not (low.isascii() and low.isdigit() and len(low) < 6) or (high and not (high.isdigit() and len(high) < 6)):
            return None
        self.offset = close + 1
        return int(low), (int(high) if high else None) if comma else int(low)

    def atom(self) -> tuple[State, State]:
        char = self.take()
        if char == "(":
            return self.group()
        if char in "*+?":
            raise self.fail("nothing to repeat")
        if char == "^":
            return self.single(anchor="line" if self.multi_line else "start")
        if char == "$":
            return self.single(anchor="line_end" if self.multi_line else "end")
        if char == ".":
            return self.single((lambda _: True) if self.dot_all else (lambda each: each != "\n"))
        if char == "[":
            return self.single(self.character_class())
        if char == "\\":
            return self.escape()
        return self.single(self.literal(char))

    def single(self, test: Test | None = None, anchor: str = "") -> tuple[State, State]:
        step, after = self.state(test, anchor), self.state()
        step.next.append(after)
        return step, after

    def literal(self, char: str) -> Test:
        if self.ignore_case:
            folded = char.casefold()
            return lambda each: each.casefold() == folded
        return lambda each: each == char

    def group(self) -> tuple[State, State]:
        flags = (self.ignore_case, self.dot_all, self.multi_line)
        if self.accept("?"):
            if self.accept("P<") or self.accept("<"):
                while self.take() != ">":
                    pass
            elif not self.accept(":") and self.flags():
                return self.single(anchor="always")
        inner = self.alternation()
        if not self.accept(")"):
            raise self.fail("an unclosed `(`")
        self.ignore_case, self.dot_all, self.multi_line = flags
        return inner

    def flags(self) -> bool:
        """`(?i)` or `(?i:`; whether the group ends here."""
        value = True
        while True:
            match self.take():
                case "i":
                    self.ignore_case = value
                case "s":
                    self.dot_all = value
                case "m":
                    self.multi_line = value
                case "U":
                    pass
                case "-":
                    value = False
                case ")":
                    return True
                case ":":
                    return False
                case _:
                    raise self.fail("an unknown kind of group")

    def escape(self) -> tuple[State, State]:
        char = self.take()
        anchors = {"A": "start", "z": "end", "b": "word", "B": "no_word"}
        if char in anchors:
            return self.single(anchor=anchors[char])
        return self.single(self.escaped(char))

    def escaped(self, char: str) -> Test:
        if char.lower() in _CLASSES:
            test = _CLASSES[char.lower()]
            return _negated(test) if char.isupper() else test
        if char == "x":
            digits = ""
            if self.accept("{"):
                while (digit := self.take()) != "}":
                    digits += digit
            else:
                digits = self.take() + self.take()
            try:
                return self.literal(chr(int(digits, 16)))
            except (ValueError, OverflowError):
                raise self.fail("a bad \\x escape") from None
        if char in _CONTROL:
            return self.literal(_CONTROL[char])
        if char.isalnum():
            # Back references among them: nothing that takes linear time can follow one.
            raise self.fail(f"unknown escape `\\{char}`")
        return self.literal(char)

    def character_class(self) -> Test:
        is_negated = self.accept("^")
        tests: list[Test] = []
        is_first = True
        while is_first or self.peek() != "]":
            is_first = False
            tests.append(self.class_item())
        self.offset += 1

        def test(char: str) -> bool:
            return any(each(char) for each in tests) != is_negated

        return test

    def class_item(self) -> Test:
        if self.accept("[:"):
            is_negated = self.accept("^")
            end = self.pattern.find(":]", self.offset)
            posix = _POSIX.get(self.pattern[self.offset : end] if end > 0 else "")
            if posix is None:
                raise self.fail("an unknown class")
            self.offset = end + 2
            return _negated(posix) if is_negated else posix
        char = self.take()
        if char == "\\":
            char = self.take()
            if char.lower() in _CLASSES or char == "x":
                return self.escaped(char)
            char = _CONTROL.get(char, char)
        if self.peek() == "-" and self.pattern[self.offset + 1 : self.offset + 2] not in ("]", ""):
            self.offset += 1
            high = self.take()
            high = self.take() if high == "\\" else high
            if high < char:
                raise self.fail("a range that runs backwards")
            low = char
            if self.ignore_case:
                return lambda each: low <= each <= high or low <= each.swapcase() <= high
            return lambda each: low <= each <= high
        return self.literal(char)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> State:
    if len(pattern) > PATTERN_CHARS_MAX:
        raise EvaluationError(f"a regular expression has at most {PATTERN_CHARS_MAX} characters")
    return _Compiler(pattern).compile()


def matches(text: str, pattern: str) -> bool:
    """Whether the pattern is found anywhere in the text.

    Raises:
        EvaluationError: the pattern is not one, is too large, or wants what RE2 has not.
    """
    start = _compiled(pattern)
    current: dict[int, State] = {}
    for offset in range(len(text) + 1):
        reached: dict[int, State] = {}
        # A match may start at every place.
        if _follow([start, *current.values()], text, offset, reached):
            return True
        if offset < len(text):
            char = text[offset]
            read = [state for state in reached.values() if state.test and state.test(char)]
            current = {id(after): after for state in read for after in state.next}
    return False


def _follow(states: list[State], text: str, offset: int, reached: dict[int, State]) -> bool:
    """Everything that is reached without reading a character; whether the end is."""
    pending = list(states)
    while pending:
        state = pending.pop()
        if id(state) in reached:
            continue
        reached[id(state)] = state
        if state.is_end:
            return True
        if state.test is None and (not state.anchor or _stands(state.anchor, text, offset)):
            pending.extend(state.next)
    return False


def _stands(anchor: str, text: str, offset: int) -> bool:
    before, after = text[offset - 1 : offset] if offset else "", text[offset : offset + 1]
    match anchor:
        case "start":
            return offset == 0
        case "end":
            return offset == len(text)
        case "line":
            return offset == 0 or before == "\n"
        case "line_end":
            return offset == len(text) or after == "\n"
        case "word":
            return bool(before and _word(before)) != bool(after and _word(after))
        case "no_word":
            return bool(before and _word(before)) == bool(after and _word(after))
    return True
