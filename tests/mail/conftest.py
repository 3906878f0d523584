"""A relay with manners, an organisation of four readers, and a mail that says one word."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from governance.channels import email as emails
from governance.channels.email.letters import Letter, Reader
from governance.models import Alert, Person, Team, User
from governance.services.messages import alerts
from tests.cast import NOW
from tests.mail.relay import Relay, running_relay


@pytest.fixture
def relay(settings: Any) -> Iterator[Relay]:
    """Mail of this process goes through real SMTP to a server whose answers the test decides."""
    with running_relay() as running:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", running.port, 1
        yield running


@pytest.fixture
def readers(db: None) -> dict[str, Person]:
    """Alice, bob, carol and dave, with accounts."""
    team = Team.objects.get(parent=None)
    people = {}
    for name in ("alice", "bob", "carol", "dave"):
        people[name] = Person.objects.create(name=name.title(), email=f"{name}@example.com", team=team, country="IE")
        User.objects.create_user(email=f"{name}@example.com", person=people[name])
    return people


@pytest.fixture
def promise(monkeypatch: pytest.MonkeyPatch, readers: dict[str, Person]) -> Callable[..., Alert]:
    """Promise a mail of one word: `promise("alice")`, or one whose writing fails: `promise("bob", ValueError())`."""

    def write(alert: Alert, reader: Reader) -> Letter:
        error = errors.get(alert.pk)
        if error is not None:
            raise error
        return Letter(
            subject=subjects.get(alert.pk, "word"), reference="WORD", heading="a word", lead="One word.",
            action="Open", path="/", why="You are in a test.",
        )  # fmt: skip

    errors: dict[int, Exception] = {}
    subjects: dict[int, str] = {}
    monkeypatch.setitem(emails.LETTERS, "word", write)

    def promised(name: str, error: Exception | None = None, *, subject: str = "") -> Alert:
        number = Alert.objects.count()
        alerts.enqueue("word", subject=f"word:{number}", recipients=[readers[name].pk], now=NOW)
        alert = Alert.objects.get(key=f"word:word:{number}:{readers[name].pk}")
        if error is not None:
            errors[alert.pk] = error
        if subject:
            subjects[alert.pk] = subject
        return alert

    return promised
