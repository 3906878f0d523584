"""kill -9 on the deliverer, again and again in the middle of its work: nothing is lost, a copy is recognised as one."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from governance.domain.limits import ALERT_LEASE_SECONDS
from governance.models import Alert, Person, Team
from governance.services.messages import alerts
from tests.cast import NOW
from tests.plugins.processes import SmtpServer, TestProcesses
from tests.plugins.servers import ROOT
from tests.prove.counts import COUNTS

pytestmark = [pytest.mark.prove, pytest.mark.timeout(600)]

AFTER_THE_LEASE = timedelta(seconds=ALERT_LEASE_SECONDS + 1)
SEED = 20_261_121


@dataclass
class Deliverers:
    """Forks a deliverer for an instant, and says how it ended."""

    process: subprocess.Popen[str]

    def start(self, instant: datetime) -> int:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{instant.isoformat()}\n")
        self.process.stdin.flush()
        return self._number()

    def exit_code(self) -> int:
        return self._number()

    def _number(self) -> int:
        assert self.process.stdout is not None
        return int(self.process.stdout.readline())


@pytest.fixture
def deliverers(processes: TestProcesses, smtp_server: SmtpServer) -> Iterator[Deliverers]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.prove.deliverer"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True, env=dict(processes.environment) | {"EMAIL_URL": smtp_server.url},
    ) as process:  # fmt: skip
        yield Deliverers(process)
        assert process.stdin is not None
        process.stdin.close()


def test_a_deliverer_killed_again_and_again_loses_nothing(deliverers: Deliverers, smtp_server: SmtpServer) -> None:
    """Guards: attempts and leases are written before a mail is sent, and the Message-ID belongs to the promise."""
    person = Person.objects.create(
        name="Alice", email="alice@example.com", team=Team.objects.get(parent=None), country="IE"
    )
    for number in range(COUNTS.kill_mails):
        alerts.enqueue("word", subject=f"word:{number}", recipients=[person.pk], now=NOW)
    chance = random.Random(SEED)
    instant, killed_while_sending = NOW, 0
    for _ in range(COUNTS.kills):
        before, began = len(smtp_server.envelopes), time.monotonic()
        pid = deliverers.start(instant)
        while len(smtp_server.envelopes) == before and time.monotonic() - began < 5:
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.03))
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        killed_while_sending += deliverers.exit_code() == -signal.SIGKILL
        instant += AFTER_THE_LEASE
    assert killed_while_sending >= COUNTS.kills // 2, "the kills came too late to mean anything"

    for _ in range(40):
        deliverers.start(instant)
        assert deliverers.exit_code() == 0
        instant += AFTER_THE_LEASE
        if not Alert.objects.exclude(state="sent").exists():
            break
    states = Counter(Alert.objects.values_list("state", flat=True))
    assert states == {"sent": COUNTS.kill_mails}, states
    copies = Counter(str(message["Message-ID"]) for message in smtp_server.messages)
    assert set(copies) == set(Alert.objects.values_list("message_id", flat=True))
    doubled = sum(count - 1 for count in copies.values())
    # A kill catches at most the one mail that was on the line.
    assert doubled <= killed_while_sending, (doubled, killed_while_sending)
    assert max(copies.values()) <= 3
