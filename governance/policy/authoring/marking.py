"""Two sentences beside each other, with what differs marked word by word."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

# So many words around a change are kept where a sentence is cut; the rest of what stays is an ellipsis there.
CONTEXT_WORDS = 4
ELLIPSIS = "…"
WORDS_MAX = 2_000
_MARKS = ",.;:"


@dataclass(frozen=True, slots=True)
class Piece:
    """Some words. `mark` is "", "gone" or "new"; `gap` is what stands before it: a space, or nothing before a comma."""

    text: str
    mark: str = ""
    gap: str = ""


Marked = tuple[Piece, ...]


def mark_difference(
    before: str, after: str, *, is_short: bool = True, is_before_short: bool = False
) -> tuple[Marked, Marked]:
    """The pieces of both sentences; none of an empty one. A number stays with its unit: a no-break space joins them.

    Args:
        is_short: leave out, on the right, long runs of words that stay. `is_before_short`: on the left as well.
    """
    left, right = _words(before), _words(after)
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
    gone: list[Piece] = []
    new: list[Piece] = []
    for operation, i, j, k, m in matcher.get_opcodes():
        if operation == "equal":
            _add(gone, _shortened(left[i:j], i == 0, j == len(left)) if is_before_short else left[i:j])
            _add(new, _shortened(right[k:m], k == 0, m == len(right)) if is_short else right[k:m])
            continue
        _add(gone, left[i:j], "gone")
        _add(new, right[k:m], "new")
    return tuple(gone), tuple(new)


def _words(sentence: str) -> list[str]:
    """Words, and the comma or full stop after one as a word of its own: a changed number does not take it along."""
    words: list[str] = []
    for word in sentence.split(" ")[:WORDS_MAX] if sentence else ():
        bare = word.rstrip(_MARKS)
        if bare and bare != word:
            words += [bare, word[len(bare) :]]
        else:
            words.append(word)
    return words


def _add(pieces: list[Piece], words: list[str], mark: str = "") -> None:
    if words:
        pieces.append(Piece(_joined(words), mark, _gap(words[0]) if pieces else ""))


def _joined(words: list[str]) -> str:
    return "".join(word if index == 0 else _gap(word) + word for index, word in enumerate(words))


def _gap(word: str) -> str:
    return "" if word and not word.strip(_MARKS) else " "


def _shortened(words: list[str], is_first: bool, is_last: bool) -> list[str]:
    if is_first and is_last:
        return words
    head = [] if is_first else words[:CONTEXT_WORDS]
    tail = [] if is_last else words[-CONTEXT_WORDS:]
    if len(words) <= len(head) + len(tail) + 2:
        return words
    return [*head, ELLIPSIS, *tail]


def plain(pieces: Marked) -> str:
    """The words without their marks."""
    return "".join(piece.gap + piece.text for piece in pieces)
