"""Tells a database that is away from one in which others hold what a change needs."""

from __future__ import annotations

from psycopg import errors

_BUSY = (errors.LockNotAvailable, errors.QueryCanceled, errors.DeadlockDetected, errors.SerializationFailure)


def is_contention(error: BaseException | None) -> bool:
    """Whether PostgreSQL answered, but others held a row for longer than a person should wait.

    The transaction is undone: doing the same again in a moment is safe.
    """
    return error is not None and isinstance(error.__cause__, _BUSY)
