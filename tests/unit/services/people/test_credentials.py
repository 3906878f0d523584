"""Nobody sets another's password; what was held ends with the account; some accounts are out of reach."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.urls import reverse

from governance.domain.errors import IllegalTransition, InvalidInput, NotAllowed, NotFound
from governance.models import Alert, AuditEvent, Person, User
from governance.selectors.people.people import system_actor
from governance.services.people import credentials, people
from tests.admin.cast import NOW, Cast

pytestmark = pytest.mark.django_db

NEW = "seven quiet lamps 42"


@pytest.fixture
def cast(template_desk: Cast) -> Cast:
    return template_desk


def change(cast: Cast, who: User, *, by: User | None = None, **changes: Any) -> Person:
    person = who.person
    values = {
        "name": person.name, "team": person.team, "country": person.country, "requester_type": person.requester_type,
        "job_title": person.job_title, "time_zone": person.time_zone, "is_active": True, "is_staff": True,
    }  # fmt: skip
    return people.change_person(actor=by or cast.ada, person_id=person.pk, now=NOW, **{**values, **changes})


def test_no_service_takes_a_password_for_somebody_else() -> None:
    taking = {
        f"{module.__name__.rsplit('.', 1)[1]}.{name}"
        for module in (people, credentials)
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if not name.startswith("_") and function.__module__ == module.__name__
        and "password" in inspect.signature(function).parameters
    }  # fmt: skip
    assert taking == {"credentials.change_password", "credentials.set_password_by_link"}


def test_no_page_of_the_desk_takes_a_password(cast: Cast) -> None:
    client = Client()
    client.force_login(cast.ada)
    page = reverse("admin:governance_person_change", args=[cast.bob.person_id])
    assert "Set a password" not in client.get(page).content.decode()
    assert client.get(f"{page.removesuffix('change/')}password/", follow=True).status_code == 404
    assert "password" not in client.get(reverse("admin:governance_person_add_person")).context["form"].fields


def test_a_new_person_gets_a_link_and_no_password(cast: Cast) -> None:
    user = people.add_person(
        actor=cast.ada, name="Nils Berg", email="nils@example.org", team=cast.root, country="SE", now=NOW
    )
    assert not user.has_usable_password()
    alert = Alert.objects.get(kind="password_link", recipient=user.person)
    assert alert.payload == {"user": user.pk, "why": "new", "by": cast.ada.person_id}


def test_an_administrator_sends_a_link_to_the_persons_own_address(cast: Cast) -> None:
    credentials.send_link(actor=cast.ada, person_id=cast.bob.person_id, now=NOW)
    assert Alert.objects.get(kind="password_link").recipient == cast.bob.person
    event = AuditEvent.objects.latest("seq")
    assert (event.action, event.actor) == ("account.link_sent", cast.ada)
    for who in ("bob", "erin", "alice"):
        with pytest.raises(NotAllowed):
            credentials.send_link(actor=getattr(cast, who), person_id=cast.carol.person_id, now=NOW)
    change(cast, cast.bob, is_active=False)
    with pytest.raises(NotFound, match="no active account"):
        credentials.send_link(actor=cast.ada, person_id=cast.bob.person_id, now=NOW)


@pytest.mark.parametrize("whose", ["system", "superuser"])
def test_what_stands_above_administrators_is_out_of_their_reach(cast: Cast, whose: str) -> None:
    user = system_actor() if whose == "system" else cast.people["root"]
    before = (AuditEvent.objects.count(), Alert.objects.count())
    for act in (
        lambda: change(cast, user, is_active=False),
        lambda: change(cast, user, name="Somebody else"),
        lambda: credentials.send_link(actor=cast.ada, person_id=user.person_id, now=NOW),
        lambda: people.add_service_account(actor=cast.ada, person=user.person, email="svc@example.org", now=NOW),
    ):
        with pytest.raises(NotAllowed):
            act()
    client = Client()
    client.force_login(cast.ada)
    for edit in ("edit", "link", "service-account"):
        assert client.get(f"/admin/governance/person/{user.person_id}/{edit}/").status_code == 404
    assert (AuditEvent.objects.count(), Alert.objects.count()) == before


def test_a_superuser_reaches_superusers_and_nobody_the_product_itself(cast: Cast) -> None:
    root = cast.people["root"]
    second = User.objects.create_superuser(email="second@example.org", password=NEW)
    credentials.send_link(actor=root, person_id=second.person_id, now=NOW)
    with pytest.raises(NotAllowed, match="own account"):
        credentials.send_link(actor=root, person_id=system_actor().person_id, now=NOW)
    for actor in (system_actor(),):
        with pytest.raises(NotAllowed):
            credentials.change_password(actor=actor, present_hash=actor.password, password=NEW, now=NOW)
        with pytest.raises(NotAllowed):
            credentials.request_address(actor=actor, address="mine@example.org", now=NOW)


def test_what_somebody_held_ends_with_their_account_and_does_not_come_back(cast: Cast) -> None:
    client = Client()
    client.force_login(cast.bob)
    credentials.request_address(actor=cast.bob, address="robert@example.org", now=NOW)
    assert client.get("/").status_code == 200
    change(cast, cast.bob, is_active=False)
    assert not EmailAddress.objects.exists()
    change(cast, cast.bob, is_active=True)
    assert client.get("/").status_code == 302
    cast.bob.refresh_from_db()
    assert not cast.bob.has_usable_password()
    assert Alert.objects.get(kind="password_link", recipient=cast.bob.person).payload["why"] == "reactivated"


def test_a_password_that_moved_meanwhile_is_not_changed(cast: Cast) -> None:
    seen = cast.alice.password
    credentials.change_password(actor=cast.alice, present_hash=seen, password=NEW, now=NOW)
    with pytest.raises(IllegalTransition, match="meanwhile"):
        credentials.change_password(actor=cast.alice, present_hash=seen, password="another long word 7", now=NOW)
    cast.alice.refresh_from_db()
    assert cast.alice.check_password(NEW)


@pytest.mark.parametrize("password", ["short", "x" * 257, "password1234", "alice@example.org"])
def test_a_bad_password_is_refused_by_the_service_too(cast: Cast, password: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        credentials.change_password(actor=cast.alice, present_hash=cast.alice.password, password=password, now=NOW)
    assert list(caught.value.errors) == ["password1"]
    cast.alice.refresh_from_db()
    assert cast.alice.check_password("correct horse battery")


@pytest.mark.parametrize(
    "address", ["", "no address", "alice@example.org", "a" * 250 + "@example.org", "a@b\r\nBcc: c@d"]
)
def test_what_is_no_new_address_is_refused(cast: Cast, address: str) -> None:
    with pytest.raises(InvalidInput):
        credentials.request_address(actor=cast.alice, address=address, now=NOW)
    assert not Alert.objects.exists()
