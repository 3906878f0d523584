"""Where the servers of a running `make run` listen: one private file in the data folder.

The launcher writes it, so that `./manage.py shell` in a second terminal finds the same
database without anybody copying addresses, and so that the launcher after a killed one
knows what was left running.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any

from config.env import BASE_DIR

FILE_NAME = "endpoints.json"


def data_dir(variables: Mapping[str, str]) -> Path:
    """The data folder that the variables name, without checking anything else."""
    named = variables.get("COMPTROLLER_DATA", "").strip()
    return Path(named).expanduser() if named else BASE_DIR / "var"


def write_endpoints(
    folder: Path, *, url: str, variables: Mapping[str, str], children: Sequence[tuple[int | None, str]]
) -> None:
    """Leave addresses and process numbers; readable by the owner of the data only."""
    path = folder / FILE_NAME
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({"pid": os.getpid(), "url": url, "variables": dict(variables), "children": list(children)}, file)
    draft.replace(path)


def read_endpoints(folder: Path) -> dict[str, Any]:
    """What the file says; empty if there is none that can be read."""
    try:
        found = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def remove_endpoints(folder: Path) -> None:
    (folder / FILE_NAME).unlink(missing_ok=True)


def join_running_servers(variables: MutableMapping[str, str]) -> bool:
    """Fill in what a running launcher left, unless the caller named servers of his own.

    Returns:
        Whether anything was filled in.
    """
    if variables.get("DATABASE_URL") or variables.get("COMPTROLLER_MODE", "") not in ("", "embedded"):
        return False
    left = read_endpoints(data_dir(variables))
    try:
        os.kill(int(left["pid"]), 0)
    except (KeyError, ValueError, OSError):
        return False
    for name, value in left["variables"].items():
        variables.setdefault(name, value)
    return True
