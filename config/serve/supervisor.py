"""Keeps children running and ends them in order: a part that dies is named and started again, or everything ends."""

from __future__ import annotations

import signal
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from config.serve.processes import Child, ChildFailed

RESTARTS_MAX = 5
RESTART_WINDOW_SECONDS = 120.0

EXIT_FAILED = 1


class Stopped(Exception):
    """Somebody asked for the end while starting."""


@dataclass
class Part:
    """A running child and how to bring it back."""

    child: Child
    restart: Callable[[], None]
    is_store: bool = False
    """Keeps data for the others, so it ends after them."""
    restarts: deque[float] = field(default_factory=deque)

    def may_restart(self, now: float) -> bool:
        while self.restarts and now - self.restarts[0] > RESTART_WINDOW_SECONDS:
            self.restarts.popleft()
        return len(self.restarts) < RESTARTS_MAX


class Supervisor:
    """Watches the parts from the main thread: the kernel ends a child with the thread that started it."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.parts: list[Part] = []
        self.stop_asked = threading.Event()
        self.hurry = False
        self.say = say
        self.on_change: Callable[[], None] = lambda: None

    def listen_to_signals(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # nohup means it
                signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: Any) -> None:
        self.hurry = self.stop_asked.is_set()
        self.stop_asked.set()

    def add(self, child: Child, restart: Callable[[], None] | None = None) -> None:
        """Watch a child from now on; one with a restart of its own is a server that keeps data."""
        self.parts.append(Part(child, restart or child.start, is_store=restart is not None))

    def check_stop(self) -> None:
        if self.stop_asked.is_set():
            raise Stopped

    def watch(self) -> int:
        """Until asked to stop, or until a part cannot be kept running.

        Returns:
            The exit code of the launcher.
        """
        while not self.stop_asked.wait(0.3):
            for part in self.parts:
                if not part.child.is_running and not self._bring_back(part):
                    return EXIT_FAILED
        return 0

    def _bring_back(self, part: Part) -> bool:
        name, code = part.child.name, part.child.exit_code()
        if not part.may_restart(time.monotonic()):
            self.say(f"{name} ended with code {code}, {RESTARTS_MAX} restarts did not help: stopping everything")
            self.say(part.child.log_tail())
            return False
        delay = 0.5 * 2 ** len(part.restarts)
        self.say(f"{name} ended with code {code}; starting it again in {delay:.1f} s (log: {part.child.log_path})")
        part.restarts.append(time.monotonic())
        if self.stop_asked.wait(delay):
            return True
        try:
            part.restart()
        except ChildFailed as failure:
            self.say(str(failure))  # counted above; the next round tries again or gives up
        self.on_change()
        return True

    def stop_all(self) -> None:
        """End the parts, the stores last: nobody loses the database while still writing to it."""
        for is_store in (False, True):
            wave = [part.child for part in self.parts if part.is_store is is_store]
            for child in wave:
                child.ask_to_stop()
            deadline = time.monotonic() + max((child.grace_seconds for child in wave), default=0)
            while any(child.is_running for child in wave) and time.monotonic() < deadline and not self.hurry:
                time.sleep(0.02)
            for child in wave:
                child.stop(grace_seconds=0 if self.hurry else 1)
