"""What a caller wants written inside a service's transaction, right before COMMIT: both stand, or neither."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

BeforeCommit = Callable[[Any], None]
"""Called once with what the service returns, when all but the audit log is written. It writes little, takes no lock."""


def nothing(result: Any) -> None:
    """Most callers write nothing of their own."""
