"""Child processes that end when their parent does, whatever way it ends."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LOOPBACK = "127.0.0.1"
LOG_TAIL_BYTES = 3000
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class ChildFailed(Exception):
    """A process did not start or did not stay up. The message names it and ends with its last log lines."""


def free_port() -> int:
    """A port that nobody listens on right now. Its taker binds it soon or tries another."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def die_with_parent(signal_number: int) -> Callable[[], None]:
    """Make a `preexec_fn` that has the kernel send a signal to the child when its parent dies.

    The kernel watches the thread that forked, so children are started from the main thread.
    Elsewhere than on Linux there is no such call; there the next start ends what was left behind.
    """
    parent = os.getpid()

    def before_exec() -> None:
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal_number)
            if os.getppid() != parent:  # died between fork and prctl: nobody will send the signal
                os._exit(1)

    return before_exec


@dataclass
class Child:
    """One process: how it is started, watched and ended."""

    name: str
    argv: Sequence[str]
    log_path: Path
    env: Mapping[str, str]
    cwd: Path | str = "/"
    stop_signal: int = signal.SIGTERM
    grace_seconds: float = 15.0
    popen_options: Mapping[str, Any] = field(default_factory=dict)
    config_text: str | None = None
    """Written to the process's standard input: secrets stay out of the process list."""
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process in a session of its own, so that a Ctrl-C reaches only the launcher."""
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                list(self.argv),
                stdin=subprocess.DEVNULL if self.config_text is None else subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(self.env),
                cwd=self.cwd,
                start_new_session=True,
                preexec_fn=die_with_parent(self.stop_signal),
                **self.popen_options,
            )
        if self.config_text is not None and self.process.stdin is not None:
            self.process.stdin.write(self.config_text.encode())
            self.process.stdin.close()

    def exit_code(self) -> int | None:
        """None while it runs, and before it was started."""
        return self.process.poll() if self.process else None

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None

    def wait_until(self, is_ready: Callable[[], bool], seconds: float) -> None:
        """Wait until it answers.

        Raises:
            ChildFailed: it ended, or time ran out.
        """
        deadline = time.monotonic() + seconds
        while not is_ready():
            if not self.is_running:
                raise ChildFailed(
                    f"{self.name} ended with code {self.exit_code()} before it was ready\n{self.log_tail()}"
                )
            if time.monotonic() > deadline:
                raise ChildFailed(f"{self.name} was not ready after {seconds:.0f} s\n{self.log_tail()}")
            time.sleep(0.02)

    def ask_to_stop(self) -> None:
        if self.is_running and self.process:
            self.process.send_signal(self.stop_signal)

    def stop(self, grace_seconds: float | None = None) -> None:
        """Ask it to end, wait, and kill its whole session if it will not."""
        if self.process is None:
            return
        self.ask_to_stop()
        try:
            self.process.wait(self.grace_seconds if grace_seconds is None else grace_seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            self.process.wait(10)

    def kill(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def log_tail(self) -> str:
        """The end of its log, indented, for an error message."""
        try:
            with self.log_path.open("rb") as log:
                log.seek(0, os.SEEK_END)
                log.seek(max(0, log.tell() - LOG_TAIL_BYTES))
                lines = log.read().decode(errors="replace").splitlines()[-25:]
        except OSError:
            return ""
        return "\n".join(f"    {line}" for line in lines)


def command_line(pid: int) -> str:
    """What a process was started as; empty if there is no such process or it may not be seen."""
    proc = Path("/proc") / str(pid) / "cmdline"
    try:
        if proc.exists():
            return proc.read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        if shutil.which("ps") and sys.platform != "linux":
            answer = subprocess.run(
                ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
            )
            return answer.stdout.strip()
    except OSError:
        pass
    return ""


def end_leftover(pid: int, mark: str, stop_signal: int, seconds: float) -> bool:
    """End a process that an earlier, killed launcher left behind.

    Args:
        pid: as that launcher wrote it down.
        mark: text that its command line must contain: process numbers are reused by strangers.

    Returns:
        Whether there was such a process.
    """
    if mark not in command_line(pid):
        return False
    deadline = time.monotonic() + seconds
    signal_number = stop_signal
    while mark in command_line(pid):
        try:
            os.kill(pid, signal_number)
        except ProcessLookupError:
            break
        signal_number = 0 if time.monotonic() < deadline else signal.SIGKILL
        time.sleep(0.05)
    return True
