"""Where servers of tests keep their data: in memory where there is room for it.

A new copy of a database is 300 small files. On a disk their making costs up to ten times what it costs in memory
(measured: 190 against 20 ms of processor time), and a run makes hundreds of copies.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - folders in it are made by mkdtemp
FREE_BYTES_MIN = 2 * 1024**3


def scratch_folder() -> Path:
    """The folder in which to make folders for servers.

    It is Linux's file system in memory, unless TMPDIR names another place, little of it is free (containers are given
    64 MiB), or no program could be started from it (where they are kept out of reach of the servers' account, they are
    copied beside the data).
    """
    if os.environ.get("TMPDIR") or not os.access(MEMORY, os.W_OK | os.X_OK):
        return Path(tempfile.gettempdir())
    is_fit = not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC and shutil.disk_usage(MEMORY).free >= FREE_BYTES_MIN
    return MEMORY if is_fit else Path(tempfile.gettempdir())
