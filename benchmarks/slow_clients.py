"""How long the sign-in page takes while 60 connections keep the server waiting, beside a server that is left alone.

    python -m benchmarks.slow_clients [--clients 60] [--runs 20] [--json]

Starts throw-away servers of its own and the web server with the worker of `config/serve/web_server.py`, then with
gunicorn's threads, which read headers and bodies themselves. A third of the clients is silent, a third stops in the
middle of a header, a third drips a body. Figures are of one run; quote the ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from config.serve.processes import free_port
from tests.plugins.processes import TestProcesses
from tests.plugins.servers import SERVERS
from tests.plugins.slow_clients import SlowClients, seconds_of_sign_in

WORKERS = {"as shipped": (), "threads that read": ("--worker-class", "gthread")}
GIVEN_UP_SECONDS = 3.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=60)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    os.environ.update(SERVERS.environment("benchmark_slow"))
    SERVERS.ensure_started()
    SERVERS.fresh_database("benchmark_slow")
    report = {name: _measure(arguments, options) for name, arguments in WORKERS.items()}
    if options.json:
        print(json.dumps({"clients": options.clients, "servers": report}, indent=2))
    else:
        print(f"{'server':<20}{'alone ms':>10}{'beside ms':>11}{'worst ms':>10}{'ratio':>8}{'given up':>10}")
        for name, row in report.items():
            print(
                f"{name:<20}{row['alone_ms']:>10.1f}{row['beside_ms']:>11.1f}{row['worst_ms']:>10.1f}"
                f"{row['ratio']:>8.2f}{row['given_up']:>10}"
            )
    return 0 if report["as shipped"]["worst_ms"] < 1000 else 1


def _measure(arguments: tuple[str, ...], options: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        processes = TestProcesses(os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings"}, Path(folder))
        port = free_port()
        try:
            processes.start_web(port, 2, arguments)
            alone, _ = _sign_in(port, options.runs)
            with SlowClients(port, options.clients):
                time.sleep(1)
                beside, given_up = _sign_in(port, options.runs)
        finally:
            processes.stop_all()
    return {
        "alone_ms": round(statistics.median(alone), 1),
        "beside_ms": round(statistics.median(beside), 1),
        "worst_ms": round(max(beside), 1),
        "ratio": round(statistics.median(beside) / statistics.median(alone), 2),
        "given_up": given_up,
    }


def _sign_in(port: int, runs: int) -> tuple[list[float], int]:
    times, given_up = [], 0
    for _ in range(runs):
        try:
            times.append(seconds_of_sign_in(port, timeout_s=GIVEN_UP_SECONDS) * 1000)
        except OSError:
            times.append(GIVEN_UP_SECONDS * 1000)
            given_up += 1
    return times, given_up


if __name__ == "__main__":
    sys.exit(main())
