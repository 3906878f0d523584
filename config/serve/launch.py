"""`make run`: start everything, keep it running, end everything.

`python -m config.serve.launch` starts PostgreSQL, Valkey and the mailbox (each unless the
environment names a real one), brings the database up to date, then runs web server, Celery
worker and beat. A part that dies is named and started again; one that keeps dying ends all.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import IO

import psycopg

from config.env import BASE_DIR, BadEnvironment, read_environment
from config.roles import create_roles
from config.serve import embedded, endpoints
from config.serve.claims import Refused, bound, lock_data_folder, owner_of, read_or_make_keys, read_port
from config.serve.processes import LOOPBACK, Child, ChildFailed, end_leftover, free_port
from config.serve.supervisor import EXIT_FAILED, Stopped, Supervisor

DATABASE, OWNER, APP = "comptroller", "comptroller_owner", "comptroller_app"
READY_SECONDS_MAX = 90.0
PREPARE_SECONDS_MAX = 600.0

EXIT_REFUSED = 2


class Launcher:
    """One `make run`, from the first check to the last process."""

    def __init__(self, variables: dict[str, str]) -> None:
        self.variables = variables
        self.port = read_port(variables)
        self.url = f"http://{LOOPBACK}:{self.port}"
        self.data = endpoints.data_dir(variables)
        self.supervisor = Supervisor(self.say)
        self.supervisor.on_change = self._remember
        self.lock: IO[str] | None = None
        self.listener: socket.socket | None = None
        self.home = self.data
        self.with_demonstration = False
        self.environment: dict[str, str] = {}

    @staticmethod
    def say(line: str) -> None:
        print(line, flush=True)

    def run(self) -> int:
        """Start, watch, stop.

        Returns:
            0 after a stop that was asked for, 1 after a failure, 2 when nothing was started.
        """
        began = time.monotonic()
        try:
            self._claim()
        except (Refused, PermissionError, embedded.NoBinaries, BadEnvironment) as refusal:
            print(f"comptroller: {refusal}", file=sys.stderr, flush=True)
            return EXIT_REFUSED
        self.supervisor.listen_to_signals()
        code = EXIT_FAILED
        try:
            self._start()
            self._announce(time.monotonic() - began)
            code = self.supervisor.watch()
        except Stopped:
            code = 0
        except (ChildFailed, embedded.NoBinaries, PermissionError, psycopg.Error) as failure:
            print(f"comptroller: {failure}", file=sys.stderr, flush=True)
        finally:
            self.say("stopping …")
            self._close_listener()
            self.supervisor.stop_all()
            endpoints.remove_endpoints(self.data)
            self.say("stopped; the data is kept")
        return code

    # -- before anything starts

    def _claim(self) -> None:
        """Take the data folder and the port, or refuse in one line."""
        told = read_environment({"COMPTROLLER_MODE": "embedded"} | self.variables)
        # Nobody wants invented people in a database of his own.
        self.with_demonstration = told.demonstration and told.database is None
        self._take_data_folder()
        if not self.variables.get("DATABASE_URL"):
            self.postgres_bin = embedded.postgres_bin(self.variables, self.account, self.home)
        if not self.variables.get("REDIS_URL"):
            self.valkey_program = embedded.valkey_program(self.variables)
        self._take_port()
        self._end_leftovers()

    def _take_data_folder(self) -> None:
        try:
            self.account = embedded.ServiceAccount.for_this_process()
            self.home = embedded.reachable_home(self.data, self.account)
            self.lock = lock_data_folder(self.data)
        except PermissionError as error:
            raise Refused(
                f"the data folder `{self.data}` cannot be used ({error.strerror or error}); it belongs to "
                f"{owner_of(self.data)}: start as that user, or name another folder in COMPTROLLER_DATA"
            ) from None

    def _take_port(self) -> None:
        """Bind the port now and hand the socket to the web server: it cannot be lost in between."""
        deadline = time.monotonic() + 5
        while True:
            try:
                with bound(self.port) as probe:
                    probe.listen()  # only one socket can: this finds out whether somebody else does
                self.listener = bound(self.port)
            except OSError as error:
                # After a kill -9 of the launcher, the old web server may need a moment to end.
                if time.monotonic() < deadline and self._end_leftovers():
                    continue
                raise Refused(
                    f"port {self.port} cannot be used ({error.strerror}); "
                    "free it, or choose another: make run PORT=8001"
                ) from None
            return

    def _close_listener(self) -> None:
        """From here on a browser is refused at once instead of waiting for a server that will not come."""
        if self.listener is not None:
            self.listener.close()

    def _end_leftovers(self) -> bool:
        """End what a killed launcher left running on this data; we hold its lock, so nobody else wants it."""
        left = endpoints.read_endpoints(self.data).get("children", [])
        ended = [end_leftover(pid, mark, signal.SIGTERM, seconds=10) for pid, mark in left]
        endpoints.remove_endpoints(self.data)
        return any(ended)

    # -- starting

    def _start(self) -> None:
        logs = embedded.private_folder(self.data / "logs")
        for old in logs.glob("*.log"):
            old.replace(old.with_suffix(".log.old"))
        keys = read_or_make_keys(self.data / "secrets.json")
        self.environment = self._base_environment(keys)
        self.say(f"Comptroller: data in {self.home}")
        if not self.variables.get("DATABASE_URL"):
            self._start_postgres(keys, logs)
        if not self.variables.get("REDIS_URL"):
            self._start_valkey(keys, logs)
        if not self.variables.get("EMAIL_URL"):
            self._start_mailbox(logs)
        self._remember()
        self._prepare(logs)
        self._start_web(logs)
        self._start_celery(logs)
        self._remember()
        self._wait_for_web()

    def _base_environment(self, keys: dict[str, str]) -> dict[str, str]:
        ours = {
            "COMPTROLLER_MODE": "embedded",
            "COMPTROLLER_DATA": str(self.data),
            "SECRET_KEY": keys["secret_key"],
            "SITE_URL": self.url,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONUNBUFFERED": "1",
        }
        return ours | {name: value for name, value in self.variables.items() if name != "PORT"}

    def _start_postgres(self, keys: dict[str, str], logs: Path) -> None:
        self.say("  starting PostgreSQL")
        server = embedded.Postgres(
            self.home / "postgres",
            bin_dir=self.postgres_bin,
            account=self.account,
            password=keys["postgres"],
            log_path=logs / "postgres.log",
        )
        self.supervisor.add(server.child, server.restart)
        server.start()
        with psycopg.connect(server.url(), autocommit=True) as superuser:
            create_roles(
                superuser,
                owner=OWNER,
                owner_password=keys["owner"],
                app=APP,
                app_password=keys["app"],
                database=DATABASE,
            )
        self.environment["DATABASE_URL"] = server.url(user=APP, password=keys["app"], database=DATABASE)
        self.environment["DATABASE_OWNER_URL"] = server.url(user=OWNER, password=keys["owner"], database=DATABASE)
        self.supervisor.check_stop()

    def _start_valkey(self, keys: dict[str, str], logs: Path) -> None:
        self.say("  starting Valkey")
        server = embedded.Valkey(
            self.data / "valkey",
            program=self.valkey_program,
            password=keys["valkey"],
            log_path=logs / "valkey.log",
        )
        self.supervisor.add(server.child, server.restart)
        server.start()
        self.environment["REDIS_URL"] = server.url()
        self.supervisor.check_stop()

    def _start_mailbox(self, logs: Path) -> None:
        port = free_port()
        self._run_module(
            "mailbox", logs, "config.serve.mailbox", str(port), str(self.data / "mailbox"), grace_seconds=5
        )
        self.environment["EMAIL_URL"] = f"smtp://{LOOPBACK}:{port}"

    def _prepare(self, logs: Path) -> None:
        """Tables, rights, catalogue and, on our own database, the demonstration: one process, then gone."""
        demonstration = ["--demonstration"] if self.with_demonstration else []
        self.say("  bringing the database up to date")
        child = self._child("the database preparation", logs, "prepare", "config.serve.prepare", *demonstration)
        child.start()
        deadline = time.monotonic() + PREPARE_SECONDS_MAX
        try:
            while child.is_running:
                self.supervisor.check_stop()
                if time.monotonic() > deadline:
                    raise ChildFailed(f"the database preparation took longer than {PREPARE_SECONDS_MAX:.0f} s")
                time.sleep(0.05)
        finally:
            child.stop()
        if child.exit_code() != 0:
            raise ChildFailed(f"the database could not be brought up to date\n{child.log_tail()}")

    def _start_web(self, logs: Path) -> None:
        assert self.listener is not None  # taken before anything starts
        child = self._run_module(
            "web server",
            logs,
            *("gunicorn", "--config", "python:config.serve.web_server", "--bind", f"fd://{self.listener.fileno()}"),
            *("--log-level", "warning"),
            start=False,
        )
        child.env = dict(child.env) | {"PG_POOL": "4"}
        child.popen_options = {"pass_fds": (self.listener.fileno(),)}
        child.start()

    def _start_celery(self, logs: Path) -> None:
        quiet = ("--loglevel", "WARNING")
        # The process number keeps two installations on one machine apart. Without heartbeats, because nobody reads
        # them, and a worker that ends while the queue is away would wait for ever to send its last one.
        self._run_module(
            "worker",
            logs,
            *("celery", "-A", "config", "worker", "--concurrency", "2", "-n", f"comptroller-{os.getpid()}@%h"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat", *quiet),
            REMAP_SIGTERM="SIGQUIT",
        )
        self._run_module(
            "beat",
            logs,
            *(
                "celery",
                "-A",
                "config",
                "beat",
                "--schedule",
                str(self.data / "beat-schedule"),
                "--pidfile",
                "",
                *quiet,
            ),
        )

    def _child(self, name: str, logs: Path, log_name: str, *module: str, **variables: str) -> Child:
        return Child(
            name=name,
            argv=[sys.executable, "-W", "ignore::UserWarning:celery", "-m", *module],
            log_path=logs / f"{log_name}.log",
            env=self.environment | variables,
            cwd=BASE_DIR,
        )

    def _run_module(
        self, name: str, logs: Path, *module: str, start: bool = True, grace_seconds: float = 15.0, **variables: str
    ) -> Child:
        child = self._child(name, logs, name.replace(" server", ""), *module, **variables)
        child.grace_seconds = grace_seconds
        self.supervisor.add(child)
        if start:
            child.start()
        self.supervisor.check_stop()
        return child

    def _remember(self) -> None:
        """Write down what runs, for `./manage.py` and for the launcher after a kill -9."""
        children = [(part.child.pid, _mark(part.child)) for part in self.supervisor.parts if part.child.pid]
        names = ("COMPTROLLER_MODE", "COMPTROLLER_DATA", "SECRET_KEY", "SITE_URL", "DATABASE_URL", "DATABASE_OWNER_URL")
        shared = {
            name: self.environment[name] for name in (*names, "REDIS_URL", "EMAIL_URL") if name in self.environment
        }
        endpoints.write_endpoints(self.data, url=self.url, variables=shared, children=children)

    def _wait_for_web(self) -> None:
        web = next(part.child for part in self.supervisor.parts if part.child.name == "web server")

        def answers() -> bool:
            self.supervisor.check_stop()
            try:
                with socket.create_connection((LOOPBACK, self.port), timeout=5) as connection:
                    connection.sendall(f"GET /healthz HTTP/1.0\r\nHost: {LOOPBACK}\r\n\r\n".encode())
                    return b" 200 " in connection.recv(64)
            except OSError:
                return False

        web.wait_until(answers, READY_SECONDS_MAX)

    def _announce(self, seconds: float) -> None:
        lines = [
            "",
            f"Comptroller is ready ({seconds:.1f} s)",
            f"  open       {self.url}/",
        ]
        lines += [f"             {line}" for line in _demonstration_accounts(self.data)]
        if not self.variables.get("EMAIL_URL"):
            lines.append(f"  mailbox    {self.url}/mailbox/")
        lines += [
            f"  API        {self.url}/api/docs/",
            f"  data       {self.home}",
            f"  logs       {self.data / 'logs'}",
            "  Ctrl-C ends everything; the data is kept.",
            "",
        ]
        self.say("\n".join(lines))


def _mark(child: Child) -> str:
    """What an earlier child's command line must contain to be taken for ours."""
    return next((part for part in child.argv if part in ("gunicorn", "celery", "config.serve.mailbox")), child.argv[0])


def _demonstration_accounts(data: Path) -> list[str]:
    """Whom to sign in as; empty without a demonstration."""
    try:
        left = json.loads((data / "accounts.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    lines = [f"{account['email']}  ({account['name']})" for account in left["accounts"]]
    tail = f"; {left['more']} more are listed on the sign-in page" if left["more"] else ""
    return [*lines, f"password of each: {left['password']}{tail}"] if lines else []


def main() -> int:
    os.umask(0o077)
    try:
        launcher = Launcher(dict(os.environ))
    except Refused as refusal:
        print(f"comptroller: {refusal}", file=sys.stderr)
        return EXIT_REFUSED
    return launcher.run()


if __name__ == "__main__":
    sys.exit(main())
