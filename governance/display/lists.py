"""How a list is written within a sentence. Pure, and without imports of ours, so that every floor may use it."""

from __future__ import annotations

from collections.abc import Iterable


def joined(parts: Iterable[str], word: str = "and", *, at_most: int | None = None) -> str:
    """`a`, `a and b`, `a, b and c`; empty parts are left out.

    Args:
        word: before the last: "and" or "or".
        at_most: further parts are counted: `a, b and 3 more`.
    """
    kept = [part for part in parts if part]
    if at_most is not None and len(kept) > at_most:
        kept = [*kept[:at_most], f"{len(kept) - at_most} more"]
    return f"{', '.join(kept[:-1])} {word} {kept[-1]}" if len(kept) > 1 else "".join(kept)
