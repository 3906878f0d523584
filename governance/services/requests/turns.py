"""Lets those who move the same sums take turns: whoever submits or grants for one person or project."""

from __future__ import annotations

import hashlib

from django.db import connection

from governance.domain.errors import LockOutsideTransaction
from governance.selectors.requests.facts import Context


def take(context: Context) -> None:
    """Wait for everybody who moves a sum that this request is judged by, and keep them waiting until COMMIT.

    Budgets have their own locks. These are for what no budget holds together: similar requests and undecided holds of
    one person on different budgets, of one project in two periods, of one lineage in two projects; changes of one
    grant. Taken after the request and before the budgets, in one order.

    Raises:
        LockOutsideTransaction: a lock that ends at once protects nothing.
    """
    _lock(sorted(map(_key, names(context))))


def names(context: Context) -> list[str]:
    """Whose sums a submission is judged by."""
    found = [f"person:{context.requester.person_id}", f"project:{context.project.pk}"]
    if context.lineage is not None:
        found.append(f"lineage:{context.lineage.pk}")
    if context.related_grant is not None:
        found.append(f"grant:{context.related_grant.pk}")
    return found


def take_to_grant() -> None:
    """Wait for everybody who issues a grant, and keep them waiting until COMMIT.

    What is committed to one provider, of all that is committed, is read here and moved by every grant, on whatever
    budget. Taken after `take`, right before the budgets.

    Raises:
        LockOutsideTransaction: a lock that ends at once protects nothing.
    """
    _lock([_key("grants")])


def _lock(keys: list[int]) -> None:
    if not connection.in_atomic_block:
        raise LockOutsideTransaction("take turns inside a transaction")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(key) FROM unnest(%s::bigint[]) AS key", [keys])


def _key(name: str) -> int:
    return int.from_bytes(hashlib.sha256(f"turn:{name}".encode()).digest()[:8], "big", signed=True)
