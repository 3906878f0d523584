"""Queries and time of the pages that people open daily, on 1,000 and on 100,000 requests, side by side.

    python -m benchmarks.pages [--small 1000] [--large 100000] [--runs 15] [--json]

Starts throw-away servers of its own. The two databases are measured in turn, request by request, so that a slow moment
of the machine falls on both. Figures are medians; quote the ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg

from tests.plugins.servers import APP, OWNER, SERVERS

QUERIES_MAX = {"list": 12, "detail": 12, "queue": 12}
RATIO_MAX = 1.5


def main() -> int:
    options = _options()
    os.environ.update(SERVERS.environment("benchmark"))
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    SERVERS.ensure_started()
    import django

    django.setup()
    sizes = (options.small, options.large)
    databases = _databases(sizes)
    found = _measure(databases, runs=options.runs)
    report = {
        name: {
            **{
                f"{size}": {"queries": found[name][size][0], "median_ms": round(found[name][size][1], 2)}
                for size in sizes
            },
            "ratio": round(found[name][sizes[1]][1] / found[name][sizes[0]][1], 3),
            "queries_grow": found[name][sizes[1]][0] > found[name][sizes[0]][0],
        }
        for name in found
    }
    problems = _problems(report, sizes)
    if options.json:
        print(json.dumps({"sizes": sizes, "pages": report, "problems": problems}, indent=2))
    else:
        _print(report, sizes, problems)
    return 1 if problems else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", type=int, default=1_000)
    parser.add_argument("--large", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _use(database: str, user: str = APP) -> None:
    from django.db import connection

    connection.close()
    connection.settings_dict |= {"NAME": database, "USER": user}


def _databases(sizes: tuple[int, int]) -> dict[int, str]:
    """One organisation, copied twice, then filled to each size. Copies share ids, so caches treat them alike."""
    from django.db import connection
    from django.utils import timezone

    from benchmarks import history

    now = timezone.now()
    _use(SERVERS.fresh_database("benchmark"))
    history.assemble(now)
    connection.close()
    databases = {}
    for size in sizes:
        name = f"benchmark_{size}"
        with SERVERS.superuser() as server:
            server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            server.execute(f'CREATE DATABASE "{name}" TEMPLATE "benchmark"')
        _use(name, OWNER)
        started = time.perf_counter()
        history.fill(size, now)
        connection.close()
        with psycopg.connect(SERVERS.url("postgres", name), autocommit=True) as server:
            server.execute("VACUUM ANALYZE")
        print(f"{size:,} requests in {time.perf_counter() - started:.1f} s", file=sys.stderr)
        databases[size] = name
    return databases


def _measure(databases: dict[int, str], *, runs: int) -> dict[str, dict[int, tuple[int, float]]]:
    acts: dict[int, dict[str, Any]] = {}
    for size, name in databases.items():
        _use(name)
        acts[size] = _acts()
    times: dict[str, dict[int, list[float]]] = {act: {size: [] for size in databases} for act in acts[min(databases)]}
    queries: dict[str, dict[int, int]] = {act: {} for act in times}
    for run in range(-2, runs):
        for size, name in databases.items():
            _use(name)
            for act, call in acts[size].items():
                count, seconds = _timed(call.prepare() if isinstance(call, Prepared) else call)
                if run >= 0:
                    times[act][size].append(seconds * 1_000)
                    queries[act][size] = max(queries[act].get(size, 0), count)
    return {
        act: {size: (queries[act][size], statistics.median(times[act][size])) for size in databases} for act in times
    }


def _timed(call: Callable[[], Any]) -> tuple[int, float]:
    from django.db import connection

    count = 0

    def counting(execute: Any, *arguments: Any) -> Any:
        nonlocal count
        count += 1
        return execute(*arguments)

    connection.ensure_connection()
    with connection.execute_wrapper(counting):
        started = time.perf_counter()
        response = call()
        seconds = time.perf_counter() - started
    if response.status_code not in (200, 302):
        raise RuntimeError(f"{response.status_code}: {response.content[:500]!r}")
    return count, seconds


def _acts() -> dict[str, Any]:
    from django.test import Client
    from django.urls import reverse
    from django.utils import timezone

    from governance.models import ProvisioningRequest, User
    from governance.services.requests import drafts
    from tests.cast import content

    alice, lead = User.objects.get(email="alice@example.com"), User.objects.get(email="frank@example.com")
    asking, deciding = Client(), Client()
    asking.force_login(alice)
    deciding.force_login(lead)
    number = ProvisioningRequest.objects.get(state="in_review", requester__email="heidi@example.com").number
    today = timezone.now().date()
    body = content(start_on=today.isoformat(), end_on=(today + timedelta(days=13)).isoformat())
    complete = drafts.create_draft(actor=alice, content=body, now=timezone.now()).number

    def prepare() -> Callable[[], Any]:
        draft = drafts.create_draft(actor=alice, content=body, now=timezone.now())
        url = reverse("web:request_submit", args=[draft.number])
        return lambda: asking.post(url)

    acts: dict[str, Any] = {
        "list": lambda: deciding.get(reverse("web:request_list")),
        "detail": lambda: deciding.get(reverse("web:request_detail", args=[number])),
        "form": lambda: asking.get(reverse("web:request_new")),
        "preview": lambda: asking.post(reverse("web:request_preview"), {"number": complete, "step": "review"}),
        "submit": Prepared(prepare),
        "queue": lambda: deciding.get(reverse("admin:queue")),
    }
    return acts


class Prepared:
    """An act that needs something made first, outside of the clock: a draft to submit."""

    def __init__(self, prepare: Callable[[], Callable[[], Any]]) -> None:
        self.prepare = prepare


def _problems(report: dict[str, Any], sizes: tuple[int, int]) -> list[str]:
    problems = []
    for name, row in report.items():
        if row["queries_grow"]:
            problems.append(f"{name}: queries grow with the number of requests")
        if row[str(sizes[1])]["queries"] > QUERIES_MAX.get(name, 10_000):
            problems.append(f"{name}: {row[str(sizes[1])]['queries']} queries, at most {QUERIES_MAX[name]} are meant")
        if row["ratio"] > RATIO_MAX:
            problems.append(f"{name}: {row['ratio']} times slower on {sizes[1]:,}, at most {RATIO_MAX} is meant")
    return problems


def _print(report: dict[str, Any], sizes: tuple[int, int], problems: list[str]) -> None:
    small, large = (str(size) for size in sizes)
    print(f"{'page':<10}{'queries':>10}{'queries':>10}{'ms':>10}{'ms':>10}{'ratio':>8}")
    print(f"{'requests':<10}{sizes[0]:>10,}{sizes[1]:>10,}{sizes[0]:>10,}{sizes[1]:>10,}")
    for name, row in report.items():
        print(
            f"{name:<10}{row[small]['queries']:>10}{row[large]['queries']:>10}"
            f"{row[small]['median_ms']:>10.1f}{row[large]['median_ms']:>10.1f}{row['ratio']:>8.2f}"
        )
    print("\n".join(problems) or "all within their bounds")


if __name__ == "__main__":
    sys.exit(main())
