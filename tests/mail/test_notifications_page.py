"""The page that each digest's unsubscribe button leads to."""

from __future__ import annotations

from django.test import Client

from governance.models import AuditEvent, Person
from tests.cast import Cast

ADDRESS = "/notifications/"


def test_opening_it_changes_nothing_and_a_button_stops_and_starts_the_digest(cast: Cast, client: Client) -> None:
    client.force_login(cast.alice)
    assert b"Turn off the daily email" in client.get(ADDRESS).content
    assert Person.objects.get(name="Alice").wants_digest
    client.post(ADDRESS, {"wants_digest": "no"})
    client.post(ADDRESS, {"wants_digest": "no"})
    assert not Person.objects.get(name="Alice").wants_digest
    assert Person.objects.get(name="Bob").wants_digest
    assert AuditEvent.objects.filter(action="person.changed", actor=cast.alice).count() == 1
    assert b"Turn on the daily email" in client.get(ADDRESS).content
    client.post(ADDRESS, {"wants_digest": "yes"})
    assert Person.objects.get(name="Alice").wants_digest


def test_a_stranger_is_sent_to_sign_in(cast: Cast, client: Client) -> None:
    for answer in (client.get(ADDRESS), client.post(ADDRESS, {"wants_digest": "no"})):
        assert answer.status_code == 302
        assert "sign-in" in answer["Location"]
