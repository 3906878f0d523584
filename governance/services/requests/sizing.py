"""Sizes before the locks, so that nobody waits for an estimate."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from governance.domain.requests.parse import RequestContent
from governance.selectors.requests.sizing import Ahead, Moved, size_ahead

T = TypeVar("T")

SIZED_AHEAD_MAX = 3
"""Once, and at most twice again after rules, catalogue or draft moved in between."""


def ahead_of_locks(read: Callable[[], RequestContent | None], act: Callable[[Ahead | None], T], *, now: datetime) -> T:
    """Size what `read` gives without any lock, then let `act` judge and write under its own.

    When the basis of the estimate has moved meanwhile, both begin again. After the last time `act` sizes for itself:
    that keeps its own request locked for longer, and cannot fail because somebody else was faster.

    Args:
        read: the request as it is saved now; None when there is nothing to size.
        act: one durable transaction; raises `Moved` when the estimate no longer stands.
    """
    for _ in range(SIZED_AHEAD_MAX):
        content = read()
        try:
            return act(None if content is None else size_ahead(content, now=now))
        except Moved:
            continue
    return act(None)
