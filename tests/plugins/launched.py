"""A launcher under test: `make run` on a data folder of its own, without the demonstration."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from config.serve.endpoints import read_endpoints
from config.serve.processes import command_line, free_port
from tests.plugins.processes import wait_for
from tests.plugins.scratch import scratch_folder
from tests.plugins.servers import ROOT

READY_SECONDS_MAX = 120.0
INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "PG_BIN_DIR", "VALKEY_BIN")


@dataclass
class Launched:
    """One started launcher."""

    process: subprocess.Popen[bytes]
    log_path: Path
    data: Path
    port: int

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def endpoints(self) -> dict[str, Any]:
        """What the launcher wrote down; empty before it has and after it has ended."""
        return read_endpoints(self.data)

    @property
    def children(self) -> list[int]:
        return [pid for pid, _ in self.endpoints.get("children", [])]

    def wait_ready(self) -> float:
        """Wait for the ready block; give the seconds that the launcher says it took."""

        def look() -> bool:
            if self.process.poll() is not None:
                raise AssertionError(f"the launcher ended with {self.process.returncode}:\n{self.log}")
            return "Comptroller is ready" in self.log

        wait_for(look, READY_SECONDS_MAX, f"ready; so far:\n{self.log}\n")
        return float(self.log.split("Comptroller is ready (")[1].split(" s)")[0])

    def health(self) -> dict[str, str]:
        try:
            with urllib.request.urlopen(self.url + "/healthz", timeout=5) as response:  # noqa: S310 - our own address
                return json.load(response)  # type: ignore[no-any-return]
        except (urllib.error.URLError, OSError):
            return {}

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)


@dataclass
class Launchers:
    """Starts launchers on one data folder."""

    folder: Path
    data: Path
    started: list[Launched]

    def start(self, port: int | None = None, **variables: str) -> Launched:
        port = port or free_port()
        log_path = self.folder / f"launch-{len(self.started)}.log"
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        ours = {"COMPTROLLER_DATA": str(self.data), "COMPTROLLER_DEMONSTRATION": "0", "PORT": str(port)}
        with log_path.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "config.serve.launch"],
                cwd=ROOT,
                env=inherited | ours | variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        launched = Launched(process, log_path, self.data, port)
        self.started.append(launched)
        return launched

    def running(self, **variables: str) -> Launched:
        """The launcher that runs, or a new one; ready."""
        if not self.started or self.started[-1].process.poll() is not None:
            self.start(**variables)
        self.started[-1].wait_ready()
        return self.started[-1]

    def clean_up(self) -> None:
        for launched in self.started:
            if launched.process.poll() is None:
                launched.end()


def is_alive(pid: int) -> bool:
    return bool(command_line(pid))


def wait_gone(pids: list[int], seconds: float = 20.0) -> None:
    """Wait for the end of processes; fail with what the ones that stayed were started as."""
    started_as = {pid: command_line(pid) for pid in pids}
    try:
        wait_for(lambda: not any(is_alive(pid) for pid in pids), seconds)
    except AssertionError:
        left = "\n".join(f"{pid} {started_as[pid]}" for pid in pids if is_alive(pid))
        raise AssertionError(f"still there after {seconds:.0f} s:\n{left}") from None


@contextmanager
def _on_data_of_their_own() -> Iterator[Launchers]:
    folder = Path(tempfile.mkdtemp(prefix="comptroller-launch-", dir=scratch_folder()))
    folder.chmod(0o711)
    launchers = Launchers(folder, folder / "my data", [])
    try:
        yield launchers
    finally:
        launchers.clean_up()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def launchers() -> Iterator[Launchers]:
    """Launchers whose data lies in a folder with a space in its name, which any account may pass through."""
    with _on_data_of_their_own() as launchers:
        yield launchers


@pytest.fixture(scope="module")
def product() -> Iterator[Launchers]:
    """The same for the tests of a module, which share what they start: `product.running()`."""
    with _on_data_of_their_own() as launchers:
        yield launchers
