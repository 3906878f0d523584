"""Tokens to a tree, by precedence climbing: few stack frames per level, so a deep text ends in a refusal.

Source: Common Expression Language specification, "Syntax" (grammar and operator precedence).
"""

from __future__ import annotations

from functools import lru_cache

from governance.policy.errors import ExpressionSyntaxError, LimitExceeded, Position
from governance.policy.language import ast
from governance.policy.language.ast import Expression, Span
from governance.policy.language.lexer import INT_MAX, PYTHON_WORDS, RESERVED, Token, TokenKind, iter_tokens
from governance.policy.limits import EXPRESSION_DEPTH_MAX

# Higher binds tighter. `in` is a relation; `?:` is below all of them and handled apart.
PRECEDENCE = {
    "||": 1,
    "&&": 2,
    "==": 3, "!=": 3, "<": 3, "<=": 3, ">": 3, ">=": 3, "in": 3,
    "+": 4, "-": 4,
    "*": 5, "/": 5, "%": 5,
}  # fmt: skip

# Trees never change, and the same few texts are read over and over: a draft is read with every key that is pressed.
# Short ones are remembered, so that a stream of bombs does not fill the memory.
REMEMBERED_CHARS_MAX = 2_000
REMEMBERED_TEXTS_MAX = 1_024

_CONSTANTS: dict[str, ast.Literal] = {
    "true": ast.Literal("bool", True),
    "false": ast.Literal("bool", False),
    "null": ast.Literal("null", None),
}
_LITERAL_KINDS = {
    TokenKind.INT: "int",
    TokenKind.UINT: "uint",
    TokenKind.DOUBLE: "double",
    TokenKind.STRING: "string",
    TokenKind.BYTES: "bytes",
}


def parse(text: str, *, depth_max: int = EXPRESSION_DEPTH_MAX) -> Expression:
    """Read one expression.

    Args:
        depth_max: how deep operators and brackets may nest.

    Raises:
        ExpressionSyntaxError: not an expression; the position is where reading stopped.
        LimitExceeded: too long, too many tokens or nested too deeply.
    """
    if len(text) > REMEMBERED_CHARS_MAX:
        return _Parser(text, depth_max).parse()
    return _remembered(text, depth_max)


@lru_cache(maxsize=REMEMBERED_TEXTS_MAX)
def _remembered(text: str, depth_max: int) -> Expression:
    return _Parser(text, depth_max).parse()


class _Parser:
    def __init__(self, text: str, depth_max: int) -> None:
        self.text = text
        self.depth_max = depth_max
        self.stream = iter_tokens(text)
        self.tokens: list[Token] = []
        self.index = 0
        self.depth = 0

    # -- tokens

    @property
    def token(self) -> Token:
        return self.token_at(self.index)

    def token_at(self, index: int) -> Token:
        while len(self.tokens) <= index:
            # Invariant: nothing asks beyond END, the last token of the stream.
            self.tokens.append(next(self.stream))
        return self.tokens[index]

    def is_at_end(self) -> bool:
        return self.token.kind is TokenKind.END

    def advance(self) -> Token:
        token = self.token
        self.index += 1
        return token

    def is_symbol(self, symbol: str) -> bool:
        token = self.token
        return token.kind is TokenKind.SYMBOL and token.text == symbol

    def accept(self, symbol: str) -> bool:
        if self.is_symbol(symbol):
            self.index += 1
            return True
        return False

    def expect(self, symbol: str, opened: Token | None = None) -> Token:
        if not self.is_symbol(symbol):
            if opened is not None and self.token.kind is TokenKind.END:
                raise self.refuse(f"`{opened.text}` is never closed", opened.start)
            raise self.refuse(f"expected `{symbol}`, found {self.found()}", self.token.start)
        return self.advance()

    def found(self) -> str:
        token = self.token
        if token.kind is TokenKind.END:
            return "the end"
        return f"`{token.text[:40]}`"

    def refuse(self, message: str, offset: int, suggestion: str | None = None) -> ExpressionSyntaxError:
        return ExpressionSyntaxError(
            message, position=Position.at(self.text, offset), source=self.text, suggestion=suggestion
        )

    def enter(self) -> None:
        self.depth += 1
        if self.depth > self.depth_max:
            raise LimitExceeded(
                f"an expression nests at most {self.depth_max} deep",
                position=Position.at(self.text, self.token.start),
                source=self.text,
            )

    # -- grammar

    def parse(self) -> Expression:
        if self.is_at_end():
            raise self.refuse("the expression is empty", 0)
        expression = self.conditional()
        if not self.is_at_end():
            self.refuse_python_word(self.token)
            raise self.refuse(f"unexpected {self.found()} after the expression", self.token.start)
        return expression

    def refuse_python_word(self, token: Token) -> None:
        if token.kind is TokenKind.IDENT and token.text in PYTHON_WORDS:
            raise self.refuse(f"`{token.text}` is not a word of the language", token.start, PYTHON_WORDS[token.text])

    def conditional(self) -> Expression:
        self.enter()
        condition = self.binary(1)
        if self.accept("?"):
            then = self.binary(1)
            self.expect(":")
            otherwise = self.conditional()
            condition = ast.Conditional(condition, then, otherwise, Span(condition.span.start, otherwise.span.end))
        self.depth -= 1
        return condition

    def operator(self) -> str | None:
        token = self.token
        is_operator = token.kind is TokenKind.SYMBOL or (token.kind is TokenKind.IDENT and token.text == "in")
        return token.text if is_operator and token.text in PRECEDENCE else None

    def binary(self, lowest: int) -> Expression:
        """Operators of precedence `lowest` and above; equal ones group from the left."""
        left = self.unary()
        grown = 0
        while (operator := self.operator()) is not None and PRECEDENCE[operator] >= lowest:
            self.advance()
            # A chain of one arithmetic operator is as deep as it is long.
            self.enter()
            grown += 1
            right = self.binary(PRECEDENCE[operator] + 1)
            span = Span(left.span.start, right.span.end)
            if operator in ("&&", "||"):
                operands = [left, right]
                while self.accept(operator):
                    operands.append(self.binary(PRECEDENCE[operator] + 1))
                left = ast.Logical(operator, tuple(operands), Span(span.start, operands[-1].span.end))
            else:
                left = ast.Binary(operator, left, right, span)
        self.depth -= grown
        return left

    def unary(self) -> Expression:
        token = self.token
        if not (self.is_symbol("!") or self.is_symbol("-")):
            return self.postfix(self.primary())
        self.enter()
        self.advance()
        after = self.token
        value = after.value
        if (
            token.text == "-"
            and _is_signed_number(after)
            and isinstance(value, (int, float))
            and not self.is_member_next()
        ):
            # A minus in front of a number belongs to it, so that -2^63 can be written.
            self.advance()
            expression: Expression = ast.Literal(_LITERAL_KINDS[after.kind], -value, Span(token.start, after.end))
        else:
            operand = self.unary()
            expression = ast.Unary(token.text, operand, Span(token.start, operand.span.end))
        self.depth -= 1
        return expression

    def is_member_next(self) -> bool:
        following = self.token_at(self.index + 1)
        return following.kind is TokenKind.SYMBOL and following.text in (".", "[")

    def postfix(self, expression: Expression) -> Expression:
        grown = 0
        while True:
            if self.accept("."):
                self.enter()
                grown += 1
                expression = self.member(expression)
            elif self.is_symbol("["):
                self.enter()
                grown += 1
                opened = self.advance()
                key = self.conditional()
                closed = self.expect("]", opened)
                expression = ast.Index(expression, key, Span(expression.span.start, closed.end))
            else:
                self.depth -= grown
                return expression

    def member(self, operand: Expression) -> Expression:
        name = self.token
        if name.kind is TokenKind.QUOTED:
            self.advance()
            return ast.Select(operand, str(name.value), Span(operand.span.start, name.end))
        if name.kind is not TokenKind.IDENT:
            raise self.refuse(f"expected a name after `.`, found {self.found()}", name.start)
        self.advance()
        if self.is_symbol("("):
            arguments, end = self.arguments()
            return ast.Call(name.text, arguments, operand, Span(operand.span.start, end))
        return ast.Select(operand, name.text, Span(operand.span.start, name.end))

    def arguments(self) -> tuple[tuple[Expression, ...], int]:
        opened = self.advance()
        items, closed = self.items(")", opened)
        return items, closed.end

    def items(self, closing: str, opened: Token) -> tuple[tuple[Expression, ...], Token]:
        items: list[Expression] = []
        while not self.is_symbol(closing):
            items.append(self.conditional())
            if not self.accept(","):
                break
            if closing == ")" and self.is_symbol(")"):
                raise self.refuse("expected another argument after `,`", self.token.start)
        return tuple(items), self.expect(closing, opened)

    def primary(self) -> Expression:
        token = self.token
        if token.kind in _LITERAL_KINDS:
            self.advance()
            if token.kind is TokenKind.INT and isinstance(token.value, int) and token.value > INT_MAX:
                raise self.refuse(f"`{token.text}` does not fit into 64 bits", token.start)
            return ast.Literal(_LITERAL_KINDS[token.kind], token.value, Span(token.start, token.end))
        if token.kind is TokenKind.IDENT:
            return self.name()
        if token.kind is TokenKind.SYMBOL and token.text == ".":
            return self.rooted_name()
        if token.kind is TokenKind.SYMBOL and token.text == "(":
            return self.parenthesised()
        if token.kind is TokenKind.SYMBOL and token.text == "[":
            opened = self.advance()
            items, closed = self.items("]", opened)
            return ast.ListOf(items, Span(opened.start, closed.end))
        if token.kind is TokenKind.SYMBOL and token.text == "{":
            return self.map()
        if (
            token.kind is TokenKind.SYMBOL
            and token.text == "*"
            and self.index
            and self.tokens[self.index - 1].text == "*"
        ):
            raise self.refuse("there is no power operator", token.start)
        raise self.refuse(f"expected a value, found {self.found()}", token.start)

    def parenthesised(self) -> Expression:
        opened = self.advance()
        inner = self.conditional()
        self.expect(")", opened)
        return inner

    def name(self) -> Expression:
        token = self.advance()
        span = Span(token.start, token.end)
        if token.text == "in":
            raise self.refuse("`in` needs a value on its left", token.start)
        if token.text in RESERVED:
            raise self.refuse(f"`{token.text}` is a reserved word", token.start)
        self.refuse_python_word(token)
        if token.text in _CONSTANTS:
            constant = _CONSTANTS[token.text]
            return ast.Literal(constant.kind, constant.value, span)
        if self.is_symbol("("):
            arguments, end = self.arguments()
            return ast.Call(token.text, arguments, None, Span(token.start, end))
        return ast.Name(token.text, span)

    def rooted_name(self) -> Expression:
        """`.name`: looked up from the root, past every namespace."""
        start = self.advance().start
        if self.token.kind is TokenKind.IDENT:
            rooted = self.name()
            if isinstance(rooted, ast.Name):
                return ast.Name(f".{rooted.name}", Span(start, rooted.span.end))
            if isinstance(rooted, ast.Call):
                return ast.Call(f".{rooted.function}", rooted.arguments, None, Span(start, rooted.span.end))
        raise self.refuse("expected a name after `.`", start)

    def map(self) -> Expression:
        opened = self.advance()
        items: list[tuple[Expression, Expression]] = []
        while not self.is_symbol("}"):
            key = self.conditional()
            self.expect(":")
            items.append((key, self.conditional()))
            if not self.accept(","):
                break
        closed = self.expect("}", opened)
        return ast.MapOf(tuple(items), Span(opened.start, closed.end))


def _is_signed_number(token: Token) -> bool:
    return token.kind in (TokenKind.INT, TokenKind.DOUBLE)
