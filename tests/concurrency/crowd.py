"""Runs the same thing from many threads at once, each with a database connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection


def at_once(acts: Sequence[Callable[[], Any]], *, timeout_s: float = 120.0) -> list[Any]:
    """Start all acts together and wait for them.

    Returns:
        What each returned, or the exception that it raised, in order.
    """
    gate = threading.Barrier(len(acts))
    results: list[Any] = [None] * len(acts)

    def run(index: int) -> None:
        try:
            # Connect before the gate, so that all statements start together. The product gives up a lock after seconds,
            # for people's sake; here a busy machine may take its time, since the outcome is what is asked for.
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = 0; SET statement_timeout = 0")
            gate.wait(timeout_s)
            results[index] = acts[index]()
        except Exception as error:  # the caller looks at each of them
            results[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(index,), daemon=True) for index in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout_s)
    assert not any(thread.is_alive() for thread in threads), "a thread did not come back: two wait for each other"
    return results


def kinds(results: Sequence[Any]) -> dict[str, int]:
    """How often each kind of result came back, by type name."""
    found: dict[str, int] = {}
    for result in results:
        name = type(result).__name__
        found[name] = found.get(name, 0) + 1
    return found
