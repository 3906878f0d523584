"""Records runs of sweeps: what each did, how far it got, why it failed; and keeps two of a kind apart."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db import connection, transaction
from django.db.models import Model, QuerySet
from django.utils import timezone

from governance.domain.limits import SWEEP_BATCH
from governance.domain.states.record import JobEvent, JobState
from governance.models import JobRun
from governance.models.base import move_all

logger = logging.getLogger(__name__)

RowT = TypeVar("RowT", bound=Model)

BATCHES_MAX = 40
"""Batches of one run; a longer backlog goes on with the next tick, where this one stopped."""
RUN_SECONDS_MAX = 45.0
"""A run stops taking rows after this long, well before the time limit that would end its process."""
KEPT = timedelta(days=30)
ERROR_CHARS_MAX = 400


@dataclass(slots=True)
class Run:
    """One run while it goes on.

    Args:
        last: what the last finished run left in `result`: its cursors.
        result: what this one leaves.
        until: on the monotonic clock, when it stops taking rows.
    """

    name: str
    last: dict[str, Any]
    until: float
    done_count: int = 0
    result: dict[str, Any] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    @contextmanager
    def apart(self, what: str) -> Iterator[None]:
        """Handle one row apart from the others: if it fails, that is noted and the run goes on to the next."""
        try:
            yield
        except Exception as error:
            logger.exception("%s: %s failed", self.name, what)
            self.failures.append(f"{what}: {type(error).__name__}: {error}")

    @property
    def has_time(self) -> bool:
        return time.monotonic() < self.until

    def rows(self, rows: QuerySet[RowT], cursor: str) -> Iterator[RowT]:
        """Rows in order of id, a batch at a time, from where the last run stopped; none comes twice in a run.

        Args:
            cursor: under which name `result` keeps the last id; absent once the run has seen the end.
        """
        after = int(self.last.get(cursor, 0))
        for _ in range(BATCHES_MAX):
            batch = list(rows.filter(pk__gt=after).order_by("pk")[:SWEEP_BATCH])
            for row in batch:
                if not self.has_time:
                    return
                yield row
                after = self.result[cursor] = row.pk
            if len(batch) < SWEEP_BATCH:
                self.result.pop(cursor, None)
                return

    def has_finished(self, cursor: str) -> bool:
        """Whether `rows` has seen the last row under this name."""
        return cursor not in self.result


@contextmanager
def sweep(name: str, *, now: datetime) -> Iterator[Run | None]:
    """Be the only run of `name`, and record it. None when another one is at it.

    Rows are what makes a sweep correct; that only one runs at a time merely saves work. A run that found nothing takes
    the place of a quiet run before it, so that a sweep every minute does not fill the table.
    """
    with alone(name) as is_alone:
        if not is_alone:
            yield None
            return
        previous = JobRun.objects.filter(name=name).exclude(state=JobState.RUNNING).order_by("-pk").first()
        job = _begin(name, now=now)
        run = Run(name, last=dict(previous.result) if previous else {}, until=time.monotonic() + RUN_SECONDS_MAX)
        run.result = dict(run.last)
        try:
            yield run
        except BaseException as error:
            _finish(job, run, JobEvent.FAIL, error=f"{type(error).__name__}: {error}")
            raise
        _finish(job, run, JobEvent.FAIL if run.failures else JobEvent.FINISH, error="; ".join(run.failures))
        _forget(job, run, previous, now=now)


@contextmanager
def alone(name: str) -> Iterator[bool]:
    """Whether this is the only process in the block; another one does not wait, it is told so.

    The lock belongs to the database session, so it ends with a killed process.
    """
    key = int.from_bytes(hashlib.sha256(f"sweep:{name}".encode()).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        is_alone = bool(cursor.fetchone()[0])
    try:
        yield is_alone
    finally:
        if is_alone:
            _unlock(key)


def _unlock(key: int) -> None:
    if connection.connection is None or connection.connection.closed:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


def _begin(name: str, *, now: datetime) -> JobRun:
    job = JobRun(name=name, started_at=now)
    job.move(JobEvent.START)
    job.save()
    return job


def _finish(job: JobRun, run: Run, event: JobEvent, *, error: str) -> None:
    job.move(event)
    job.done_count, job.result = run.done_count, run.result
    job.error = error.replace("\0", "")[:ERROR_CHARS_MAX]
    job.finished_at = timezone.now()
    job.save(update_fields=["state", "done_count", "result", "error", "finished_at"])


def _forget(job: JobRun, run: Run, previous: JobRun | None, *, now: datetime) -> None:
    """Drop the quiet run before a quiet run, runs that were killed, and everything that is too old to matter."""
    with transaction.atomic():
        if (
            previous
            and run.done_count == 0
            and not run.failures
            and previous.state == JobState.DONE
            and not previous.done_count
        ):
            previous.delete()
        others = JobRun.objects.filter(name=run.name).exclude(pk=job.pk)
        # Nobody else runs this sweep now: a row that says so was left by a killed process.
        move_all(others, JobEvent.FAIL, error="exited without reporting", finished_at=now)
        others.filter(finished_at__lt=now - KEPT).delete()
