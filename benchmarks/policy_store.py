"""The chunks of a throw-away PostgreSQL as the store of a backtest: written once, then read to the finished matrix.

Beside `benchmarks/policy_backtest.py`, which prints what is measured here.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import statistics
import time
from collections.abc import Sequence
from datetime import date
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.policy_bench.parts import backtest_parts
from governance.policy.backends.columns import Column, Columns
from governance.policy.backtest.backtest import OUTCOME_COLUMN, Backtest, Matrix, MemoryCache
from governance.policy.decisions.policy_set import CompiledPolicySet

FIRST_YEAR = 2010


class Chunks:
    """One throw-away server with a history in `FactChunk`, as the product packs it."""

    def __init__(self) -> None:
        from tests.plugins.servers import SERVERS

        os.environ.update(SERVERS.environment("benchmark"))
        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
        SERVERS.ensure_started()
        import django

        django.setup()
        from django.db import connection

        connection.settings_dict["NAME"] = SERVERS.fresh_database("benchmark")

    def write(self, columns: Columns, months: int) -> float:
        """Pack a history into so many months; seconds that it took."""
        import numpy as np
        from django.db import transaction
        from django.utils import timezone

        from governance.policy.backtest.tally import ID_COLUMN
        from governance.services.rules.fact_chunks import store_chunk

        size, began = -(-columns.count // months), time.perf_counter()
        for number in range(months):
            part = columns.slice(number * size, (number + 1) * size)
            first = number * size + 1
            ids = np.arange(first, first + part.count, dtype=np.int64)
            whole = Columns(part.count, {**part.columns, ID_COLUMN: Column(ids)})
            month = date(FIRST_YEAR + number // 12, number % 12 + 1, 1)
            digest = hashlib.sha256(f"{month} {part.count}".encode()).hexdigest()
            with transaction.atomic():
                store_chunk(month, 0, whole, digest=digest, ids=ids.tolist(), now=timezone.now())
        self._settle()
        return time.perf_counter() - began

    @staticmethod
    def _settle() -> None:
        from django.db import connection

        # The reads below are about reading: what was just written is on disc and known to the planner first.
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE governance_factchunk, governance_factchunkcolumn")

    @staticmethod
    def megabytes() -> int:
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_total_relation_size('governance_factchunkcolumn') / 1000000")
            return int(cursor.fetchone()[0])

    @staticmethod
    def parts(wanted: Sequence[str], numbers: slice = slice(None)) -> Any:
        """Chunk after chunk, as the product reads them; only one is in memory."""
        from governance.models import FactChunk
        from governance.selectors.rules.backtests.decision_history import ChunkPart

        for chunk in list(FactChunk.objects.order_by("month", "number"))[numbers]:
            yield chunk.digest, ChunkPart(chunk.pk, chunk.digest, chunk.rows).read(wanted)


def matrix(policy_set: CompiledPolicySet, on: date, numbers: slice = slice(None)) -> Matrix:
    """From the store to the finished matrix, nothing remembered from before."""
    backtest = Backtest(policy_set, on=on, cache=MemoryCache())
    return backtest_parts(backtest, Chunks.parts((*backtest.facts(), OUTCOME_COLUMN), numbers))


class Workers:
    """Two processes with a connection each, which share the months as workers of the product do."""

    def __init__(self, policy_set: CompiledPolicySet, on: date, count: int = 2) -> None:
        context, self.workers = multiprocessing.get_context("fork"), []
        from django.db import connections

        # A connection does not survive a fork in two processes at once.
        connections.close_all()
        for number in range(count):
            ours, theirs = context.Pipe()
            worker = context.Process(
                target=_serve, args=(theirs, policy_set, on, slice(number, None, count)), daemon=True
            )
            worker.start()
            ours.send(True)
            ours.recv()
            self.workers.append((worker, ours))

    def matrices(self) -> list[Matrix]:
        for _, pipe in self.workers:
            pipe.send(True)
        return [pipe.recv() for _, pipe in self.workers]

    def close(self) -> None:
        for worker, pipe in self.workers:
            pipe.send(False)
            worker.join()


def _serve(pipe: Connection, policy_set: CompiledPolicySet, on: date, numbers: slice) -> None:
    while pipe.recv():
        pipe.send(matrix(policy_set, on, numbers))


def measure(policy_set: CompiledPolicySet, columns: Columns, *, on: date, months: int, runs: int) -> dict[str, Any]:
    """Milliseconds from the store to the matrix, by one process and by two; and the matrix, to be compared."""
    store = Chunks()
    written = store.write(columns, months)
    found = matrix(policy_set, on)
    workers = Workers(policy_set, on)
    one: list[float] = []
    two: list[float] = []
    for _ in range(runs):
        for timings, task in ((one, lambda: matrix(policy_set, on)), (two, workers.matrices)):
            began = time.perf_counter()
            task()
            timings.append((time.perf_counter() - began) * 1e3)
    together = workers.matrices()
    workers.close()
    if sum((each.total for each in together), 0) != found.total:
        raise SystemExit("two workers counted another number of decisions; nothing was timed")
    return {
        "matrix": found,
        "ms": round(statistics.median(one), 1),
        "best_ms": round(min(one), 1),
        "two_processes_ms": round(statistics.median(two), 1),
        "two_processes_best_ms": round(min(two), 1),
        "megabytes": store.megabytes(),
        "written_seconds": round(written, 1),
    }
