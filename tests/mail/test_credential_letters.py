"""Whoever's password, address, token, role or delegation changes is told at once, always, and what to do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.account.models import EmailAddress

from governance.channels import email as emails
from governance.channels.email.letters import Moot
from governance.display.numbers import NBSP
from governance.models import Alert, ApiToken, Delegation, Role, RoleAssignment
from governance.services.messages import alerts
from governance.services.people import credentials, tokens
from tests.cast import NOW, Cast
from tests.mail.reading import html_of, subject_of, text_of
from tests.mail.test_letters import LINK

pytestmark = pytest.mark.django_db


def letters(kind: str) -> dict[str, Any]:
    """The mails of a kind, by who gets them."""
    rows = Alert.objects.filter(kind=kind).select_related("recipient")
    return {row.recipient.name: emails.compose(row, now=NOW).message() for row in rows}


def assignment(cast: Cast, role: str, who: str) -> RoleAssignment:
    return RoleAssignment.objects.select_related("role", "user").get(user=cast.users[who], role__slug=role)


def everything(cast: Cast) -> None:
    """One of each kind."""
    credentials.request_link(address="alice@example.com", now=NOW)
    credentials.request_address(actor=cast.alice, address="byrne@example.org", now=NOW)
    alerts.tell_password_changed(cast.alice, how="link", now=NOW)
    alerts.tell_address_changed(cast.alice, former_id=0, now=NOW)
    tokens.make_token(actor=cast.alice, scopes=["read"], now=NOW)
    alerts.tell_role_changed(assignment(cast, "team_lead", "bob"), change="given", actor=cast.carol, now=NOW)
    delegation = Delegation.objects.create(
        delegator=cast.bob.person, delegate=cast.dave.person, role=Role.objects.get(slug="team_lead"),
        amount_micro_max=10**12, valid_from=NOW, valid_to=NOW + timedelta(days=7), reason="away",
    )  # fmt: skip
    alerts.tell_delegation_changed(delegation, change="given", actor=cast.bob, now=NOW)


def test_each_has_text_html_one_link_to_our_site_and_says_that_it_is_always_sent(cast: Cast, settings: Any) -> None:
    with time_machine.travel(NOW, tick=False):
        everything(cast)
        seen = set()
        for alert in Alert.objects.select_related("recipient"):
            try:
                message = emails.compose(alert, now=NOW).message()
            except Moot:
                continue
            seen.add(alert.kind)
            for body in (text_of(message), html_of(message)):
                [link] = LINK.findall(body)
                assert link.startswith(settings.SITE_URL + "/"), alert.kind
            if alert.kind not in ("password_link", "address_confirm"):
                assert "cannot be turned off" in text_of(message), alert.kind
    assert seen == {
        "password_link", "password_changed", "address_confirm", "address_changed", "token_made", "role_changed",
        "role_announced", "delegation_changed",
    }  # fmt: skip


def test_each_says_what_changed_by_whom_and_what_to_do(cast: Cast) -> None:
    with time_machine.travel(NOW, tick=False):
        everything(cast)
        link = letters("password_link")["Alice"]
        assert subject_of(link) == "Set your password for Comptroller"
        assert f"Set your password by Wed 3{NBSP}Jun, 10:00" in text_of(link)
        assert "works once and for 48" in text_of(link)
        changed = letters("password_changed")["Alice"]
        assert subject_of(changed) == "Your password was changed"
        assert "with a link sent to your address" in text_of(changed)
        assert "If this was not you" in text_of(changed)
        assert letters("address_confirm")["Alice"]["To"] == "byrne@example.org"
        made = letters("token_made")["Alice"]
        assert "Scopes: read" in text_of(made)
        given = letters("role_changed")["Bob"]
        assert subject_of(given) == "You are team lead in Research"
        assert "Changed by: Carol" in text_of(given)
        announced = letters("role_announced")
        assert set(announced) == {"Frank"}  # has the role as well; Carol made the change
        assert subject_of(announced["Frank"]) == "Bob is team lead in Research"
        assert "Account: bob@example.com" in text_of(announced["Frank"])
        both = letters("delegation_changed")
        assert subject_of(both["Bob"]) == "Dave decides for you as team lead"
        assert subject_of(both["Dave"]) == "You decide for Bob as team lead"


def test_a_role_that_decides_nothing_is_not_announced(cast: Cast) -> None:
    alerts.tell_role_changed(assignment(cast, "requester", "alice"), change="given", actor=cast.carol, now=NOW)
    assert set(Alert.objects.values_list("kind", flat=True)) == {"role_changed"}
    alerts.tell_role_changed(assignment(cast, "auditor", "erin"), change="ended", actor=cast.carol, now=NOW)
    assert "You are no longer auditor" in subject_of(letters("role_changed")["Erin"])


def test_no_mail_before_it_leaves_holds_a_link_or_an_address(cast: Cast) -> None:
    everything(cast)
    for key, payload in Alert.objects.values_list("key", "payload"):
        assert "@" not in f"{key} {payload}"
        assert "/password/set/" not in str(payload)


def test_a_former_address_is_told_once_and_then_forgotten(cast: Cast) -> None:
    alerts.tell_address_changed(cast.alice, former_id=0, now=NOW)
    with pytest.raises(Moot):
        emails.compose(Alert.objects.get(kind="address_left"), now=NOW)


def test_what_has_ended_is_forgotten_once_it_was_told(cast: Cast) -> None:
    former = EmailAddress.objects.create(user=cast.alice, email="old@example.com", verified=True)
    wanted = EmailAddress.objects.create(user=cast.bob, email="new@example.com")
    alerts.tell_address_changed(cast.alice, former_id=former.pk, now=NOW)
    live, _ = tokens.make_token(actor=cast.bob, days=3, now=NOW)
    tokens.make_token(actor=cast.bob, days=1, now=NOW)
    assert credentials.forget_ended(now=NOW + timedelta(days=2)) == 1
    assert EmailAddress.objects.filter(pk=former.pk).exists()
    Alert.objects.filter(kind="address_left").update(state="sent")
    assert credentials.forget_ended(now=NOW + timedelta(days=2)) == 1
    assert list(EmailAddress.objects.all()) == [wanted]
    assert list(ApiToken.objects.all()) == [live]


def test_a_link_for_somebody_who_left_is_not_sent(cast: Cast) -> None:
    credentials.request_link(address="alice@example.com", now=NOW)
    cast.alice.is_service_account = True
    cast.alice.save()
    with pytest.raises((Moot, emails.Undeliverable)):
        emails.compose(Alert.objects.get(), now=NOW)
