"""The demonstration with any number of past requests, each made by the services, and what one of them takes.

    python -m benchmarks.demonstration [--requests 1000]

Starts throw-away servers of its own and loads the demonstration twice, without everyday requests and with them. The
difference is what submitting, deciding, granting and ending took. Afterwards the log's chain, the ledger's sums and
the states of requests are checked. For years of requests that need not differ, `benchmarks.history` copies rows.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from datetime import UTC, datetime

START = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=1_000)
    count = parser.parse_args().requests
    from tests.plugins.servers import SERVERS

    os.environ.update(SERVERS.environment("benchmark"))
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    SERVERS.ensure_started()
    import django

    django.setup()
    from django.db import connection

    from governance.demonstration.load import load
    from tests.house import broken_promises

    seconds = []
    for past_count in (0, count):
        connection.close()
        connection.settings_dict["NAME"] = SERVERS.fresh_database(f"past_{past_count}")
        began = time.monotonic()
        loaded = load(start=START, past_count=past_count)
        seconds.append(time.monotonic() - began)
    assert loaded is not None
    unpriced = str(loaded.world.requests[37])
    report = {
        "requests": loaded.past_count,
        "not_requested": loaded.world.not_requested,
        "seconds_without": round(seconds[0], 1),
        "seconds_with": round(seconds[1], 1),
        "ms_per_request": round((seconds[1] - seconds[0]) * 1000 / max(1, loaded.past_count), 1),
        "cut_short": loaded.cut_short,
        "broken": [problem for problem in broken_promises() if not problem.startswith(unpriced)],
    }
    print(json.dumps(report, indent=2))
    return 1 if report["broken"] or report["cut_short"] else 0


if __name__ == "__main__":
    sys.exit(main())
