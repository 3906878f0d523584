"""Two sentences beside each other, with what differs marked word by word."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

# So many words around a change are repeated on the right; the rest of what stays is an ellipsis there.
CONTEXT_WORDS = 4
ELLIPSIS = "…"
WORDS_MAX = 2_000


@dataclass(frozen=True, slots=True)
class Piece:
    """Some words. `mark` is "", "gone" or "new"."""

    text: str
    mark: str = ""


Marked = tuple[Piece, ...]


def mark_difference(before: str, after: str, *, is_short: bool = True) -> tuple[Marked, Marked]:
    """The pieces of both sentences. A number stays with its unit: they are joined by a no-break space.

    Args:
        is_short: leave out, on the right, long runs of words that stay.
    """
    left, right = before.split(" ")[:WORDS_MAX], after.split(" ")[:WORDS_MAX]
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
    gone: list[Piece] = []
    new: list[Piece] = []
    for operation, i, j, k, m in matcher.get_opcodes():
        if operation == "equal":
            gone.append(Piece(" ".join(left[i:j])))
            new.append(Piece(_shortened(right[k:m], k == 0, m == len(right)) if is_short else " ".join(right[k:m])))
            continue
        if j > i:
            gone.append(Piece(" ".join(left[i:j]), "gone"))
        if m > k:
            new.append(Piece(" ".join(right[k:m]), "new"))
    return tuple(gone), tuple(new)


def _shortened(words: list[str], is_first: bool, is_last: bool) -> str:
    if is_first and is_last:
        return " ".join(words)
    head = [] if is_first else words[:CONTEXT_WORDS]
    tail = [] if is_last else words[-CONTEXT_WORDS:]
    if len(words) <= len(head) + len(tail) + 2:
        return " ".join(words)
    return " ".join([*head, ELLIPSIS, *tail])


def plain(pieces: Marked) -> str:
    """The words without their marks."""
    return " ".join(piece.text for piece in pieces)
