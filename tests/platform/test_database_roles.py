"""The app role, under which every test works, cannot rewrite what is append-only."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from config.roles import grant_app_role
from governance.models import APPEND_ONLY_TABLES
from tests.plugins.servers import APP, OWNER

pytestmark = pytest.mark.django_db

REFUSED = r"permission denied|must be owner"


def run(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def first_column(table: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum = 1", [table])
        (name,) = cursor.fetchone()
        return str(name)


def test_tests_work_as_the_app_role() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (APP, False)


@pytest.mark.parametrize("table", APPEND_ONLY_TABLES)
def test_append_only_tables_refuse_everything_but_adding(table: str) -> None:
    quoted, column = connection.ops.quote_name(table), connection.ops.quote_name(first_column(table))
    for statement in (
        f"DELETE FROM {quoted}",
        f"TRUNCATE {quoted}",
        f"UPDATE {quoted} SET {column} = {column}",
        f"ALTER TABLE {quoted} DISABLE TRIGGER ALL",
        f"DROP TABLE {quoted}",
    ):
        with pytest.raises(DatabaseError, match=REFUSED):
            run(statement)
    run(f"SELECT count(*) FROM {quoted}")


def test_the_app_role_cannot_change_tables() -> None:
    for statement in ("CREATE TABLE sneaky (id int)", "SET session_replication_role = replica", f"SET ROLE {OWNER}"):
        with pytest.raises(DatabaseError, match=REFUSED):
            run(statement)


def test_the_app_role_cannot_pretend_that_a_migration_ran() -> None:
    with pytest.raises(DatabaseError, match=REFUSED):
        run("INSERT INTO django_migrations (app, name, applied) VALUES ('governance', 'x', now())")


def test_every_other_table_can_be_written() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace"
            " WHERE nspname = 'public' AND relkind = 'r' AND relname <> ALL(%s)"
            " AND NOT (has_table_privilege(pg_class.oid, 'INSERT') AND has_table_privilege(pg_class.oid, 'UPDATE')"
            " AND has_table_privilege(pg_class.oid, 'DELETE'))",
            [[*APPEND_ONLY_TABLES, "django_migrations"]],
        )
        assert cursor.fetchall() == []


@pytest.mark.parametrize(
    ("role", "tables", "complaint"),
    [
        ("nobody_of_that_name", (), "no database role"),
        (APP, (), "the owner"),  # granting to oneself withholds nothing
        ("postgres", (), "superuser"),
        (OWNER, ("governance_no_such_table",), "do not exist"),
    ],
)
def test_grants_that_would_protect_nothing_are_refused(role: str, tables: tuple[str, ...], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        grant_app_role(connection, role, tables)
