"""Text that people typed: which characters may be kept, in one place."""

from __future__ import annotations

import unicodedata

from governance.display import numbers
from governance.domain.errors import InvalidInput
from governance.domain.limits import REASON_CHARS_MIN

# Characters that reverse or hide text in front of an approver.
_INVISIBLE = frozenset("\u200b\u200c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


def clean(value: object, *, longest: int, lines: bool = False) -> tuple[str, str | None]:
    """Text in NFC without surrounding space, and a sentence when it cannot be kept.

    Args:
        longest: characters.
        lines: line breaks and tabs are allowed.

    Returns:
        (text, None), or ("", what is wrong).
    """
    if not isinstance(value, str):
        return "", "must be text"
    if len(value) > longest:
        return "", f"has {numbers.count(len(value))} characters: at most {numbers.count(longest)} fit"
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return "", "contains half of a character pair: type the text again"
    text = unicodedata.normalize("NFC", value.replace("\r\n", "\n")).strip()
    allowed = "\n\t" if lines else ""
    if any((unicodedata.category(c) == "Cc" and c not in allowed) or c in _INVISIBLE for c in text):
        return "", "contains an invisible or control character: type the text again"
    return text, None


def clean_reason(name: str, value: object, longest: int, *, required: bool = True) -> str:
    """A reason or remark.

    Raises:
        InvalidInput: empty, too short, too long, or with control characters.
    """
    text, problem = clean(value or "", longest=longest, lines=True)
    if problem is None and required and len(text) < REASON_CHARS_MIN:
        problem = f"write at least {REASON_CHARS_MIN} characters"
    if problem:
        raise InvalidInput({name: [problem]})
    return text
