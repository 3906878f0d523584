"""How much work something is, counted in calls: the same on every machine, however busy."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

# About 50 ms of Python calls on a slow machine.
CALLS_MAX = 100_000


def calls_of(task: Callable[[], Any]) -> int:
    """Calls of Python and built-in functions that a task makes."""
    count = 0

    def seen(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        if event in ("call", "c_call"):
            count += 1

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        task()
    finally:
        sys.setprofile(before)
    return count
