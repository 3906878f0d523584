"""One throw-away PostgreSQL and one Valkey for a whole test run.

Named in `addopts`, because settings are imported before any conftest. Addresses and
passwords are chosen at once and put in the environment; the servers themselves start when
the first test asks for a database, or before the workers when there are several. They live
in a temporary folder and never see the data of `make run`.
"""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

ROOT = Path(__file__).resolve().parents[2]
FOLDER_PREFIX = "comptroller-tests-"
OWNER, APP = "comptroller_owner", "comptroller_app"
TEMPLATE = "comptroller_template"
VALKEY_DATABASES = 64

STATE = "COMPTROLLER_TEST_"
"""Prefix of the variables by which the first process tells the others where things are."""


class TestServers:
    """The servers of this run, seen from any of its processes; only the first one starts and stops them."""

    __test__ = False

    def __init__(self) -> None:
        self.is_first = f"{STATE}PASSWORD" not in os.environ
        self.started = not self.is_first
        if self.is_first:
            self._choose_addresses()
        self.worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        self.database = f"test_{self.worker}"
        number = 1 + int(self.worker.removeprefix("gw")) if self.worker.startswith("gw") else 0
        self.redis_url = f"redis://:{self._password}@127.0.0.1:{self._port('VALKEY')}/{number % VALKEY_DATABASES}"

    def _choose_addresses(self) -> None:
        from config.processes import free_port

        os.environ[f"{STATE}PASSWORD"] = secrets.token_urlsafe(18)
        os.environ[f"{STATE}POSTGRES"] = str(free_port())
        os.environ[f"{STATE}VALKEY"] = str(free_port())

    @property
    def _password(self) -> str:
        return os.environ[f"{STATE}PASSWORD"]

    @staticmethod
    def _port(server: str) -> int:
        return int(os.environ[STATE + server])

    def url(self, user: str, database: str) -> str:
        return f"postgres://{user}:{self._password}@127.0.0.1:{self._port('POSTGRES')}/{database}"

    def environment(self, database: str | None = None) -> dict[str, str]:
        """Variables under which this process, or one that it starts, works on this run's servers."""
        name = database or self.database
        return {
            "COMPTROLLER_MODE": "test",
            "COMPTROLLER_DATA": str(Path(tempfile.gettempdir()) / f"{FOLDER_PREFIX}data-{os.getuid()}" / self.worker),
            "SECRET_KEY": "tests-only-" + self._password * 3,
            "DATABASE_URL": self.url(APP, name),
            "DATABASE_OWNER_URL": self.url(OWNER, name),
            "REDIS_URL": self.redis_url,
            "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
            "SITE_URL": "http://testserver",
            "DEFAULT_FROM_EMAIL": "Comptroller <comptroller@example.com>",
            "LOG_LEVEL": "WARNING",
        }

    def ensure_started(self) -> None:
        """Start both servers and build the template database, unless that has been done."""
        if self.started:
            return
        self.started = True
        from config.embedded import Postgres, ServiceAccount, Valkey, postgres_bin, valkey_program

        _remove_abandoned()
        account = ServiceAccount.for_this_process()
        folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER_PREFIX}{os.getpid()}-"))
        folder.chmod(0o711)
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        self.postgres = Postgres(
            folder / "postgres",
            bin_dir=postgres_bin(os.environ, account, folder),
            account=account,
            password=self._password,
            durable=False,
        )
        self.postgres.port = self._port("POSTGRES")
        self.valkey = Valkey(
            folder / "valkey",
            program=valkey_program(os.environ),
            password=self._password,
            durable=False,
            databases=VALKEY_DATABASES,
        )
        self.valkey.port = self._port("VALKEY")
        for server in (self.postgres, self.valkey):
            atexit.register(server.stop)
            chosen = server.port
            server.start()
            if server.port != chosen:
                raise pytest.UsageError(f"port {chosen} was taken before {server.child.name} started; run again")
        self._build_template()

    def _build_template(self) -> None:
        """Migrate once, in a process of its own, as the owner; every test database is a copy."""
        from config.roles import create_roles

        with self.superuser() as connection:
            create_roles(
                connection,
                owner=OWNER,
                owner_password=self._password,
                app=APP,
                app_password=self._password,
                database=TEMPLATE,
            )
        built = subprocess.run(
            [sys.executable, "-m", "config.prepare"],
            cwd=ROOT,
            env=os.environ | self.environment(TEMPLATE),
            capture_output=True,
            text=True,
            check=False,
        )
        if built.returncode:
            raise pytest.UsageError(f"the test database could not be built:\n{built.stdout}{built.stderr}")
        with self.superuser() as connection:
            connection.execute(
                sql.SQL("ALTER DATABASE {} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false").format(
                    sql.Identifier(TEMPLATE)
                )
            )

    def superuser(self) -> psycopg.Connection:
        """For creating and dropping databases only; tests work as the app role."""
        return psycopg.connect(self.url("postgres", "postgres"), autocommit=True)

    def fresh_database(self, name: str | None = None) -> str:
        """(Re)create a database as a copy of the template; sessions on the old one are ended."""
        name = name or self.database
        with self.superuser() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}").format(
                    sql.Identifier(name), sql.Identifier(TEMPLATE), sql.Identifier(OWNER)
                )
            )
        return name

    def flush_valkey(self) -> None:
        """Empty this worker's queue and cache."""
        from redis import Redis

        with Redis.from_url(self.redis_url) as client:
            client.flushdb()


def _remove_abandoned() -> None:
    """Delete the folders of runs that were killed: their servers died with them."""
    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDER_PREFIX}[0-9]*-*"):
        pid = int(folder.name.removeprefix(FOLDER_PREFIX).split("-")[0])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            if folder.stat().st_uid == os.geteuid():
                shutil.rmtree(folder, ignore_errors=True)
        except PermissionError:
            continue


SERVERS = TestServers()


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Iterator[None]:
    """Before anything imports settings: point this process at the servers of this run."""
    for name in ("PG_POOL", "EMAIL_URL", "CACHE_URL", "DEBUG", "COMPTROLLER_DATABASE_ROLE", "BEHIND_TLS_PROXY"):
        os.environ.pop(name, None)
    os.environ.update(SERVERS.environment())
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_setupnodes(config: pytest.Config) -> None:
    """Before the workers exist: they find the servers running."""
    SERVERS.ensure_started()


def pytest_configure(config: pytest.Config) -> None:
    """Reset transactional tests by copying: append-only tables rightly refuse the usual truncation."""
    from django.db import connections
    from django.test import TransactionTestCase

    def copy_template(self: TransactionTestCase) -> None:
        connections.close_all()
        SERVERS.fresh_database()
        SERVERS.flush_valkey()

    TransactionTestCase._fixture_teardown = copy_template  # type: ignore[method-assign]


def pytest_report_header() -> str:
    where = urlsplit(os.environ["DATABASE_URL"])
    return f"servers: throw-away PostgreSQL on port {where.port}, Valkey on port {os.environ[STATE + 'VALKEY']}"
