"""The one transaction of an entry service: what a caller wants written in it, and when it is part of a larger one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import transaction

_is_joined: ContextVar[bool] = ContextVar("is_joined", default=False)

BeforeCommit = Callable[[Any], None]
"""Called once with what the service returns, when all but the audit log is written. It writes little, takes no lock."""


def nothing(result: Any) -> None:
    """Most callers write nothing of their own."""


def own_transaction() -> AbstractContextManager[None]:
    """The durable transaction of an entry service that does something before it, such as sizing without locks.

    Raises:
        RuntimeError: there is a transaction around it, and `joined` does not say that this is meant.
    """
    return transaction.atomic(durable=not _is_joined.get())


@contextmanager
def joined() -> Iterator[None]:
    """Entry services that are called in here are parts of the caller's transaction, each behind a savepoint.

    For a load that stands as a whole or not at all; a person's click is never part of a larger transaction.
    """
    token = _is_joined.set(True)
    try:
        yield
    finally:
        _is_joined.reset(token)
