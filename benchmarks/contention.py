"""What 32 clients get done on one root budget, beside 32 clients on a root each; and how long budgets are locked.

    python -m benchmarks.contention [--clients 32] [--requests 4] [--rounds 5] [--workers 2] [--json]

Starts throw-away servers of its own and the web server as it is shipped. Each client asks at once over the API, one
request after the other: half of them are allowed without a person and granted, half wait for people. The two worlds are
measured in turn, round by round, so that a slow moment of the machine falls on both. Quote the ratio.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from config.serve import web_server
from config.serve.processes import free_port
from tests.plugins.processes import TestProcesses
from tests.plugins.servers import SERVERS

ROOTS = {"one root": False, "32 roots": True}
RATIO_MIN = 0.8
LOCKED_MS_MAX = 15.0
CSRF = "c" * 32


@dataclass(frozen=True)
class Asker:
    """One client: a person, signed in, with a project and a budget."""

    project: str
    session: str


def main() -> int:
    options = _options()
    os.environ.update(SERVERS.environment("benchmark_contention"))
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    SERVERS.ensure_started()
    SERVERS.fresh_database("benchmark_contention")
    import django

    django.setup()
    worlds = _worlds(options.clients)
    with tempfile.TemporaryDirectory() as folder:
        times = Path(folder) / "lock_times"
        times.touch()
        processes = TestProcesses(os.environ | {"LOCK_TIMES": str(times)}, Path(folder))
        port = free_port()
        try:
            processes.start_web(port, options.workers, ("--threads", str(options.threads), "benchmarks.lock_times"))
            rates, locked, answers = _measure(worlds, port, times, options)
        finally:
            processes.stop_all()
    report = {
        "clients": options.clients,
        "per_second": {world: round(statistics.median(found), 2) for world, found in rates.items()},
        "ratio": round(statistics.median(one / many for one, many in zip(*rates.values(), strict=True)), 3),
        "locked_ms": {
            world: {
                "median": round(statistics.median(found), 2),
                "p95": round(sorted(found)[len(found) * 95 // 100], 2),
            }
            for world, found in locked.items()
        },
        "answers": {world: dict(found) for world, found in answers.items()},
    }
    problems = _problems(report)
    if options.json:
        print(json.dumps(report | {"problems": problems}, indent=2))
    else:
        _print(report, problems)
    return 1 if problems else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--requests", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=web_server.threads)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _worlds(clients: int) -> dict[str, list[Asker]]:
    """People with a project and a budget each: under one root, or with nothing above it."""
    from django.conf import settings
    from django.test import Client
    from django.utils import timezone

    from governance.domain.money.money import MICRO_PER_UNIT
    from governance.models import Project
    from governance.selectors.people.people import system_actor
    from governance.services.money import budgets
    from tests import cast as casting

    now = timezone.now()
    cast = casting.assemble(now=now)
    worlds: dict[str, list[Asker]] = {}
    for world, is_alone in ROOTS.items():
        worlds[world] = []
        for number in range(clients):
            name = f"{'alone' if is_alone else 'below'}-{number}"
            who = casting.add_person(name, team=cast.team, roles=["requester"], scope=cast.team, now=now)
            casting.accept_everything(who, now=now)
            project = Project.objects.create(slug=name, name=name, team=cast.team, started_on=now.date())
            budgets.create_budget(
                actor=system_actor(), slug=name, name=name, limit_micro=20_000 * MICRO_PER_UNIT, project=project,
                parent=None if is_alone else cast.root_budget, now=now, period_start=now - timedelta(days=30),
                period_end=now + timedelta(days=335),
            )  # fmt: skip
            browser = Client()
            browser.force_login(who)
            worlds[world].append(Asker(name, browser.cookies[settings.SESSION_COOKIE_NAME].value))
    return worlds


def _measure(
    worlds: dict[str, list[Asker]], port: int, times: Path, options: argparse.Namespace
) -> tuple[dict[str, list[float]], dict[str, list[float]], dict[str, Counter[str]]]:
    rates: dict[str, list[float]] = {world: [] for world in worlds}
    locked: dict[str, list[float]] = {world: [] for world in worlds}
    answers: dict[str, Counter[str]] = {world: Counter() for world in worlds}
    for number in range(-1, options.rounds):
        for world, askers in worlds.items():
            seen = len(times.read_text().splitlines())
            seconds, found = _round(askers, port, options.requests)
            if number >= 0:
                rates[world].append(len(askers) * options.requests / seconds)
                locked[world] += [float(line) for line in times.read_text().splitlines()[seen:]]
                answers[world] += found
    return rates, locked, answers


def _round(askers: list[Asker], port: int, count: int) -> tuple[float, Counter[str]]:
    """All clients at once, each one request after the other. Seconds, and how often which answer came."""
    gate = threading.Barrier(len(askers) + 1)
    found: Counter[str] = Counter()

    def run(asker: Asker) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        gate.wait()
        for number in range(count):
            found[_ask(connection, asker, is_small=number % 2 == 0)] += 1
        connection.close()

    threads = [threading.Thread(target=run, args=(asker,)) for asker in askers]
    for thread in threads:
        thread.start()
    gate.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began, found


def _ask(connection: http.client.HTTPConnection, asker: Asker, *, is_small: bool) -> str:
    from django.utils import timezone

    from tests.cast import content

    today = timezone.now().date()
    asked: dict[str, Any] = content(
        project=asker.project,
        gpu_hours_cap=1.0,
        accelerator_count=8 if is_small else 16,
        start_on=today.isoformat(),
        end_on=(today + timedelta(days=13)).isoformat(),
    )
    body = json.dumps({"content": asked, "submit": True})
    headers = {
        "Content-Type": "application/json",
        "Cookie": f"sessionid={asker.session}; csrftoken={CSRF}",
        "X-CSRFToken": CSRF,
    }
    connection.request("POST", "/api/v1/requests/", body, headers)
    response = connection.getresponse()
    answer = json.loads(response.read())
    return f"{response.status} {answer.get('state', answer.get('code', ''))}"


def _problems(report: dict[str, Any]) -> list[str]:
    problems = []
    if report["ratio"] < RATIO_MIN:
        problems.append(f"one root gets {report['ratio']} of what 32 roots get done, at least {RATIO_MIN} is meant")
    for world, row in report["locked_ms"].items():
        if row["median"] > LOCKED_MS_MAX:
            problems.append(f"{world}: budgets are locked for {row['median']} ms, at most {LOCKED_MS_MAX} is meant")
        problems += [f"{world}: {count} x {answer}" for answer, count in report["answers"][world].items()
                     if not answer.startswith("201")]  # fmt: skip
    return problems


def _print(report: dict[str, Any], problems: list[str]) -> None:
    print(f"{'world':<12}{'requests/s':>12}{'locked ms':>12}{'p95 ms':>10}  answers")
    for world, rate in report["per_second"].items():
        row = report["locked_ms"][world]
        answers = ", ".join(f"{count} x {answer}" for answer, count in sorted(report["answers"][world].items()))
        print(f"{world:<12}{rate:>12.2f}{row['median']:>12.2f}{row['p95']:>10.2f}  {answers}")
    print(f"ratio       {report['ratio']:>12.3f}")
    print("\n".join(problems) or "all within their bounds")


if __name__ == "__main__":
    sys.exit(main())
