"""The product as the web server serves it, which also notes how long each transaction kept budgets locked.

`benchmarks/contention.py` starts it: `gunicorn … benchmarks.lock_times`. Milliseconds are appended to the file that
LOCK_TIMES names, a line for each transaction, from the moment at which the lock is had to the end of COMMIT.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

from django.db.backends.postgresql.base import DatabaseWrapper

from config.wsgi import application
from governance.models.money.budgets import BudgetQuerySet

__all__ = ["application"]

_since = threading.local()
_file = Path(os.environ["LOCK_TIMES"]).open("a", buffering=1)  # noqa: SIM115 - as long as the process lives

_lock, _commit, _rollback = BudgetQuerySet.lock_path_of, DatabaseWrapper.commit, DatabaseWrapper.rollback


def lock_path_of(self: Any, leaf: Any) -> Any:
    path = _lock(self, leaf)
    _since.seconds = getattr(_since, "seconds", None) or time.perf_counter()
    return path


def _ended(end: Any) -> Any:
    def wrapped(self: Any) -> None:
        end(self)
        seconds, _since.seconds = getattr(_since, "seconds", None), None
        if seconds is not None:
            _file.write(f"{(time.perf_counter() - seconds) * 1000:.3f}\n")

    return wrapped


BudgetQuerySet.lock_path_of = lock_path_of
DatabaseWrapper.commit = _ended(_commit)
DatabaseWrapper.rollback = _ended(_rollback)
