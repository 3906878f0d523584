"""Delivery through a real SMTP server: each promised mail arrives once, whatever the relay and its neighbours do."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from governance.channels.email.letters import Moot
from governance.domain.limits import ALERT_ATTEMPTS_MAX, ALERT_LEASE_SECONDS
from governance.models import Alert, Person, User
from governance.services.messages import alerts
from governance.services.messages.alerts import delivery
from tests.cast import NOW
from tests.concurrency.crowd import at_once
from tests.mail.relay import Relay

Promise = Callable[..., Alert]
LATER = NOW + timedelta(seconds=ALERT_LEASE_SECONDS + 1)


def states() -> dict[str, str]:
    return dict(Alert.objects.values_list("recipient__name", "state"))


def superuser(person: Person) -> User:
    user = person.users.get()
    user.is_superuser = True
    return user


def test_a_mail_carries_the_message_id_that_its_promise_wrote(relay: Relay, promise: Promise) -> None:
    alert = promise("alice")
    assert alert.message_id == alerts.message_id(alert.key)
    assert alerts.deliver_due(now=NOW)["sent"] == 1
    assert [message["Message-ID"] for message in relay.messages] == [alert.message_id]
    assert alerts.deliver_due(now=NOW) == {}
    assert len(relay.messages) == 1


def test_one_connection_carries_a_batch(relay: Relay, promise: Promise) -> None:
    for _ in range(5):
        promise("alice")
    assert alerts.deliver_due(now=NOW)["sent"] == 5
    assert relay.connections == 1


def test_a_mail_that_cannot_be_written_stops_no_other(
    relay: Relay, promise: Promise, readers: dict[str, Person]
) -> None:
    promise("alice")
    broken = promise("bob", ValueError("no such figure"))
    promise("carol")
    # An address that would open a second header, and one that is two.
    Person.objects.filter(name="Dave").update(email="dave@example.com\nBcc: mallory@example.com")
    promise("dave")
    alerts.deliver_due(now=NOW)
    assert states() == {"Alice": "sent", "Bob": "pending", "Carol": "sent", "Dave": "dead"}
    assert {address for address, _ in relay.kept} == {"alice@example.com", "carol@example.com"}
    broken.refresh_from_db()
    assert broken.last_error == "ValueError: no such figure"
    assert broken.next_attempt_at > NOW


def test_a_subject_with_a_line_break_becomes_one_line(relay: Relay, promise: Promise) -> None:
    promise("alice", subject="Decide now\r\nBcc: mallory@example.com")
    alerts.deliver_due(now=NOW)
    (message,) = relay.messages
    assert message["Subject"] == "Decide now Bcc: mallory@example.com"
    assert message["Bcc"] is None


def test_a_passing_refusal_is_tried_again_later(relay: Relay, promise: Promise) -> None:
    alert = promise("alice")
    relay.manners["alice@example.com"] = ["451 greylisted", "RCPT 450 still greylisted"]
    assert alerts.deliver_due(now=NOW)["retried"] == 1
    alert.refresh_from_db()
    assert (alert.state, alert.attempts, alert.last_error[:14]) == ("pending", 1, "451 greylisted")
    assert timedelta(0) <= alert.next_attempt_at - NOW - delivery.backoff(1) < timedelta(seconds=5)
    assert alerts.deliver_due(now=NOW + timedelta(seconds=10)) == {}
    assert alerts.deliver_due(now=NOW + timedelta(minutes=1))["retried"] == 1
    assert alerts.deliver_due(now=NOW + timedelta(minutes=10))["sent"] == 1
    assert len(relay.to("alice@example.com")) == 1


def test_a_lasting_refusal_is_given_up_and_does_not_touch_the_others(relay: Relay, promise: Promise) -> None:
    promise("alice")
    promise("bob")
    promise("carol")
    relay.manners["alice@example.com"] = ["RCPT 550 no such mailbox"]
    relay.manners["bob@example.com"] = ["554 will not have it"]
    alerts.deliver_due(now=NOW)
    assert states() == {"Alice": "dead", "Bob": "dead", "Carol": "sent"}
    assert Alert.objects.get(recipient__name="Alice").last_error == "550 no such mailbox"
    assert relay.connections == 1


def test_a_relay_that_hangs_costs_one_timeout_and_the_others_arrive(relay: Relay, promise: Promise) -> None:
    promise("alice")
    promise("bob")
    relay.manners["alice@example.com"] = ["hang"]
    began = time.monotonic()
    alerts.deliver_due(now=NOW)
    assert time.monotonic() - began < 5, "the timeout is 1 s, and a broken line is not said goodbye to"
    assert states() == {"Alice": "pending", "Bob": "sent"}


def test_a_relay_that_hangs_before_the_text_is_tried_again_soon(relay: Relay, promise: Promise) -> None:
    """Nothing was handed over, so nothing can have arrived."""
    alert = promise("alice")
    relay.manners["alice@example.com"] = ["RCPT hang", "RCPT hang"]
    for minutes in (0, 1):
        assert alerts.deliver_due(now=NOW + timedelta(minutes=minutes))["retried"] == 1
    alert.refresh_from_db()
    assert (alert.state, alert.unconfirmed) == ("pending", 0)
    assert alerts.deliver_due(now=NOW + timedelta(minutes=4))["sent"] == 1
    assert relay.count_by_id() == {alert.message_id: 1}


def test_a_relay_that_reads_before_it_answers_gets_one_copy(relay: Relay, promise: Promise) -> None:
    promise("alice")
    promise("bob")
    relay.manners["alice@example.com"] = ["slow"]
    assert alerts.deliver_due(now=NOW)["sent"] == 2
    assert (len(relay.messages), relay.connections) == (2, 1)


def test_a_line_dropped_after_the_text_sends_one_more_copy_with_the_same_id(relay: Relay, promise: Promise) -> None:
    alert = promise("alice")
    promise("bob")
    relay.manners["alice@example.com"] = ["drop"]
    alerts.deliver_due(now=NOW)
    assert states() == {"Alice": "pending", "Bob": "sent"}
    assert alerts.deliver_due(now=NOW + delivery.UNCONFIRMED_REST - timedelta(seconds=5)) == {}
    assert alerts.deliver_due(now=NOW + delivery.UNCONFIRMED_REST + timedelta(minutes=1))["sent"] == 1
    assert relay.count_by_id()[alert.message_id] == 2


def test_a_relay_that_never_answers_the_text_gets_it_twice_at_most(relay: Relay, promise: Promise) -> None:
    alert = promise("alice")
    relay.manners["alice@example.com"] = ["drop"] * 10
    for minutes in (0, 10, 100, 1_000, 10_000):
        alerts.deliver_due(now=NOW + timedelta(minutes=minutes))
    alert.refresh_from_db()
    assert (alert.state, alert.unconfirmed) == ("dead", delivery.UNCONFIRMED_MAX)
    assert relay.count_by_id() == {alert.message_id: 2}


def test_while_the_relay_is_away_mails_wait_and_no_try_counts(relay: Relay, promise: Promise, settings: object) -> None:
    here = settings.EMAIL_PORT  # type: ignore[attr-defined]
    settings.EMAIL_PORT = 1  # type: ignore[attr-defined]
    for _ in range(3):
        promise("alice")
    for minutes in range(0, 60, 2):
        assert alerts.deliver_due(now=NOW + timedelta(minutes=minutes))["given_back"] == 3
    assert set(Alert.objects.values_list("state", "attempts")) == {("pending", 0)}
    assert "ConnectionRefusedError" in Alert.objects.latest("pk").last_error
    settings.EMAIL_PORT = here  # type: ignore[attr-defined]
    assert alerts.deliver_due(now=NOW + timedelta(hours=2))["sent"] == 3


def test_a_relay_that_says_later_for_a_weekend_loses_nothing(relay: Relay, promise: Promise) -> None:
    alert = promise("alice")
    relay.manners["alice@example.com"] = ["451 later"] * 1_000
    for minutes in range(0, 60 * 24 * 3, 10):
        alerts.deliver_due(now=NOW + timedelta(minutes=minutes))
    alert.refresh_from_db()
    tries = 1_000 - len(relay.manners["alice@example.com"])
    assert (alert.state, 30 < tries < 100) == ("pending", True), tries
    relay.manners.clear()
    assert alerts.deliver_due(now=NOW + timedelta(days=3, hours=2))["sent"] == 1


def test_after_three_days_of_later_it_is_given_up_and_may_be_queued_again(
    relay: Relay, promise: Promise, readers: dict[str, Person]
) -> None:
    alert = promise("alice")
    relay.manners["alice@example.com"] = ["451 never"] * 20
    for day in range(12):
        alerts.deliver_due(now=NOW + timedelta(days=day))
    alert.refresh_from_db()
    assert (alert.state, alert.last_error) == ("dead", "451 never")
    tries = 20 - len(relay.manners["alice@example.com"])
    alerts.redrive(alert_id=alert.pk, actor=superuser(readers["bob"]), now=NOW + timedelta(days=20))
    assert alerts.deliver_due(now=NOW + timedelta(days=20))["retried"] == 1
    relay.manners.clear()
    assert alerts.deliver_due(now=NOW + timedelta(days=20, minutes=1))["sent"] == 1
    assert tries < 10


def test_a_mail_that_was_put_off_often_still_survives_a_lost_sender(
    relay: Relay, promise: Promise, monkeypatch: pytest.MonkeyPatch
) -> None:
    promise("alice")
    relay.manners["alice@example.com"] = ["451 later"] * 6
    for hours in range(6):
        assert alerts.deliver_due(now=NOW + timedelta(hours=hours))["retried"] == 1
    with monkeypatch.context() as patched:
        patched.setattr(delivery, "_settle", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            alerts.deliver_due(now=NOW + timedelta(hours=7))
    assert alerts.deliver_due(now=NOW + timedelta(hours=8))["sent"] == 1


@pytest.mark.django_db(transaction=True)
def test_two_deliverers_at_once_send_each_mail_once(relay: Relay, promise: Promise) -> None:
    """Guards: SKIP LOCKED and the lease of a claim."""
    for _ in range(60):
        promise("alice")
    at_once([partial(alerts.deliver_due, now=NOW) for _ in range(4)])
    assert set(Alert.objects.values_list("state", flat=True)) == {"sent"}
    assert sorted(relay.count_by_id().values()) == [1] * 60


def test_a_sender_that_dies_before_settling_is_made_up_for(
    relay: Relay, promise: Promise, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = promise("alice")
    with monkeypatch.context() as patched:
        patched.setattr(delivery, "_settle", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            alerts.deliver_due(now=NOW)
    assert alerts.deliver_due(now=NOW + timedelta(seconds=5)) == {}, "the lease still runs"
    assert alerts.deliver_due(now=LATER)["sent"] == 1
    assert relay.count_by_id() == {alert.message_id: 2}


def test_a_stalled_sender_that_lost_its_lease_writes_nothing(relay: Relay, promise: Promise) -> None:
    promise("alice")
    (stalled,) = delivery._claim(NOW, 1)
    assert alerts.deliver_due(now=LATER)["sent"] == 1
    refused = delivery.Answer(delivery.Result.REFUSED, "550 too late")
    assert delivery._settle(stalled, refused, now=LATER) == "lost"
    assert delivery._give_back([stalled], at=LATER) == 0
    assert Alert.objects.get().state == "sent"


def test_a_mail_that_ends_its_sender_is_given_up_and_holds_up_no_other(
    relay: Relay, promise: Promise, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison, last = promise("alice"), promise("bob")
    real = delivery._send

    def send(alert: Alert, *rest: object, **named: object) -> object:
        if alert.pk == poison.pk:
            raise KeyboardInterrupt
        return real(alert, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(delivery, "_send", send)
    for minutes in range(0, 40, 2):
        try:
            alerts.deliver_due(now=NOW + timedelta(minutes=minutes))
        except KeyboardInterrupt:
            continue
    assert states() == {"Alice": "dead", "Bob": "sent"}
    poison.refresh_from_db()
    last.refresh_from_db()
    assert poison.attempts == ALERT_ATTEMPTS_MAX
    assert last.attempts <= 2


def test_a_mail_to_a_deactivated_person_is_given_up_with_the_reason(
    relay: Relay, promise: Promise, readers: dict[str, Person]
) -> None:
    alert = promise("alice")
    Person.objects.filter(pk=readers["alice"].pk).update(is_active=False)
    alerts.deliver_due(now=NOW)
    alert.refresh_from_db()
    assert (alert.state, alert.last_error) == ("dead", "the person is deactivated")
    assert relay.messages == []


def test_a_mail_to_somebody_whose_accounts_are_closed_is_given_up(
    relay: Relay, promise: Promise, readers: dict[str, Person]
) -> None:
    """Somebody who never had an account is told all the same: they get one when they first sign in."""
    for name in ("alice", "bob"):
        promise(name)
    readers["alice"].users.update(is_active=False)
    readers["bob"].users.all().delete()
    alerts.deliver_due(now=NOW)
    assert states() == {"Alice": "dead", "Bob": "sent"}


def test_an_address_that_is_none_or_two_is_given_up(relay: Relay, promise: Promise, readers: dict[str, Person]) -> None:
    for name, address in (("alice", ""), ("bob", "bob@example.com, mallory@example.com"), ("carol", "carol")):
        Person.objects.filter(pk=readers[name].pk).update(email=address)
        promise(name)
    promise("dave")
    alerts.deliver_due(now=NOW)
    # A name without a host is a mailbox at the relay itself.
    assert states() == {"Alice": "dead", "Bob": "dead", "Carol": "sent", "Dave": "sent"}
    assert Alert.objects.get(recipient__name="Alice").last_error == "there is no address to send it to"
    assert {address for address, _ in relay.kept} == {"carol", "dave@example.com"}


def test_a_mail_with_nothing_left_to_say_is_skipped_not_sent(relay: Relay, promise: Promise) -> None:
    alert = promise("alice", Moot("the stage was closed before the mail left"))
    assert alerts.deliver_due(now=NOW)["skipped"] == 1
    alert.refresh_from_db()
    assert (alert.state, alert.sent_at) == ("skipped", None)
    assert alert.last_error == "not sent: the stage was closed before the mail left"
    assert relay.messages == []


def test_a_call_ends_in_time_and_gives_back_what_it_did_not_try(
    relay: Relay, promise: Promise, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        promise("alice")
    monkeypatch.setattr(delivery, "DELIVERY_SECONDS_MAX", -1.0)
    assert alerts.deliver_due(now=NOW) == {}
    monkeypatch.setattr(delivery, "DELIVERY_SECONDS_MAX", 20.0)
    monkeypatch.setattr(delivery, "BREAKS_MAX", 0)
    assert alerts.deliver_due(now=NOW)["given_back"] == 5
    assert set(Alert.objects.values_list("state", "attempts", "lease_token")) == {("pending", 0, None)}
