"""What `make run` survives: a second start, strangers on PATH, kill -9 of any process and of itself."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psycopg
import pytest

from config.serve.processes import command_line
from tests.plugins.launched import Launched, Launchers, is_alive, wait_gone
from tests.plugins.processes import wait_for
from tests.prove.counts import COUNTS

pytestmark = pytest.mark.prove

MARK = "written before the end"


def owner_connection(launched: Launched) -> psycopg.Connection:
    return psycopg.connect(launched.endpoints["variables"]["DATABASE_OWNER_URL"], autocommit=True)


def leave_a_mark(launched: Launched) -> None:
    with owner_connection(launched) as connection:
        connection.execute("CREATE TABLE mark (text text)")
        connection.execute("INSERT INTO mark VALUES (%s)", [MARK])


def mark_of(launched: Launched) -> str:
    with owner_connection(launched) as connection:
        [(text,)] = connection.execute("SELECT text FROM mark").fetchall()
        return str(text)


def is_well(launched: Launched) -> bool:
    return launched.health() == {"database": "ok", "queue": "ok", "workers": "ok"}


def child_named(launched: Launched, text: str) -> int:
    [pid] = [pid for pid in launched.children if text in command_line(pid)]
    return pid


def initdbs_on(data: Path) -> list[int]:
    """Processes that make PostgreSQL's files for this data."""
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in pids if "/initdb " in (text := command_line(pid)) and str(data) in text]


def test_data_survives_and_a_second_start_is_quick(launchers: Launchers) -> None:
    first = launchers.start()
    first_seconds = first.wait_ready()
    leave_a_mark(first)
    assert first.end(signal.SIGINT) == 0

    second = launchers.start()
    second_seconds = second.wait_ready()
    assert mark_of(second) == MARK
    assert second_seconds < max(first_seconds, 15)


def test_kill_9_of_the_launcher_leaves_nothing_running_and_nothing_lost(launchers: Launchers) -> None:
    port = None
    for round_number in range(COUNTS.launcher_kills):
        launched = launchers.start(port)
        port = launched.port  # the same again: the old web server must be gone from it
        launched.wait_ready()
        if round_number == 0:
            leave_a_mark(launched)
        assert mark_of(launched) == MARK
        children = launched.children
        os.kill(launched.process.pid, signal.SIGKILL)
        launched.process.wait(10)
        if round_number == COUNTS.launcher_kills - 1:
            wait_gone(children)


def test_a_killed_start_begins_anew(launchers: Launchers) -> None:
    first_tries = [("starting PostgreSQL", seconds) for seconds in (0, 0.1, 0.2, 0.4, 0.6, 0.8)]
    for after, seconds in [*first_tries, ("starting Valkey", 0), ("bringing the database up to date", 0)]:
        launched = launchers.start()
        wait_for(lambda launched=launched, after=after: after in launched.log, 60, after)  # type: ignore[misc]
        time.sleep(seconds)  # into the making of the files, which takes about a second
        os.kill(launched.process.pid, signal.SIGKILL)
        launched.process.wait(10)
        wait_for(lambda: not initdbs_on(launchers.data), 0.5, "the end of what makes the files")
    last = launchers.start()
    last.wait_ready()
    wait_for(lambda: is_well(last), 30, "all parts ok")


def test_a_signal_while_starting_ends_at_once(launchers: Launchers) -> None:
    launched = launchers.start()
    wait_for(lambda: "bringing the database up to date" in launched.log, 60, "the preparation")
    children = launched.children
    assert launched.end() == 0
    wait_gone(children, seconds=5)


def test_a_part_that_dies_is_named_and_started_again(launchers: Launchers) -> None:
    launched = launchers.start()
    launched.wait_ready()
    wait_for(lambda: is_well(launched), 30, "all parts ok")
    parts = {
        "PostgreSQL": "postgres",
        "Valkey": "valkey",
        "web server": "gunicorn",
        "worker": "config worker",
        "beat": "config beat",
        "mailbox": "config.serve.mailbox",
    }
    for name, text in parts.items():
        victim = child_named(launched, text)
        os.kill(victim, signal.SIGKILL)
        said = f"{name} ended with code -9; starting it again"
        wait_for(lambda said=said: said in launched.log, 20, said)  # type: ignore[misc]
        wait_for(
            lambda victim=victim: victim not in launched.children and len(launched.children) == 6,  # type: ignore[misc]
            30,
            f"a new {name}",
        )
        wait_for(lambda: is_well(launched), 60, f"all parts ok after the end of {name}")
        assert is_alive(child_named(launched, text))


def test_a_part_that_keeps_dying_ends_everything_with_its_name(launchers: Launchers) -> None:
    launched = launchers.start()
    launched.wait_ready()
    children = launched.children

    def strike() -> bool:
        if launched.process.poll() is not None:
            return True
        for pid in [pid for pid in launched.children if "config beat" in command_line(pid)]:
            os.kill(pid, signal.SIGKILL)
        return False

    wait_for(strike, 90, "the launcher giving up")
    assert launched.process.returncode == 1
    assert "beat ended with code -9, 5 restarts did not help" in launched.log
    wait_gone(children, seconds=5)


def test_another_postgresql_on_path_is_never_touched(launchers: Launchers) -> None:
    strangers = launchers.folder / "strangers"
    strangers.mkdir()
    evidence = launchers.folder / "touched"
    evidence.touch(mode=0o666)
    for name in ("postgres", "initdb", "pg_ctl", "psql", "valkey-server", "redis-server"):
        script: Path = strangers / name
        script.write_text(f'#!/bin/sh\necho "{name}" >> "{evidence}"\nexit 3\n')
        script.chmod(0o755)
    launched = launchers.start(PATH=f"{strangers}:/usr/bin:/bin")
    launched.wait_ready()
    assert evidence.read_text() == ""


def test_a_second_launcher_on_the_same_data_is_refused(launchers: Launchers) -> None:
    first = launchers.start()
    first.wait_ready()
    second = launchers.start()
    assert second.process.wait(30) == 2
    [line] = second.log.strip().splitlines()
    assert first.url in line
    assert str(first.process.pid) in line
    assert is_well(first) or first.health()
