"""Says at the beginning of `migrate` when a database comes from a version that this one cannot carry on."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.core.management.base import CommandError
from django.db import connections
from django.db.migrations.loader import MigrationLoader

OURS = ("estimator", "governance")


def refuse_unknown_history(app_config: AppConfig, using: str, **_: Any) -> None:
    """Receive `pre_migrate`.

    Raises:
        CommandError: the database has been changed by migrations that are neither here nor wholly replaced by one that
            is; nothing is written.
    """
    if app_config.label != "governance":
        return
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
