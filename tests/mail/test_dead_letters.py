"""A mail that was given up is not gone: an administrator sees it on the desk, and sends it again from there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from governance.models import Alert, AuditEvent, Role, RoleAssignment
from governance.services.messages import alerts
from tests.cast import NOW, Cast, add_person

WORDS = "550 5.1.1 no such mailbox"


@pytest.fixture
def cast(cast: Cast) -> Cast:
    add_person("ada", team=cast.root, roles=["administrator"], scope=cast.root)
    return cast


def dead_letter(cast: Cast) -> Alert:
    alerts.enqueue("digest", subject="x", recipients=[cast.alice.person_id], now=NOW)
    Alert.objects.update(state="dead", attempts=3, last_error=WORDS)
    return Alert.objects.get()


def administrator() -> Client:
    client = Client()
    client.force_login(Role.objects.get(slug="administrator").assignments.get().user)
    return client


def test_an_administrator_finds_it_with_the_words_of_the_relay_and_queues_it_again(cast: Cast) -> None:
    alert = dead_letter(cast)
    client = administrator()
    found = client.get(reverse("admin:governance_alert_changelist"), {"state__exact": "dead"})
    assert WORDS in found.content.decode()
    address = reverse("admin:governance_alert_again", args=[alert.pk])
    assert client.get(address).status_code == 200
    assert Alert.objects.get().state == "dead", "opening it changes nothing"
    assert client.post(address).status_code == 302
    again = Alert.objects.get()
    assert (again.state, again.attempts, again.message_id) == ("pending", 0, alert.message_id)
    assert AuditEvent.objects.latest("seq").action == "alert.requeued"
    # It waits now: there is nothing to send again.
    assert client.post(address).status_code == 404


def test_who_may_only_read_sees_it_and_cannot_queue_it(cast: Cast) -> None:
    alert = dead_letter(cast)
    client = Client()
    client.force_login(cast.erin)
    assert WORDS in client.get(reverse("admin:governance_alert_changelist")).content.decode()
    assert client.post(reverse("admin:governance_alert_again", args=[alert.pk])).status_code in (403, 404)
    assert Alert.objects.get().state == "dead"


def test_a_role_that_ended_opens_nothing(cast: Cast) -> None:
    alert = dead_letter(cast)
    client = administrator()
    RoleAssignment.objects.filter(role__slug="administrator").update(valid_to=NOW - timedelta(days=1))
    client.post(reverse("admin:governance_alert_again", args=[alert.pk]))
    assert Alert.objects.get().state == "dead"
