"""One throw-away PostgreSQL and one Valkey for a whole test run.

Named in `addopts`, because settings are imported before any conftest. Addresses and
passwords are chosen at once and put in the environment; the servers themselves start when
the first test asks for a database, or beside the workers when there are several. They live
in a temporary folder (`scratch.py` says where) and never see the data of `make run`. Which database on them a test
works in: `tests/plugins/databases.py`.
"""

from __future__ import annotations

import atexit
import os
import pickle
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from tests.plugins.scratch import scratch_folder

ROOT = Path(__file__).resolve().parents[2]
FOLDER_PREFIX = "comptroller-tests-"
OWNER, APP = "comptroller_owner", "comptroller_app"
EMPTY = "empty"
"""The template that others are built from: an installation as new, with its catalogue and the shipped policies."""
VALKEY_DATABASES = 64
START_SECONDS_MAX = 120.0

STATE = "COMPTROLLER_TEST_"
"""Prefix of the variables by which the first process tells the others where things are."""


class TestServers:
    """The servers of this run, seen from any of its processes; only the first one starts and stops them."""

    __test__ = False

    def __init__(self) -> None:
        self.is_first = f"{STATE}PASSWORD" not in os.environ
        self.is_ready = False
        if self.is_first:
            self._choose_addresses()
        self.worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        self.database = f"test_{self.worker}"
        """The database that this process works in: `tests/plugins/databases.py` chooses it before every test."""
        number = 1 + int(self.worker.removeprefix("gw")) if self.worker.startswith("gw") else 0
        self.redis_url = f"redis://:{self._password}@127.0.0.1:{self._port('VALKEY')}/{number % VALKEY_DATABASES}"

    def _choose_addresses(self) -> None:
        from config.serve.processes import free_port

        os.environ[f"{STATE}PASSWORD"] = secrets.token_urlsafe(18)
        os.environ[f"{STATE}POSTGRES"] = str(free_port())
        os.environ[f"{STATE}VALKEY"] = str(free_port())
        os.environ[f"{STATE}FOLDER"] = ""

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
        """Start both servers and build the empty template, or wait until the first process has.

        Raises:
            UsageError: the template could not be built; with the reason, in every process.
        """
        if self.is_ready:
            return
        self.start_beside()
        deadline = time.monotonic() + START_SECONDS_MAX
        while not self.template_value(EMPTY).exists():
            if self._failure.exists():
                raise pytest.UsageError(self._failure.read_text(encoding="utf-8"))
            if time.monotonic() > deadline:
                raise pytest.UsageError(f"the servers of this run were not ready after {START_SECONDS_MAX:.0f} s")
            time.sleep(0.05)
        self.is_ready = True

    def start_beside(self) -> None:
        """Start them, and let the template be built while the workers of this run read the tests."""
        if self.is_first and not self.folder:
            self._start_servers(self._make_folder())
            threading.Thread(target=self._build_empty_template, name="template").start()

    @property
    def folder(self) -> str:
        """Where this run's servers and templates lie; empty before they are wanted."""
        return os.environ[f"{STATE}FOLDER"]

    @property
    def _failure(self) -> Path:
        return Path(self.folder) / "failed.txt"

    def _make_folder(self) -> Path:
        _remove_abandoned()
        folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER_PREFIX}{os.getpid()}-", dir=scratch_folder()))
        folder.chmod(0o711)
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        os.environ[f"{STATE}FOLDER"] = str(folder)
        return folder

    def _start_servers(self, folder: Path) -> None:
        from config.serve.embedded import Postgres, ServiceAccount, Valkey, postgres_bin, valkey_program

        account = ServiceAccount.for_this_process()
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

    def _build_empty_template(self) -> None:
        """Migrate once, in a process of its own, as the owner; every test database is a copy, or a copy of a copy."""
        from config.roles import create_roles

        database = self.template_database(EMPTY)
        try:
            with self.superuser() as server:
                create_roles(
                    server,
                    owner=OWNER,
                    owner_password=self._password,
                    app=APP,
                    app_password=self._password,
                    database=database,
                )
            subprocess.run(
                [sys.executable, "-m", "config.serve.prepare"],
                cwd=ROOT,
                env=os.environ | self.environment(database),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=True,
            )
            with self.superuser() as server:
                self.seal(EMPTY, pickle.dumps(None), server=server)
        except Exception as error:  # told by whoever waits for it
            said = getattr(error, "stdout", None) or error
            self._failure.write_text(f"the test database could not be built:\n{said}", encoding="utf-8")

    def superuser(self) -> psycopg.Connection:
        """For creating and dropping databases only; tests work as the app role."""
        return psycopg.connect(self.url("postgres", "postgres"), autocommit=True)

    @staticmethod
    def template_database(template: str) -> str:
        return f"template_{template}"

    @staticmethod
    def template_value(template: str) -> Path:
        """The file with what the builder of a template returned; it is there once the template is."""
        return Path(SERVERS.folder) / f"{template}.pickle"

    def seal(self, template: str, value: bytes, *, server: psycopg.Connection) -> None:
        """A database becomes a template: nobody connects to it any more."""
        server.execute(
            sql.SQL("ALTER DATABASE {} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false").format(
                sql.Identifier(self.template_database(template))
            )
        )
        draft = self.template_value(template).with_suffix(".new")
        draft.write_bytes(value)
        draft.rename(self.template_value(template))

    def clone(self, database: str, *, template: str = EMPTY, server: psycopg.Connection) -> str:
        """(Re)create a database as a copy of a template.

        Copying the files is less work than copying through the log: nothing here has to survive.
        """
        self.drop(database, server=server)
        server.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {} STRATEGY FILE_COPY").format(
                sql.Identifier(database), sql.Identifier(self.template_database(template)), sql.Identifier(OWNER)
            )
        )
        return database

    def fresh_database(self, name: str) -> str:
        """(Re)create a database as an installation as new."""
        with self.superuser() as server:
            return self.clone(name, server=server)

    @staticmethod
    def drop(database: str, *, server: psycopg.Connection) -> None:
        """Drop a database; sessions on it are ended."""
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))

    def flush_valkey(self) -> None:
        """Empty this worker's queue and cache."""
        from redis import Redis

        with Redis.from_url(self.redis_url) as client:
            client.flushdb()


def _remove_abandoned() -> None:
    """Delete the folders of runs that were killed: their servers died with them."""
    for folder in scratch_folder().glob(f"{FOLDER_PREFIX}[0-9]*-*"):
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
    """Before the workers exist: they are told where the servers will be."""
    SERVERS.start_beside()


def pytest_report_header() -> str:
    where = urlsplit(os.environ["DATABASE_URL"])
    return f"servers: throw-away PostgreSQL on port {where.port}, Valkey on port {os.environ[STATE + 'VALKEY']}"
