"""Pages for what went wrong: a signed-in person's times stand in their own zone there too."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from governance.models import Person, User
from tests.cast import Cast

FIELDS_TOO_MANY = {f"field{number}": "" for number in range(1001)}


@pytest.mark.parametrize(
    ("send", "status"),
    [
        pytest.param(lambda client: client.post(reverse("web:notifications"), FIELDS_TOO_MANY), 400, id="400"),
        pytest.param(lambda client: client.get("/nothing-is-here/"), 404, id="404"),
        pytest.param(lambda client: client.get("/admin/governance/grant/999999/change/"), 404, id="404 of the desk"),
    ],
)
def test_an_error_page_names_the_zone_of_the_person(
    cast: Cast, send: Callable[[Client], HttpResponse], status: int
) -> None:
    client = in_toronto(cast, Client())
    response = send(client)
    assert response.status_code == status
    assert "Times in America/Toronto." in response.content.decode()


def test_the_page_for_an_old_form_names_the_zone_of_the_person(cast: Cast) -> None:
    client = in_toronto(cast, Client(enforce_csrf_checks=True))
    response = client.post(reverse("web:notifications"), {"wants_digest": "on"})
    assert response.status_code == 403
    assert "Times in America/Toronto." in response.content.decode()


def in_toronto(cast: Cast, client: Client) -> Client:
    """Bob signs in from another zone than the house's."""
    Person.objects.filter(pk=cast.bob.person_id).update(time_zone="America/Toronto")
    client.force_login(User.objects.get(pk=cast.bob.pk))
    return client


def test_an_error_page_for_a_stranger_names_utc(db: None) -> None:
    assert "Times in UTC." in Client().get("/nothing-is-here/").content.decode()
