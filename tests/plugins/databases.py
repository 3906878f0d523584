"""Which database a test works in: a copy of the template that one of its fixtures names.

A template is a database that a builder filled, kept with what the builder returned. It is built once in a whole run, by
whichever process needs it first. Each process keeps one copy of each template that it uses. A test works there in a
transaction that is rolled back, so the next test finds the copy as it was; a test that commits uses its copy up, and
the next one gets a new copy. How to choose: docs/testing.md.
"""

from __future__ import annotations

import os
import pickle
import zlib
from collections.abc import Callable, Iterable
from typing import Any

import psycopg
import pytest

from tests.plugins.servers import EMPTY, SERVERS, TestServers

FIXTURE_PREFIX = "template_"
"""A fixture `template_NAME` asks for a copy of the template NAME; a test without one works on an empty installation."""


class Databases:
    """The databases of this process. `DATABASES` is the only one."""

    def __init__(self, servers: TestServers) -> None:
        self._servers = servers
        self._builders: dict[str, Callable[[], Any]] = {EMPTY: lambda: None}
        self._values: dict[str, bytes] = {}
        self._copies: dict[str, str] = {}
        self._current = EMPTY
        self._superuser: psycopg.Connection | None = None

    def add(self, name: str, build: Callable[[], Any]) -> None:
        """Register a template: `build` fills an empty installation, in a database of its own, and may commit.

        Args:
            build: what it returns is pickled, and given to every test as a copy of its own.
        """
        self._builders[name] = build

    def enter(self, fixture_names: Iterable[str]) -> None:
        """Work from now on in a copy of the template that these fixtures name.

        Raises:
            UsageError: they name two, and a test has one database.
        """
        named = {name.removeprefix(FIXTURE_PREFIX) for name in fixture_names if name.startswith(FIXTURE_PREFIX)}
        if len(named) > 1:
            raise pytest.UsageError(f"a test has one database, and its fixtures name {len(named)}: {sorted(named)}")
        self._enter(named.pop() if named else EMPTY)

    def renew(self) -> None:
        """Work in a new copy of the same template: for a test that does the same thing many times."""
        self.use_up()
        self._enter(self._current)

    def use_up(self) -> None:
        """The copy in use has been committed to: nobody gets it again. Empties the queue and the cache as well."""
        from django.db import connections

        connections.close_all()
        self._copies.pop(self._current)
        self._servers.flush_valkey()

    def value(self, name: str) -> Any:
        """What the builder of a template returned, as a fresh copy: nothing a test does to it reaches another test."""
        if name not in self._values:
            self._values[name] = self._servers.template_value(name).read_bytes()
        return pickle.loads(self._values[name])  # noqa: S301 - written by this run, in a folder of its own

    def _enter(self, template: str) -> None:
        if template not in self._copies:
            # The name of the copy before it, so that a web server that was started for it works on the new one.
            name = f"test_{self._servers.worker}_{template}"
            self._build(template)
            self._servers.clone(name, template=template, server=self._server())
            self._copies[template] = name
        self._current = template
        self._work_in(self._copies[template])

    def _work_in(self, database: str) -> None:
        from django.db import connection

        self._servers.database = database
        if connection.settings_dict["NAME"] != database:
            connection.close()
            # The same dictionary for every thread: each connects to this database from now on.
            connection.settings_dict["NAME"] = database
            # For processes that a test starts.
            os.environ.update(self._servers.environment())

    def _build(self, template: str) -> None:
        """Build the template, unless this run has it."""
        if template in self._values or self._servers.template_value(template).exists():
            return
        from django.db import connections

        with self._servers.superuser() as server:
            # Held until the connection closes: two processes do not build the same template.
            server.execute("SELECT pg_advisory_lock(%s)", [zlib.crc32(template.encode())])
            if self._servers.template_value(template).exists():
                return
            database = self._servers.template_database(template)
            self._servers.clone(database, server=server)
            self._work_in(database)
            try:
                value = self._builders[template]()
            finally:
                connections.close_all()
            self._servers.seal(template, pickle.dumps(value), server=server)

    def _server(self) -> psycopg.Connection:
        if self._superuser is None:
            self._superuser = self._servers.superuser()
        return self._superuser


DATABASES = Databases(SERVERS)


def pytest_configure(config: pytest.Config) -> None:
    """Reset tests that commit by copying: append-only tables rightly refuse the usual truncation."""
    from django.test import TransactionTestCase

    TransactionTestCase._fixture_teardown = lambda self: DATABASES.use_up()  # type: ignore[method-assign]
