"""By which interface a change comes: web, desk, API, a command or a task. Every audit event names it.

Each interface says it at one place: a middleware for pages and calls, the base class of tasks, the base class of
commands. Where none of them did, somebody started a program on the machine, so the event names a command and the
user of the operating system who runs it.
"""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

ORIGIN_CHARS_MAX = 120


class Channel(StrEnum):
    """The interfaces."""

    WEB = "web"
    DESK = "desk"
    API = "api"
    COMMAND = "command"
    TASK = "task"


@dataclass(frozen=True, slots=True)
class Via:
    """One interface, and what ran there.

    Args:
        origin: of a command the operating-system user and its name, of a task its name; else empty.
    """

    channel: Channel
    origin: str = ""


_via: ContextVar[Via | None] = ContextVar("via", default=None)


@contextmanager
def through(channel: Channel, origin: str = "") -> Iterator[None]:
    """Name the interface of everything inside. Where one is named already, that one stays: it is where it began."""
    if _via.get() is not None:
        yield
        return
    token = _via.set(Via(channel, origin[:ORIGIN_CHARS_MAX]))
    try:
        yield
    finally:
        _via.reset(token)


@contextmanager
def through_command(name: str) -> Iterator[None]:
    """`through` for a command that somebody runs on the machine."""
    with through(Channel.COMMAND, _run_by(name)):
        yield


def current() -> Via:
    """The interface of what happens now."""
    return _via.get() or Via(Channel.COMMAND, _run_by(_program()))


def os_user() -> str:
    """Who runs this process, as the operating system knows them: variables of the environment can say anything."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def _run_by(name: str) -> str:
    return f"{os_user()}: {name}"[:ORIGIN_CHARS_MAX]


def _program() -> str:
    """What was started. Its options may hold secrets and stay out; of `manage.py` the word after it says what it is."""
    name = Path(sys.argv[0]).name if sys.argv else ""
    word = sys.argv[1] if name == "manage.py" and len(sys.argv) > 1 and sys.argv[1].isidentifier() else ""
    return " ".join(part for part in (name or "python", word) if part)
