"""When `make run` cannot start, it says why in one line, starts nothing and exits 2."""

from __future__ import annotations

import fcntl
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugins.launched import INHERITED, Launchers
from tests.plugins.servers import ROOT


def refusal(launchers: Launchers, port: int | None = None, **variables: str) -> str:
    """The only line of a launcher that must refuse."""
    launched = launchers.start(port, **variables)
    assert launched.process.wait(30) == 2
    [line] = launched.log.strip().splitlines()
    assert line.startswith("comptroller: ")
    assert not (launchers.data / "postgres").exists()
    assert not (launchers.data / "endpoints.json").exists()
    return line


def test_a_taken_port_is_one_line_and_exit_2(launchers: Launchers) -> None:
    with socket.create_server(("127.0.0.1", 0)) as neighbour:
        port = neighbour.getsockname()[1]
        line = refusal(launchers, port)
    assert f"port {port} cannot be used" in line
    assert "make run PORT=" in line


def test_a_port_on_which_nobody_listens_any_more_is_free(launchers: Launchers) -> None:
    with socket.create_server(("127.0.0.1", 0)) as neighbour:
        port = neighbour.getsockname()[1]
    with socket.socket() as quiet:
        quiet.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        quiet.bind(("127.0.0.1", port))
        assert "VALKEY_BIN" in refusal(launchers, port, VALKEY_BIN="/nowhere")


def test_data_in_use_names_the_process_that_uses_it(launchers: Launchers) -> None:
    launchers.data.mkdir(mode=0o711)
    with (launchers.data / "launcher.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "already running on this data" in refusal(launchers)


@pytest.mark.parametrize(
    ("variables", "complaint"),
    [
        ({"PORT": "eighty"}, "PORT is `eighty`"),
        ({"PORT": "99999"}, "PORT is `99999`"),
        ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL is `LOUD`"),
        ({"DATABASE_URL": "mysql://a:b@c/d"}, "it must start with postgres://"),
        ({"PG_BIN_DIR": "/nowhere"}, "PG_BIN_DIR is `/nowhere`, which has no postgres"),
        ({"VALKEY_BIN": "/nowhere"}, "VALKEY_BIN is `/nowhere`"),
    ],
)
def test_nonsense_is_refused_before_anything_starts(
    launchers: Launchers, variables: dict[str, str], complaint: str
) -> None:
    launched = launchers.start(**variables)
    assert launched.process.wait(30) == 2
    assert complaint in launched.log
    assert not (launchers.data / "postgres").exists()


def test_a_data_folder_that_others_can_write_to_is_refused(launchers: Launchers) -> None:
    launchers.data.mkdir()
    launchers.data.chmod(0o777)
    assert "others cannot write" in refusal(launchers)


def test_data_of_a_newer_postgresql_is_left_alone(launchers: Launchers) -> None:
    cluster: Path = launchers.data / "postgres" / "data"
    cluster.mkdir(parents=True)
    for folder in (launchers.data, launchers.data / "postgres", cluster):
        folder.chmod(0o711)
    (cluster / "PG_VERSION").write_text("99\n")
    launched = launchers.start()
    assert launched.process.wait(30) == 1
    assert "was made by PostgreSQL 99" in launched.log
    assert (cluster / "PG_VERSION").read_text() == "99\n"


@pytest.mark.parametrize("command", ["policy check", "createsuperuser --no-input --email you@example.org"])
def test_a_command_without_a_running_product_is_one_line_and_exit_2(launchers: Launchers, command: str) -> None:
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    done = subprocess.run(
        [sys.executable, "manage.py", *command.split()], cwd=ROOT, capture_output=True, text=True, check=False,
        env=inherited | {"COMPTROLLER_DATA": str(launchers.data)},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    assert line.startswith(f"manage.py: no product runs on the data folder `{launchers.data}`")
    assert "make run" in line
