"""`make reset`: delete the data of `make run`, so that the next start begins anew.

`python -m config.serve.reset [--yes]` asks at a terminal first, and never touches a database that DATABASE_URL names.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

from config.env import BadEnvironment, read_environment
from config.serve.claims import Refused, lock_data_folder

WORD = "reset"
# What a launcher leaves; a folder without any of it is not one of its data folders.
MARKS = ("secrets.json", "postgres", "launcher.lock")


def reset(data: Path, *, is_agreed: bool) -> str:
    """Delete the data folder.

    Returns:
        What was done, as a sentence.

    Raises:
        Refused: the product runs on it, it is no data folder, or nobody agreed; nothing was deleted.
    """
    if not data.exists():
        return f"nothing to delete: `{data}` does not exist"
    if data.is_symlink() or not data.is_dir() or not any((data / mark).exists() for mark in MARKS):
        raise Refused(f"`{data}` is not a data folder of `make run`; nothing was deleted")
    lock = lock_data_folder(data)
    try:
        if not is_agreed:
            _ask(data)
        shutil.rmtree(data)
    finally:
        lock.close()
    return f"deleted `{data}`; the next `make run` begins anew"


def _ask(data: Path) -> None:
    print(
        f"This deletes `{data}`: the database with its people, requests, ledger and audit log, the keys, uploads and "
        "mails of `make run`. Nothing of it can be brought back."
    )
    if not sys.stdin.isatty():
        raise Refused("nothing was deleted: answer at a terminal, or add --yes (make reset ARGS=--yes)")
    if input(f"Type `{WORD}` to go on: ").strip() != WORD:
        raise Refused("nothing was deleted")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m config.serve.reset", description=__doc__)
    parser.add_argument("--yes", action="store_true", help="do not ask")
    options = parser.parse_args()
    try:
        print(reset(read_environment({"COMPTROLLER_MODE": "embedded"} | os.environ).data_dir, is_agreed=options.yes))
    except (Refused, BadEnvironment, OSError) as refusal:
        print(f"comptroller: {refusal}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
