"""Hands out primary keys ahead of the rows, so that rows which refer to each other are written in one go."""

from __future__ import annotations

from django.db import connection, models

BLOCK = 400


class Ids:
    """Ids from a table's own sequence, fetched in blocks; what is not used is a harmless gap."""

    def __init__(self, *kinds: type[models.Model]) -> None:
        self._left: dict[type[models.Model], list[int]] = {kind: [] for kind in kinds}

    def next(self, kind: type[models.Model]) -> int:
        """The next id of a table."""
        left = self._left[kind]
        if not left:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
                    [kind._meta.db_table, BLOCK],
                )
                left.extend(sorted((row[0] for row in cursor.fetchall()), reverse=True))
        return left.pop()

    def forget(self, *kinds: type[models.Model]) -> None:
        """Leave a gap in tables that are read in order of id: what others wrote meanwhile is older than what comes."""
        for kind in kinds:
            self._left[kind].clear()
