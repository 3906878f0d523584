"""Text of an expression to tokens with spans. CEL's lexical grammar, ASCII outside of strings and comments.

Source: Common Expression Language specification, "Syntax" (lexis).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from governance.display.numbers import count
from governance.policy.errors import ExpressionSyntaxError, LimitExceeded, Position
from governance.policy.limits import EXPRESSION_CHARS_MAX, EXPRESSION_TOKENS_MAX


class TokenKind(StrEnum):
    IDENT = "name"
    QUOTED = "quoted field"
    INT = "int"
    UINT = "uint"
    DOUBLE = "double"
    STRING = "string"
    BYTES = "bytes"
    SYMBOL = "symbol"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """One word of the language: where it is, what it says, and its value when it is a literal."""

    kind: TokenKind
    text: str
    start: int
    end: int
    value: int | float | str | bytes | None = None


# fmt: off
RESERVED = frozenset({
    "as", "break", "const", "continue", "else", "for", "function", "if", "import",
    "let", "loop", "package", "namespace", "return", "var", "void", "while",
})
# fmt: on

# Python words that an author may type for an operator or a constant.
PYTHON_WORDS = {"and": "&&", "or": "||", "not": "!", "True": "true", "False": "false", "None": "null"}

_SPACE = re.compile(r"(?:[ \t\r\n\f]+|//[^\n]*)+")
_IDENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# A field that is no name: `headers.\`content-type\``.
_QUOTED_FIELD = re.compile(r"`([A-Za-z0-9_.\-/ ]{1,200})`")
_NUMBER = re.compile(
    r"(?P<double>[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+|\.[0-9]+(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<hex>0[xX][0-9a-fA-F]+)(?P<hexu>[uU]?)|(?P<int>[0-9]+)(?P<intu>[uU]?)"
)
_STRING_START = re.compile(r"(?P<prefix>[rRbB]{0,2})(?P<quote>\"\"\"|'''|\"|')")
# Longer ones first.
_SYMBOLS = ("&&", "||", "==", "!=", "<=", ">=", *"<>!+-*/%?:,.()[]{}")

INT_MAX = 2**63 - 1
UINT_MAX = 2**64 - 1
NUMBER_CHARS_MAX = 400

_SIMPLE_ESCAPES = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", "?": "?", '"': '"', "'": "'", "`": "`",
}  # fmt: skip
_ESCAPE = re.compile(
    r"\\(?:(?P<simple>[abfnrtv\\?\"'`])|[xX](?P<x>[0-9a-fA-F]{2})|u(?P<u>[0-9a-fA-F]{4})"
    r"|U(?P<U>[0-9a-fA-F]{8})|(?P<octal>[0-3][0-7]{2}))"
)


def iter_tokens(text: str) -> Iterator[Token]:
    """Split an expression into tokens, one at a time; the last one is END.

    Read on demand, so that a parser that gives up early has not paid for the rest of a bomb.

    Raises:
        LimitExceeded: too long a text, or too many tokens.
        ExpressionSyntaxError: a character or literal that the language does not have.
    """
    if len(text) > EXPRESSION_CHARS_MAX:
        raise LimitExceeded(
            f"an expression has at most {count(EXPRESSION_CHARS_MAX)} characters, this one {count(len(text))}"
        )
    offset = 0
    for _ in range(EXPRESSION_TOKENS_MAX):
        space = _SPACE.match(text, offset)
        if space:
            offset = space.end()
        if offset >= len(text):
            yield Token(TokenKind.END, "", len(text), len(text))
            return
        token = _next_token(text, offset)
        offset = token.end
        yield token
    raise LimitExceeded(
        f"an expression has at most {count(EXPRESSION_TOKENS_MAX)} tokens",
        position=Position.at(text, offset),
        source=text,
    )


def _refuse(text: str, offset: int, message: str, suggestion: str | None = None) -> ExpressionSyntaxError:
    return ExpressionSyntaxError(message, position=Position.at(text, offset), source=text, suggestion=suggestion)


def _next_token(text: str, offset: int) -> Token:
    char = text[offset]
    if char in "rRbB\"'":
        start = _STRING_START.match(text, offset)
        if start:
            return _string(text, start)
    word = _IDENT.match(text, offset)
    if word:
        return Token(TokenKind.IDENT, word.group(), offset, word.end())
    quoted = _QUOTED_FIELD.match(text, offset)
    if quoted:
        return Token(TokenKind.QUOTED, quoted.group(), offset, quoted.end(), quoted[1])
    number = _NUMBER.match(text, offset)
    if number:
        return _number(text, offset, number)
    for symbol in _SYMBOLS:
        if text.startswith(symbol, offset):
            return Token(TokenKind.SYMBOL, symbol, offset, offset + len(symbol))
    raise _unexpected_character(text, offset)


def _unexpected_character(text: str, offset: int) -> ExpressionSyntaxError:
    char = text[offset]
    if char == "=":
        return _refuse(text, offset, "`=` compares nothing", "==")
    if char in "&|":
        return _refuse(text, offset, f"`{char}` is not an operator", char * 2)
    if char == "\0":
        return _refuse(text, offset, "unexpected NUL character")
    if char.isascii():
        return _refuse(text, offset, f"unexpected character `{char}`" if char.isprintable() else "control character")
    # Look-alikes from other scripts are the classic way to write a name that only looks like a fact.
    name = unicodedata.name(char, f"U+{ord(char):04X}")
    return _refuse(text, offset, f"unexpected character {name}; outside of strings only ASCII is allowed")


def _number(text: str, offset: int, match: re.Match[str]) -> Token:
    literal, end = match.group(), match.end()
    if len(literal) > NUMBER_CHARS_MAX:
        raise _refuse(text, offset, f"a number has at most {NUMBER_CHARS_MAX} characters")
    if end < len(text) and (text[end].isalnum() or text[end] == "_"):
        raise _refuse(text, end, f"unexpected `{text[end]}` after the number `{literal}`")
    if match["double"]:
        value = float(literal)
        if value in (float("inf"), float("-inf")):
            raise _refuse(text, offset, f"`{literal[:20]}` is too large for a double")
        return Token(TokenKind.DOUBLE, literal, offset, end, value)
    digits, unsigned = (match["hex"], match["hexu"]) if match["hex"] else (match["int"], match["intu"])
    number = int(digits, 16 if match["hex"] else 10)
    # -2^63 is read as a minus and 2^63; the parser joins them.
    if number > (UINT_MAX if unsigned else INT_MAX + 1):
        raise _refuse(text, offset, f"`{literal[:24]}` does not fit into 64 bits; write it as a double, e.g. 1e25")
    return Token(TokenKind.UINT if unsigned else TokenKind.INT, literal, offset, end, number)


def _string(text: str, start: re.Match[str]) -> Token:
    """A string or bytes literal, with its escapes resolved."""
    prefix, quote = start["prefix"].lower(), start["quote"]
    if len(prefix) == 2 and prefix[0] == prefix[1]:
        raise _refuse(text, start.start(), f"`{start['prefix']}` is not a string prefix")
    is_raw, is_bytes = "r" in prefix, "b" in prefix
    pieces: list[str] = []
    offset = start.end()
    while True:
        if offset >= len(text):
            raise _refuse(text, start.start(), "the string is not closed")
        if text.startswith(quote, offset):
            offset += len(quote)
            break
        char = text[offset]
        if char in "\r\n" and len(quote) == 1:
            raise _refuse(text, start.start(), "the string is not closed on its line")
        if "\ud800" <= char <= "\udfff":
            raise _refuse(text, offset, "a string must not hold half of a surrogate pair")
        if char == "\\" and not is_raw:
            piece, offset = _escape(text, offset, is_bytes)
            pieces.append(piece)
            continue
        if char == "\\" and text.startswith(quote[0], offset + 1):
            # In a raw string a backslash still keeps the quote from closing.
            pieces.append(text[offset : offset + 2])
            offset += 2
            continue
        pieces.append(char if not is_bytes else char.encode().decode("latin-1"))
        offset += 1
    body = "".join(pieces)
    if is_bytes:
        return Token(TokenKind.BYTES, text[start.start() : offset], start.start(), offset, body.encode("latin-1"))
    return Token(TokenKind.STRING, text[start.start() : offset], start.start(), offset, body)


def _escape(text: str, offset: int, is_bytes: bool) -> tuple[str, int]:
    match = _ESCAPE.match(text, offset)
    if match is None:
        raise _refuse(text, offset, f"unknown escape `{text[offset : offset + 2]}`", "\\\\")
    if match["simple"]:
        return _SIMPLE_ESCAPES[match["simple"]], match.end()
    if is_bytes and (match["u"] or match["U"]):
        raise _refuse(text, offset, "bytes take no \\u escapes")
    code = int(match["octal"], 8) if match["octal"] else int(match["x"] or match["u"] or match["U"], 16)
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        raise _refuse(text, offset, f"`{match.group()}` is not a character that a string may hold")
    return chr(code), match.end()
