"""One small load for all of these tests: in a database of its own, which tests read or copy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from django.core import mail
from django.db import connection, transaction
from psycopg import sql
from pytest_django.plugin import DjangoDbBlocker

from governance.demonstration.load import Loaded, load
from tests.plugins.servers import OWNER, TestServers

START = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
"""A Tuesday: 79 % of the demonstration's fiscal year is over then."""
PAST = 60


@contextmanager
def connected(database: str, blocker: DjangoDbBlocker) -> Iterator[None]:
    """Work in another database of this run's server."""
    usual = connection.settings_dict["NAME"]
    with blocker.unblock():
        connection.close()
        connection.settings_dict["NAME"] = database
        try:
            yield
        finally:
            connection.close()
            connection.settings_dict["NAME"] = usual


def copy_database(servers: TestServers, *, source: str, target: str) -> str:
    """(Re)create a database as a copy of one that nobody is connected to."""
    with servers.superuser() as superuser:
        superuser.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(target)))
        superuser.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}").format(
                sql.Identifier(target), sql.Identifier(source), sql.Identifier(OWNER)
            )
        )
    return target


@pytest.fixture(scope="session")
def loaded_database(
    servers: TestServers, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> tuple[str, Loaded]:
    """A database with the small demonstration, and what its load reported."""
    name = servers.fresh_database(f"{servers.database}_demonstration")
    with connected(name, django_db_blocker):
        mail.outbox = []
        loaded = load(start=START, past_count=PAST)
        assert mail.outbox == []
    assert loaded is not None
    return name, loaded


@pytest.fixture
def northlight(loaded_database: tuple[str, Loaded], django_db_blocker: DjangoDbBlocker) -> Iterator[Loaded]:
    """The demonstration to look at; what a test writes is taken back."""
    name, loaded = loaded_database
    with connected(name, django_db_blocker), transaction.atomic():
        yield loaded
        transaction.set_rollback(True)


@pytest.fixture
def own_northlight(
    servers: TestServers, loaded_database: tuple[str, Loaded], django_db_blocker: DjangoDbBlocker
) -> Iterator[Loaded]:
    """A copy of the demonstration that a test may commit to."""
    name, loaded = loaded_database
    with connected(copy_database(servers, source=name, target=f"{name}_copy"), django_db_blocker):
        yield loaded


@pytest.fixture
def empty_house(servers: TestServers, django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """An installation without people, that a test may commit to."""
    with connected(servers.fresh_database(f"{servers.database}_empty"), django_db_blocker):
        yield
