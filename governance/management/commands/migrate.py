"""Django's `migrate`, which first says when a database comes from a version that this one cannot carry on."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands import migrate
from django.db import connections
from django.db.migrations.loader import MigrationLoader

OURS = ("estimator", "governance")


class Command(migrate.Command):
    """Looks before Django does: a database of in between would be two ends of history to it, which says nothing."""

    def handle(self, *args: Any, **options: Any) -> None:
        refuse_unknown_history(options["database"])
        super().handle(*args, **options)


def refuse_unknown_history(using: str) -> None:
    """Look at what has changed a database so far. Nothing is written.

    Raises:
        CommandError: migrations that are neither here nor wholly replaced by one that is.
    """
    loader = MigrationLoader(connections[using])
    applied = {key for key in loader.applied_migrations if key[0] in OURS}
    known = set(loader.disk_migrations)
    for migration in loader.disk_migrations.values():
        if migration.replaces and applied.issuperset(migration.replaces):
            known.update(migration.replaces)
    if unknown := sorted(applied - known):
        app, name = unknown[0]
        raise CommandError(
            f"this database was made by a version that this one cannot carry on: it has `{app}.{name}`. Go on with "
            "that version, or begin with an empty database; for the data of `make run`, `make reset` does so"
        )
