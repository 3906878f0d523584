"""Empties an installation that holds the demonstration: what is left is as new."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations import RunPython

from governance.demonstration.load import last_load
from governance.domain.states.record import JobState
from governance.models import JobRun, ProvisioningRequest, Team
from governance.selectors.people.people import system_actor
from governance.services.record import audit

JOB = "remove_demonstration"
LOCK_SECONDS_MAX = 30
_OURS = ("governance", "estimator")
# Django's lists of models and rights belong to the tables, not to what is in them.
_KEPT = frozenset({"django_migrations", "django_content_type", "auth_permission"})


class NothingToRemove(Exception):
    """The demonstration is not here."""


def last_removal() -> JobRun | None:
    """The removal after which this installation stays without a demonstration; None when it never was removed."""
    return JobRun.objects.filter(name=JOB, state=JobState.DONE).first()


def made_since() -> int:
    """How many requests people have made in the demonstration since it was loaded; they go with it."""
    return ProvisioningRequest.objects.filter(is_demonstration=False).count()


@transaction.atomic(durable=True)
def remove(*, now: datetime) -> None:
    """Delete every row, the log and the ledger included, and write again what a new installation begins with.

    The connection must be the owner's: the program's own role may not delete what was recorded. Ids go on counting,
    so nothing that a process still remembers is taken for something new.

    Raises:
        NothingToRemove: nothing is deleted.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_SECONDS_MAX}s'; SET LOCAL statement_timeout = 0")
    if last_load() is None:
        raise NothingToRemove("the demonstration is not loaded")
    tables = sorted(set(connection.introspection.table_names()) - _KEPT)
    with _without_refusals(tables), connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(map(connection.ops.quote_name, tables))}")
    _write_reference_rows()
    actor = system_actor()
    JobRun.objects.create(name=JOB, state=JobState.DONE, requested_by=actor, started_at=now, finished_at=now)
    audit.record("demonstration.removed", actor=actor, subject=Team.objects.get(parent=None), now=now)


@contextmanager
def _without_refusals(tables: Sequence[str]) -> Iterator[None]:
    """Let tables be emptied that are otherwise only ever added to; everybody else waits meanwhile."""

    def alter(verb: str) -> None:
        with connection.cursor() as cursor:
            for table in tables:
                cursor.execute(f"ALTER TABLE {connection.ops.quote_name(table)} {verb} TRIGGER USER")

    alter("DISABLE")
    yield
    alter("ENABLE")


def _write_reference_rows() -> None:
    """Run the migrations' own data steps again: they write the rows without which nothing works."""
    executor = MigrationExecutor(connection)
    graph = executor.loader.graph
    state = executor.loader.project_state(graph.leaf_nodes())
    plan = executor.migration_plan([key for key in graph.leaf_nodes() if key[0] in _OURS], clean_start=True)
    with connection.schema_editor() as editor:
        for migration, _ in plan:
            for step in migration.operations:
                if migration.app_label in _OURS and isinstance(step, RunPython):
                    step.code(state.apps, editor)
