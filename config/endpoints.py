"""Where the servers of a running `make run` listen: one private file in the data folder.

The launcher writes it, so that `./manage.py shell` in a second terminal finds the same
database without anybody copying addresses.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from config.env import BASE_DIR

FILE_NAME = "endpoints.json"


def data_dir(variables: Mapping[str, str]) -> Path:
    """The data folder that the variables name, without checking anything else."""
    named = variables.get("COMPTROLLER_DATA", "").strip()
    return Path(named).expanduser() if named else BASE_DIR / "var"


def write_endpoints(folder: Path, variables: Mapping[str, str]) -> None:
    """Leave the variables for other commands; readable by the owner of the data only."""
    path = folder / FILE_NAME
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({"pid": os.getpid(), "variables": dict(variables)}, file)
    draft.replace(path)


def remove_endpoints(folder: Path) -> None:
    (folder / FILE_NAME).unlink(missing_ok=True)


def join_running_servers(variables: MutableMapping[str, str]) -> bool:
    """Fill in what a running launcher left, unless the caller named servers of his own.

    Returns:
        Whether anything was filled in.
    """
    if variables.get("DATABASE_URL") or variables.get("COMPTROLLER_MODE") not in (None, "", "embedded"):
        return False
    try:
        left = json.loads((data_dir(variables) / FILE_NAME).read_text(encoding="utf-8"))
        os.kill(int(left["pid"]), 0)
    except PermissionError:
        return False
    except (OSError, ValueError, KeyError, TypeError):
        return False
    for name, value in left["variables"].items():
        variables.setdefault(name, value)
    return True
