"""The app role, under which every test works, cannot rewrite what is append-only."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from governance.models import APPEND_ONLY_TABLES

pytestmark = pytest.mark.django_db


def test_tests_work_as_the_app_role() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("comptroller_app",)


@pytest.mark.parametrize("table", APPEND_ONLY_TABLES)
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "TRUNCATE {}", "UPDATE {} SET id = id", "ALTER TABLE {} DISABLE TRIGGER ALL"])
def test_append_only_tables_refuse_everything_but_adding(table: str, statement: str) -> None:
    with pytest.raises(DatabaseError, match=r"permission denied|must be owner"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(connection.ops.quote_name(table)))


def test_the_app_role_cannot_change_tables() -> None:
    with pytest.raises(DatabaseError, match="permission denied|must be owner"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TABLE sneaky (id int)")
