"""What one launcher has for itself, or refuses to start without: the data folder, the port, the keys."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import socket
from pathlib import Path
from typing import IO

from config.serve import endpoints
from config.serve.processes import LOOPBACK

DEFAULT_PORT = 8000


class Refused(Exception):
    """Nothing was started; the message is the one line that a person needs."""


def lock_data_folder(data: Path) -> IO[str]:
    """The open file whose lock is ours until this process ends.

    Raises:
        Refused: another launcher runs on this data.
        PermissionError: the folder belongs to somebody else.
    """
    lock = (data / "launcher.lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        running = endpoints.read_endpoints(data)
        raise Refused(
            f"already running on this data at {running.get('url', 'an address not yet known')} "
            f"(process {running.get('pid', 'unknown')}); stop that one first, "
            "or name another folder in COMPTROLLER_DATA"
        ) from None
    return lock


def read_port(variables: dict[str, str]) -> int:
    text = variables.get("PORT", "").strip() or str(DEFAULT_PORT)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise Refused(f"PORT is `{text}`; it must be a whole number from 1 to 65535")
    return int(text)


def bound(port: int) -> socket.socket:
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
    except OSError:
        listener.close()
        raise
    return listener


def read_or_make_keys(path: Path) -> dict[str, str]:
    """Passwords of our own servers and the signing key; made once, readable by us alone."""
    names = ("secret_key", "postgres", "owner", "app", "valkey")
    try:
        keys: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        keys = {}
    missing = [name for name in names if name not in keys]
    if missing:
        keys |= {name: secrets.token_urlsafe(48 if name == "secret_key" else 24) for name in missing}
        draft = path.with_suffix(".new")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(keys, file)
        draft.replace(path)
    return keys


def owner_of(folder: Path) -> str:
    try:
        return folder.owner()
    except (OSError, KeyError):
        return "another user"
