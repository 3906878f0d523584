"""Guess what an author meant by a name that does not exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

# Everyday words for what the schema calls by one name. Only for guessing: none of them is accepted.
_SYNONYMS = {"gpu": "accelerator", "gpus": "accelerator_count", "cost": "exposure", "flops": "flop", "type": "kind"}

NAME_CHARS_MAX = 80
CUTOFF = 0.6


def closest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate most like `name`, or None when nothing is near.

    Compares whole names and last parts, ignores case and underscores, and knows a few everyday synonyms.
    """
    if not name or len(name) > NAME_CHARS_MAX:
        return None
    best: tuple[float, str] | None = None
    wanted = {_plain(name), _plain(name.rpartition(".")[2])}
    for word, term in _SYNONYMS.items():
        if word in name.lower():
            wanted.add(_plain(name.lower().rpartition(".")[2].replace(word, term)))
    for candidate in sorted(candidates):
        for form in (_plain(candidate), _plain(candidate.rpartition(".")[2])):
            for want in wanted:
                matcher = difflib.SequenceMatcher(None, want, form)
                # The cheap upper bound spares most of the quadratic work.
                if matcher.real_quick_ratio() < CUTOFF or matcher.quick_ratio() < CUTOFF:
                    continue
                score = matcher.ratio()
                if score >= CUTOFF and (best is None or score > best[0]):
                    best = (score, candidate)
    return best[1] if best else None


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace(".", "")
