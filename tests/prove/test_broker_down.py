"""The broker is a hint: stopped, or emptied under load, it loses no request and no mail, and doubles none."""

from __future__ import annotations

import json
import os
import secrets
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from knox.models import get_token_model
from redis import Redis

from config.embedded import Valkey, valkey_program
from config.processes import free_port
from governance.models import AcceptableUseVersion, Acceptance, Alert, Grant, ProvisioningRequest
from governance.services import provisioning
from tests import cast as casting
from tests.cast import Cast, content
from tests.plugins.processes import SmtpServer, TestProcesses, wait_for

pytestmark = [pytest.mark.prove, pytest.mark.timeout(400)]

SUBMITS = 100
DRAIN_SECONDS_MAX = 60
ANSWER_SECONDS_MAX = 2.0
LEAVES_SECONDS_MAX = 7.0
"""A tick of 5 s, and what a busy machine adds."""


@dataclass
class Stack:
    """Web, worker and beat on a broker of their own, which a test may stop."""

    url: str
    broker: Valkey
    mail: SmtpServer
    cast: Cast


@pytest.fixture
def stack(processes: TestProcesses, smtp_server: SmtpServer, tmp_path: Path) -> Iterator[Stack]:
    broker = Valkey(tmp_path / "broker", program=valkey_program(os.environ), password=secrets.token_urlsafe(12))
    broker.start()
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    variables = {
        "REDIS_URL": broker.url(), "CACHE_URL": broker.url(1), "EMAIL_URL": smtp_server.url, "SITE_URL": url,
    }  # fmt: skip
    cast = casting.assemble(budget_usd=50_000, now=timezone.now())
    accept_all(cast)
    try:
        processes.start_web(port, **variables)
        processes.start_worker(**variables)
        processes.start_beat(**variables)
        yield Stack(url, broker, smtp_server, cast)
    finally:
        processes.stop_all()
        broker.stop()


def accept_all(cast: Cast) -> None:
    """Alice accepts whatever statement the installation came with."""
    for version in AcceptableUseVersion.objects.exclude(acceptances__person=cast.alice.person):
        Acceptance.objects.create(
            version=version, person=cast.alice.person, user=cast.alice, accepted_at=timezone.now()
        )


def small_ask(number: int) -> dict[str, Any]:
    """Ten GPU-hours from today on, which the rules allow without a person."""
    today = timezone.now().date()
    return content(
        title=f"Ask {number}", gpu_hours_cap=10.0, start_on=today.isoformat(),
        end_on=(today + timedelta(days=7)).isoformat(),
    )  # fmt: skip


def ask(stack: Stack, token: str, number: int) -> tuple[int, float]:
    """Ask at once through the API. The status, and how long the answer took."""
    call = urllib.request.Request(  # noqa: S310 - our own address
        f"{stack.url}/api/v1/requests/",
        data=json.dumps({"content": small_ask(number), "submit": True}).encode(),
        headers={"Authorization": f"Token {token}", "Content-Type": "application/json"},
    )
    began = time.monotonic()
    with urllib.request.urlopen(call, timeout=30) as response:  # noqa: S310
        return response.status, time.monotonic() - began


def drained() -> bool:
    return not Alert.objects.filter(state__in=("pending", "sending")).exists()


def arrived(stack: Stack) -> Counter[str]:
    return Counter(str(message["Message-ID"]) for message in stack.mail.messages)


def promised() -> set[str]:
    return set(Alert.objects.values_list("message_id", flat=True))


def test_a_hundred_asks_without_a_broker_are_accepted_and_every_mail_arrives_once(stack: Stack) -> None:
    _, token = get_token_model().objects.create(user=stack.cast.alice)
    ask(stack, token, 0)
    wait_for(drained, 30, "the first mails")
    stack.broker.stop()
    answers = [ask(stack, token, number) for number in range(1, SUBMITS + 1)]
    assert {status for status, _ in answers} == {201}
    slowest = max(seconds for _, seconds in answers)
    assert slowest < ANSWER_SECONDS_MAX, f"an answer took {slowest:.1f} s without a broker"
    assert ProvisioningRequest.objects.exclude(state="draft").count() == SUBMITS + 1
    assert not drained(), "nothing delivers while the broker is away"
    stack.broker.restart()
    wait_for(drained, DRAIN_SECONDS_MAX, "the last mail")
    assert Alert.objects.filter(kind="grant_issued").count() == 2 * (SUBMITS + 1)
    assert set(Alert.objects.values_list("state", flat=True)) == {"sent"}
    assert arrived(stack) == Counter(dict.fromkeys(promised(), 1))


def test_emptying_the_broker_under_load_loses_nothing(stack: Stack) -> None:
    requests: list[Any] = []
    with Redis.from_url(stack.broker.url()) as client:
        for number in range(20):
            now = timezone.now()
            requests.append(provisioning.ask_at_once(actor=stack.cast.alice, content=small_ask(number), now=now))
            client.flushall()
            time.sleep(0.2)
    wait_for(drained, DRAIN_SECONDS_MAX, "the last mail")
    assert Alert.objects.filter(provisioning_request__in=requests, kind="grant_issued").count() == 2 * len(requests)
    assert set(Alert.objects.values_list("state", flat=True)) == {"sent"}
    assert arrived(stack) == Counter(dict.fromkeys(promised(), 1))


def test_a_mail_leaves_within_a_tick_of_its_cause(stack: Stack) -> None:
    # The first one waits for the beat process to start.
    provisioning.ask_at_once(actor=stack.cast.alice, content=small_ask(0), now=timezone.now())
    wait_for(lambda: stack.mail.envelopes, 60, "the first mail")
    wait_for(drained, 20, "the rest")
    took = []
    for number in range(1, 5):
        before = len(stack.mail.envelopes)
        provisioning.ask_at_once(actor=stack.cast.alice, content=small_ask(number), now=timezone.now())
        began = time.monotonic()
        wait_for(lambda count=before: len(stack.mail.envelopes) > count, 20, "the mail")
        took.append(time.monotonic() - began)
        wait_for(drained, 20, "the rest")
    assert max(took) < LEAVES_SECONDS_MAX, took
    assert Grant.objects.count() == len(took) + 1
