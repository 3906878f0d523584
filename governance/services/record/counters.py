"""Gives out the numbers that people read aloud (dense, in order, never twice) and ids ahead of their rows."""

from __future__ import annotations

from django.db import connection, models

from governance.domain.errors import LockOutsideTransaction

_NEXT = """
    INSERT INTO governance_counter (name, value) VALUES (%s, 1)
    ON CONFLICT (name) DO UPDATE SET value = governance_counter.value + 1
    RETURNING value
"""


def next_number(name: str) -> int:
    """The next number of a series. Its row stays locked until COMMIT, so a rolled-back number is given out again.

    Everybody who numbers something waits here: ask for it as late as can be.

    Raises:
        LockOutsideTransaction: a number without its row would be a gap.
    """
    if not connection.in_atomic_block:
        raise LockOutsideTransaction(f"number a {name} inside the transaction that writes it")
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, [name])
        number: int = cursor.fetchone()[0]
    return number


def reserve_id(row: models.Model) -> None:
    """Give a new row its id before it is written, so that what refers to it can be written first.

    Foreign keys are checked at COMMIT. An id that is rolled back is a gap that nobody reads.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id'))", [row._meta.db_table])
        row.pk = cursor.fetchone()[0]
