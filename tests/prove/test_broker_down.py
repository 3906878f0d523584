"""The broker is a hint, the relay is somebody else's, a worker may die: no request is lost, no mail, and none doubled.

Everything is real here: gunicorn, worker, beat, PostgreSQL, Valkey, SMTP.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.urls import reverse
from django.utils import timezone
from redis import Redis

from config.serve.embedded import Valkey, valkey_program
from config.serve.processes import Child, free_port
from governance.domain.limits import ALERT_LEASE_SECONDS
from governance.models import Alert, ApiToken, Grant, ProvisioningRequest, User
from governance.services.requests import drafts, submission
from tests.cast import Cast, content, set_budget
from tests.house import broken_promises
from tests.mail.relay import Relay, running_relay
from tests.plugins.processes import TestProcesses, kill, pause, resume, wait_for
from tests.prove.counts import COUNTS

pytestmark = [pytest.mark.prove, pytest.mark.timeout(900)]

AT_ONCE = 4
DRAIN_SECONDS_MAX = 240
ANSWER_SECONDS_MAX = 30.0
"""No answer waits for a broker: a publisher that retries would hang far beyond this. How long they take is printed."""
MAILS_PER_ASK = 2
"""The grant is told to alice, who asked, and to bob, who looks after the machines."""


@dataclass
class Stack:
    """Web, worker and beat on a broker and a relay of their own, which a test may stop."""

    url: str
    broker: Valkey
    relay: Relay
    cast: Cast
    token: str
    session: str
    start_worker: Callable[[], Child]
    worker: Child
    _numbers: Iterator[int] = field(default_factory=lambda: iter(range(10_000)))

    def ask(self) -> tuple[int, float]:
        """Ask at once through the API. The status, and how long the answer took."""
        body = json.dumps({"content": small_ask(next(self._numbers)), "submit": True}).encode()
        headers = {"Authorization": f"Token {self.token}", "Content-Type": "application/json"}
        return self._post("/api/v1/requests/", body, headers)

    def hand_in(self) -> tuple[int, float]:
        """Write a draft, and submit it with the button of the form."""
        draft = drafts.create_draft(actor=self.cast.alice, content=small_ask(next(self._numbers)), now=timezone.now())
        token = "a" * 32
        headers = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={self.session}; {settings.CSRF_COOKIE_NAME}={token}"}
        body = urllib.parse.urlencode({"csrfmiddlewaretoken": token, "draft_version": draft.draft_version}).encode()
        return self._post(reverse("web:request_submit", args=[draft.number]), body, headers)

    def _post(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, float]:
        call = urllib.request.Request(self.url + path, data=body, headers=headers)  # noqa: S310 - our own address
        began = time.monotonic()
        try:
            with urllib.request.build_opener(StayHere).open(call, timeout=ANSWER_SECONDS_MAX) as response:
                status = response.status
        except urllib.error.HTTPError as answer:
            status = answer.code
        return status, time.monotonic() - began


class StayHere(urllib.request.HTTPRedirectHandler):
    """Shows where a form leads instead of following it."""

    def redirect_request(self, *_: Any) -> None:
        return None


@pytest.fixture
def stack(processes: TestProcesses, cast_today: Cast, tmp_path: Path) -> Iterator[Stack]:
    broker = Valkey(tmp_path / "broker", program=valkey_program(os.environ), password=secrets.token_urlsafe(12))
    broker.start()
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    cast = set_budget(cast_today, usd=50_000)
    with running_relay() as relay:
        variables = {
            "REDIS_URL": broker.url(), "CACHE_URL": broker.url(1), "EMAIL_URL": relay.url, "SITE_URL": url,
        }  # fmt: skip
        _, token = ApiToken.objects.create(user=cast.alice, expiry=timedelta(days=1), scopes=["read", "request"])
        try:
            worker = processes.start_worker(**variables)
            processes.start_beat(**variables)
            processes.start_web(port, **variables)
            yield Stack(
                url, broker, relay, cast, token, session_of(cast.alice),
                start_worker=lambda: processes.start_worker(**variables), worker=worker,
            )  # fmt: skip
        finally:
            processes.stop_all()
            broker.stop()


def session_of(user: User) -> str:
    """The key of a session in which somebody is signed in; it lies in the database, whatever the cache does."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)


def small_ask(number: int) -> dict[str, Any]:
    """Ten GPU-hours from today on, which the rules allow without a person."""
    today = timezone.now().date()
    return content(
        title=f"Ask {number}", gpu_hours_cap=10.0, start_on=today.isoformat(),
        end_on=(today + timedelta(days=7)).isoformat(),
    )  # fmt: skip


def promise(stack: Stack, count: int) -> set[int]:
    """Ask without the web server. The alerts that this promised."""
    before = set(Alert.objects.values_list("pk", flat=True))
    for _ in range(count):
        submission.create_and_submit(
            actor=stack.cast.alice, content=small_ask(next(stack._numbers)), now=timezone.now()
        )
    new = set(Alert.objects.values_list("pk", flat=True)) - before
    assert len(new) == MAILS_PER_ASK * count
    return new


def drained() -> bool:
    return not Alert.objects.filter(state__in=("pending", "sending")).exists()


def every_mail_arrived_once(stack: Stack) -> None:
    assert set(Alert.objects.values_list("state", flat=True)) == {"sent"}
    assert stack.relay.count_by_id() == Counter(Alert.objects.values_list("message_id", flat=True))


def say(words: str) -> None:
    """Figures for whoever reads the log: pytest shows them with `-rP`."""
    sys.stdout.write(f"{words}\n")


def seconds_of(answers: Sequence[tuple[int, float]]) -> str:
    took = sorted(seconds for _, seconds in answers)
    return f"median {median(took) * 1000:.0f} ms, slowest {took[-1] * 1000:.0f} ms"


def test_requests_without_a_broker_are_accepted_and_every_mail_arrives_once(stack: Stack) -> None:
    with ThreadPoolExecutor(AT_ONCE) as crowd:

        def submit(count: int) -> list[tuple[int, float]]:
            """Half through the API, half through the form, four at once."""
            acts = [stack.ask if number % 2 else stack.hand_in for number in range(count)]
            return list(crowd.map(lambda act: act(), acts))

        submit(AT_ONCE)  # warm
        with_broker = submit(20)
        wait_for(drained, DRAIN_SECONDS_MAX, "the first mails")

        # Half-open: it accepts, and never answers.
        pause(stack.broker.child)
        silent = submit(AT_ONCE)
        resume(stack.broker.child)

        stack.broker.stop()
        answers = submit(COUNTS.submissions)
    assert Counter(status for status, _ in answers) == {201: COUNTS.submissions // 2, 302: COUNTS.submissions // 2}
    assert {status for status, _ in with_broker + silent} == {201, 302}
    asked = COUNTS.submissions + 20 + 2 * AT_ONCE
    assert ProvisioningRequest.objects.filter(state="granted").count() == Grant.objects.count() == asked
    say(f"answers with the broker {seconds_of(with_broker)}; silent {seconds_of(silent)}; away {seconds_of(answers)}")
    waiting = Alert.objects.filter(state="pending").count()
    assert waiting >= MAILS_PER_ASK * COUNTS.submissions, "nothing delivers while the broker is away"

    stack.broker.restart()
    began = time.monotonic()
    wait_for(drained, DRAIN_SECONDS_MAX, "the last mail")
    say(f"{waiting} mails left within {time.monotonic() - began:.1f} s of the broker's return")
    assert Alert.objects.filter(kind="grant_issued").count() == MAILS_PER_ASK * asked
    every_mail_arrived_once(stack)
    assert broken_promises() == []


def test_emptying_the_broker_under_load_loses_nothing(stack: Stack) -> None:
    promise(stack, 1)
    wait_for(drained, DRAIN_SECONDS_MAX, "the first tick")
    with Redis.from_url(stack.broker.url()) as client:
        for _ in range(COUNTS.flushes):
            promise(stack, 1)
            client.flushall()
            time.sleep(0.2)
    wait_for(drained, DRAIN_SECONDS_MAX, "the last mail")
    every_mail_arrived_once(stack)

    took = []
    for _ in range(3):
        before = len(stack.relay.kept)
        promise(stack, 1)
        began = time.monotonic()
        wait_for(lambda count=before: len(stack.relay.kept) > count, DRAIN_SECONDS_MAX, "the mail")
        took.append(time.monotonic() - began)
        wait_for(drained, DRAIN_SECONDS_MAX, "the rest")
    say("a mail left after " + ", ".join(f"{seconds:.1f} s" for seconds in took))
    every_mail_arrived_once(stack)


def test_a_relay_that_refuses_hangs_and_goes_away_and_a_killed_worker_lose_nothing(stack: Stack) -> None:
    """Each trouble is seen to have met its mails before the next one comes; their waits overlap."""
    relay = stack.relay
    promise(stack, 1)
    wait_for(drained, DRAIN_SECONDS_MAX, "the first tick")

    # Killed in the middle: some mails of a batch have left, one is on the line, the others are leased.
    relay.seconds_per_mail = 1.0
    batch = promise(stack, 8)
    wait_for(lambda: len(relay.kept) >= MAILS_PER_ASK + 3, 30, "a few mails of the batch")
    kill(stack.worker)
    killed_at = time.monotonic()
    relay.seconds_per_mail = 0.0
    time.sleep(0.3)  # for what was in the wire
    leased = Alert.objects.filter(pk__in=batch, state="sending")
    leased_count = len(leased)
    assert leased_count > 1, "the kill came too late to mean anything"
    kept = relay.count_by_id()
    on_the_line = {alert.message_id for alert in leased if kept[alert.message_id]}
    assert 1 <= len(on_the_line) <= 2, "a worker of two processes has two mails on the line at most"

    relay.stop()
    held_back = promise(stack, 1)
    stack.start_worker()
    wait_for(lambda: met(held_back, "refused"), 60, "the closed door")

    # Silence before the refusal: a mail that meets both waits a minute for its third try.
    relay.mood = "RCPT hang"
    relay.start()
    hung = promise(stack, 1)
    wait_for(lambda: met(hung, "timed out"), 90, "the silence")

    relay.mood = "451 try again later"
    refused = promise(stack, 2)
    wait_for(lambda: met(refused, "451"), 60, "a refusal of each")

    relay.mood = ""
    wait_for(drained, ALERT_LEASE_SECONDS + 60, "the last mail")
    took = time.monotonic() - killed_at
    copies = relay.count_by_id()
    assert set(Alert.objects.values_list("state", flat=True)) == {"sent"}
    assert set(copies) == set(Alert.objects.values_list("message_id", flat=True)), "a mail was lost"
    doubled = {message_id for message_id, count in copies.items() if count > 1}
    assert doubled == on_the_line, "only what was on the line at the kill may come twice"
    assert max(copies.values()) <= 2
    say(
        f"everything arrived {took:.0f} s after the kill: {leased_count} mails were leased, {len(doubled)} came twice; "
        f"{len(refused)} were refused, {len(hung)} met silence, {len(held_back)} a closed door"
    )


def met(alerts: set[int], words: str) -> bool:
    """Whether each of these mails, unless it has left, was told so."""
    rows = Alert.objects.filter(pk__in=alerts)
    return all(words in row.last_error for row in rows)
