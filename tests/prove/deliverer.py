"""Deliverers that a test may kill: `python -m tests.prove.deliverer` forks one for each instant that it reads.

It answers with the fork's process id, and with its exit status once it has ended.
"""

from __future__ import annotations

import os
import sys
from datetime import datetime

import django


def deliver(instant: str) -> None:
    from governance.channels import email as emails
    from governance.channels.email.letters import Letter
    from governance.services.messages import alerts

    emails.LETTERS["word"] = lambda alert, reader: Letter(
        subject="word", reference="WORD", heading="a word", lead="One word.", action="Open", path="/", why="A test."
    )
    alerts.deliver_due(now=datetime.fromisoformat(instant))


def main() -> None:
    django.setup()
    from governance.services.messages import alerts  # noqa: F401 - read before the fork, so that each starts at once

    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            deliver(line.strip())
            os._exit(0)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
