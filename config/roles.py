"""Two database roles: the owner changes tables, the app role only works in them.

The app role may read and write rows, but on append-only tables it may only read and add:
what was decided, booked or recorded cannot be rewritten by the program, nor by whoever
gets hold of its password.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import Connection, sql

SCHEMA_TABLES = ("django_migrations",)
"""Written by migrations, which the owner runs; the app role only reads them."""


def create_roles(
    superuser: Connection, *, owner: str, owner_password: str, app: str, app_password: str, database: str
) -> None:
    """Make both roles and the owner's database, or bring their passwords up to date.

    Args:
        superuser: an autocommit connection to a server of our own.
    """
    for name, password in ((owner, owner_password), (app, app_password)):
        exists = superuser.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone()
        verb = sql.SQL("ALTER" if exists else "CREATE")
        # A statement of this kind takes no parameters; sql.Literal quotes the password.
        superuser.execute(
            sql.SQL("{} ROLE {} LOGIN NOSUPERUSER NOCREATEROLE PASSWORD {}").format(
                verb, sql.Identifier(name), sql.Literal(password)
            )
        )
    superuser.execute(sql.SQL("ALTER ROLE {} CREATEDB").format(sql.Identifier(owner)))
    if not superuser.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
        superuser.execute(
            sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(database), sql.Identifier(owner))
        )


def grant_app_role(connection: BaseDatabaseWrapper, role: str, append_only: Sequence[str]) -> None:
    """Give the app role its rights on every table that exists now; run after each migration, as owner.

    Args:
        connection: the owner's.
        role: an existing role; it must not be the owner itself, from whom nothing can be withheld.
        append_only: names of tables that are only ever added to.

    Raises:
        ValueError: `role` does not exist, is the owner or a superuser, or a table of `append_only`
            does not exist. Nothing is granted then.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper, rolname = current_user FROM pg_roles WHERE rolname = %s", [role])
        found = cursor.fetchone()
        if found is None:
            raise ValueError(f"there is no database role `{role}`")
        if any(found):
            raise ValueError(f"role `{role}` is a superuser or the owner: nothing can be withheld from it")
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        tables = {name for (name,) in cursor.fetchall()}
    if missing := sorted(set(append_only) - tables):
        raise ValueError(f"append-only tables that do not exist: {', '.join(missing)}; migrate first")

    quoted_role = connection.ops.quote_name(role)
    statements = []
    for table in sorted(tables):
        quoted_table = connection.ops.quote_name(table)
        if table in SCHEMA_TABLES:
            rights = "SELECT"
        elif table in append_only:
            rights = "SELECT, INSERT"
        else:
            rights = "SELECT, INSERT, UPDATE, DELETE"
        statements.append(f"REVOKE ALL ON {quoted_table} FROM {quoted_role}, PUBLIC")
        statements.append(f"GRANT {rights} ON {quoted_table} TO {quoted_role}")
    statements.append(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {quoted_role}")
    with connection.cursor() as cursor:
        cursor.execute("; ".join(statements))
