"""Passwords and addresses are their owners': one-time links, throttled sign-in, no telling who has an account."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from governance.channels import email as emails
from governance.channels.email.letters import Moot
from governance.models import Alert, AuditEvent, User
from governance.services.people import credentials, tokens
from governance.services.record import audit
from tests.cast import PASSWORD, Cast
from tests.mail.reading import text_of
from tests.mail.test_letters import LINK

pytestmark = pytest.mark.django_db

NEW = "seven quiet lamps 42"
OTHER = "another long word 7"


@pytest.fixture(autouse=True)
def _fresh_counters() -> Iterator[None]:
    """Tries are counted in the cache, which nothing rolls back: what is used up here is used up for nobody else."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def link_of() -> Callable[..., str]:
    """The path in the newest mail with a link of this kind."""

    def newest(kind: str = "password_link") -> str:
        alert = Alert.objects.filter(kind=kind).latest("pk")
        [link] = LINK.findall(text_of(emails.compose(alert, now=timezone.now()).message()))
        return link.removeprefix("http://testserver")

    return newest


def opened(client: Client, link: str) -> Any:
    """Where the link leads after it has left the address bar."""
    return client.get(link, follow=True)


def set_by(client: Client, link: str, password: str = NEW) -> Any:
    page = opened(client, link)
    return client.post(page.redirect_chain[-1][0], {"password1": password, "password2": password})


SEEN = [(1, "198.51.100.{0}, 203.0.113.7", True), (1, "203.0.113.{0}", False), (0, "203.0.113.{0}", True)]
"""Proxies that are trusted, what the header says, and whether the tries count together."""


def sign_in(client: Client, address: str, password: str, **options: Any) -> Any:
    return client.post(reverse("web:login"), {"username": address, "password": password}, **options)


# ------------------------------------------------------------------------------ links


def test_somebody_who_forgot_their_password_sets_another_by_a_link(cast: Cast, link_of: Any, caplog: Any) -> None:
    caplog.set_level(logging.DEBUG)
    other = Client()
    assert sign_in(other, "alice@example.com", PASSWORD).status_code == 302
    client = Client()
    answer = client.post(reverse("account_reset_password"), {"email": "Alice@Example.com"})
    assert answer["Location"] == reverse("account_reset_password_done")
    assert "works once" in client.get(answer["Location"]).content.decode()
    # The other sign-in counts as one, so the link is read after it.
    link = link_of()
    page = opened(client, link)
    key = link.rstrip("/").split("-", 1)[1]
    assert page.status_code == 200
    assert key not in page.redirect_chain[-1][0]
    assert "alice@example.com" in page.content.decode()
    assert set_by(client, link)["Location"] == reverse("web:login")
    assert sign_in(Client(), "alice@example.com", PASSWORD).status_code == 200
    assert sign_in(Client(), "alice@example.com", NEW).status_code == 302
    assert other.get("/").status_code == 302  # the session of the old password
    assert Alert.objects.filter(kind="password_changed", recipient=cast.alice.person).count() == 1
    actions = list(AuditEvent.objects.order_by("-seq").values_list("action", flat=True)[:2])
    assert actions == ["account.password_changed", "account.link_requested"]
    kept = str(list(AuditEvent.objects.values_list("data"))) + str(list(Alert.objects.values_list("payload")))
    for secret in (key, NEW, PASSWORD):
        assert secret not in caplog.text
        assert secret not in kept
    assert audit.verify() == []


def test_a_link_works_once_also_when_two_use_it(cast: Cast, link_of: Any) -> None:
    credentials.request_link(address="alice@example.com", now=timezone.now())
    link = link_of()
    first, second = Client(), Client()
    page = opened(second, link)
    assert set_by(first, link).status_code == 302
    late = second.post(
        page.redirect_chain[-1][0], {"password1": "another long word 7", "password2": "another long word 7"}
    )
    assert "This link has expired" in late.content.decode()
    assert "This link has expired" in opened(Client(), link).content.decode()
    cast.alice.refresh_from_db()
    assert cast.alice.check_password(NEW)
    key = link.rstrip("/").split("-", 1)[1]
    with pytest.raises(Exception, match="this link has expired"):
        credentials.set_password_by_link(user_id=cast.alice.pk, key=key, password=NEW, now=timezone.now())


@pytest.mark.parametrize("change", ["password", "address", "inactive", "service", "time", "account", "key"])
def test_a_link_ends_with(cast: Cast, link_of: Any, change: str) -> None:
    credentials.request_link(address="alice@example.com", now=timezone.now())
    link, later = link_of(), timezone.now() + timedelta(minutes=1)
    match change:
        case "password":
            cast.alice.set_password("something else 99")
        case "address":
            cast.alice.email = "alice.byrne@example.com"
        case "inactive":
            cast.alice.person.is_active = False
            cast.alice.person.save()
        case "service":
            cast.alice.is_service_account = True
        case "time":
            later += timedelta(hours=48)
        case "account":
            uid, key = link.rstrip("/").rsplit("/", 1)[1].split("-", 1)
            link = link.replace(f"{uid}-{key}", f"{int_to_36(cast.bob.pk)}-{key}")
        case "key":
            link = link[:-2] + ("a" if link[-2] != "a" else "b") + "/"
    cast.alice.save()
    with time_machine.travel(later, tick=False):
        assert "This link has expired" in opened(Client(), link).content.decode()


def int_to_36(number: int) -> str:
    from django.utils.http import int_to_base36

    return int_to_base36(number)


def test_opening_a_link_decides_nothing_and_a_bad_password_is_refused_by_field(cast: Cast, link_of: Any) -> None:
    credentials.request_link(address="alice@example.com", now=timezone.now())
    link, before = link_of(), User.objects.get(pk=cast.alice.pk).password
    for _ in range(3):  # a mail scanner
        assert opened(Client(), link).status_code == 200
    client = Client()
    page = opened(client, link).redirect_chain[-1][0]
    for password, words in (("short", "12 characters"), ("alice@example.com", "similar"), ("password1234", "common")):
        html = client.post(page, {"password1": password, "password2": password}).content.decode()
        assert words in re.sub(r"\s+", " ", html), password
    assert "same password" in client.post(page, {"password1": NEW, "password2": NEW + "x"}).content.decode()
    assert client.post(page, {"password1": "x" * 300, "password2": "x" * 300}).status_code == 200
    assert User.objects.get(pk=cast.alice.pk).password == before


def test_whether_an_address_has_an_account_cannot_be_told(cast: Cast) -> None:
    cast.erin.is_service_account = True
    cast.erin.save()
    mails, events, pages = Alert.objects.count(), AuditEvent.objects.count(), set()
    for address in ("nobody@example.com", "erin@example.com", "system@comptroller.invalid", "alice@example.com"):
        client = Client()
        answer = client.post(reverse("account_reset_password"), {"email": address})
        page = client.get(answer["Location"])
        pages.add((answer.status_code, answer["Location"], re.sub(r'value="[^"]{20,}"', "", page.content.decode())))
    assert len(pages) == 1
    # Only alice's left anything behind.
    assert (Alert.objects.count() - mails, AuditEvent.objects.count() - events) == (1, 1)


def test_an_unknown_address_costs_the_same_statements(cast: Cast, django_assert_num_queries: Any) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    counts = []
    for address in ("alice@example.com", "nobody@example.com"):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            credentials.request_link(address=address, now=timezone.now())
        counts.append(len([q for q in queries if not q["sql"].startswith(("SAVEPOINT", "RELEASE", "ROLLBACK"))]))
    assert abs(counts[0] - counts[1]) <= 1, counts


def test_a_link_that_waited_longer_than_it_would_live_is_not_sent(cast: Cast) -> None:
    credentials.request_link(address="alice@example.com", now=timezone.now() - timedelta(hours=49))
    with pytest.raises(Moot, match="waited longer"):
        emails.compose(Alert.objects.latest("pk"), now=timezone.now())


# --------------------------------------------------------------------------- password


def test_a_requester_changes_their_own_password_and_stays_signed_in(cast: Cast) -> None:
    here, elsewhere = Client(), Client()
    for client in (here, elsewhere):
        assert sign_in(client, "alice@example.com", PASSWORD).status_code == 302
    assert reverse("account_change_password") in here.get(reverse("account_page")).content.decode()
    page = reverse("account_change_password")
    wrong = here.post(page, {"oldpassword": "wrong", "password1": NEW, "password2": NEW})
    assert "not your current password" in wrong.content.decode()
    done = here.post(page, {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW})
    assert done["Location"] == reverse("account_page")
    assert here.get("/").status_code == 200
    assert elsewhere.get("/").status_code == 302
    event = AuditEvent.objects.latest("seq")
    assert (event.action, event.actor_id, event.data["how"]) == ("account.password_changed", cast.alice.pk, "changed")
    assert Alert.objects.filter(kind="password_changed", recipient=cast.alice.person).exists()


def test_the_desk_changes_a_password_at_the_same_place(cast: Cast) -> None:
    client = Client()
    client.force_login(cast.bob)
    assert client.get("/admin/password_change/")["Location"] == reverse("account_change_password")
    posted = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    client.post("/admin/password_change/", posted)
    cast.bob.refresh_from_db()
    assert cast.bob.check_password(PASSWORD)


def test_the_present_password_cannot_be_guessed_in_an_open_session(cast: Cast) -> None:
    client = Client()
    client.force_login(cast.alice)
    page, codes = reverse("account_change_password"), []
    for number in range(8):
        codes.append(client.post(page, {"oldpassword": f"no {number}", "password1": NEW, "password2": NEW}).status_code)
    assert codes[-1] == 429


def test_a_person_sees_and_ends_their_tokens_and_nobody_elses(cast: Cast) -> None:
    robot = User.objects.create_user(email="svc@example.com", person=cast.alice.person, is_service_account=True)
    now = timezone.now()
    own, _ = tokens.make_token(actor=cast.alice, scopes=["read", "request"], now=now)
    of_robot, secret = tokens.make_token(actor=cast.alice, account=robot.email, now=now)
    of_bob, _ = tokens.make_token(actor=cast.bob, now=now)
    client = Client()
    client.force_login(cast.alice)
    html = client.get(reverse("account_page")).content.decode()
    assert "read, request" in html
    assert "svc@example.com" in html
    assert secret not in html
    assert of_bob.name not in html
    for token, status in ((own, 302), (of_robot, 302), (of_bob, 404)):
        address = reverse("account_end_token", args=[token.token_key])
        assert client.get(address).status_code == 405
        assert client.post(address).status_code == status
    assert "You have none" in client.get(reverse("account_page")).content.decode()


# ---------------------------------------------------------------------------- address


def test_an_address_changes_when_its_own_link_is_confirmed_and_both_are_told(cast: Cast, link_of: Any) -> None:
    client = Client()
    client.force_login(cast.alice)
    page = reverse("account_email")
    assert client.post(page, {"email": "byrne@example.org", "password": "wrong"}).status_code == 400
    assert client.post(page, {"email": "byrne@example.org", "password": PASSWORD}).status_code == 302
    cast.alice.refresh_from_db()
    assert cast.alice.email == "alice@example.com"
    mail = emails.compose(Alert.objects.get(kind="address_confirm"), now=timezone.now())
    assert mail.to == ["byrne@example.org"]
    link = link_of("address_confirm")
    assert "byrne@example.org" in Client().get(link).content.decode()
    cast.alice.refresh_from_db()
    assert cast.alice.email == "alice@example.com"  # opening it changed nothing
    assert Client().post(link)["Location"] == reverse("account_login")
    cast.alice.refresh_from_db()
    assert (cast.alice.email, cast.alice.person.email) == ("byrne@example.org",) * 2
    told = {
        kind: emails.compose(Alert.objects.get(kind=kind), now=timezone.now()).to
        for kind in ("address_changed", "address_left")
    }
    assert told == {"address_changed": ["byrne@example.org"], "address_left": ["alice@example.com"]}
    assert Client().post(link).status_code == 400  # once
    assert sign_in(Client(), "alice@example.com", PASSWORD).status_code == 200
    assert sign_in(Client(), "byrne@example.org", PASSWORD).status_code == 302
    kept = str(list(Alert.objects.values_list("payload"))) + str(list(AuditEvent.objects.values_list("data")))
    assert "@example" not in kept


def test_an_address_of_somebody_else_gets_no_link_and_no_different_answer(cast: Cast) -> None:
    client = Client()
    client.force_login(cast.alice)
    page = reverse("account_email")
    assert client.post(page, {"email": "BOB@example.com", "password": PASSWORD}).status_code == 302
    assert not Alert.objects.filter(kind="address_confirm").exists()
    wanted = EmailAddress.objects.get()
    with pytest.raises(Exception, match="belongs to another account"):
        credentials.confirm_address(address_id=wanted.pk, now=timezone.now())


def test_a_wish_for_an_address_ends_with_the_password_and_with_the_next_wish(cast: Cast, link_of: Any) -> None:
    credentials.request_address(actor=cast.alice, address="one@example.org", now=timezone.now())
    first = link_of("address_confirm")
    credentials.request_address(actor=cast.alice, address="two@example.org", now=timezone.now())
    assert Client().post(first).status_code == 400
    second = link_of("address_confirm")
    cast.alice.refresh_from_db()
    credentials.change_password(actor=cast.alice, present_hash=cast.alice.password, password=NEW, now=timezone.now())
    assert Client().post(second).status_code == 400
    cast.alice.refresh_from_db()
    assert cast.alice.email == "alice@example.com"


# ---------------------------------------------------------------------------- throttle


def test_guessing_a_password_ends_with_a_page_that_says_how_long(cast: Cast) -> None:
    answers = [sign_in(Client(), "alice@example.com", f"guess {n}") for n in range(7)]
    assert [each.status_code for each in answers] == [200] * 5 + [429] * 2
    assert 200 < int(answers[-1]["Retry-After"]) <= 301
    assert "Too many tries" in answers[-1].content.decode()
    # The right password is not looked at either, and an address that nobody has reads the same.
    assert sign_in(Client(), "alice@example.com", PASSWORD).status_code == 429
    unknown = [sign_in(Client(), "nobody@example.com", f"guess {n}") for n in range(7)]
    assert [each.status_code for each in unknown] == [200] * 5 + [429] * 2
    events = AuditEvent.objects.filter(action="account.sign_in_throttled")
    assert [event.data["user"] for event in events] == [cast.alice.pk]
    assert "guess" not in str(events[0].data)


def test_a_stranger_does_not_lock_the_owner_out(cast: Cast) -> None:
    owner = Client()
    assert sign_in(owner, "alice@example.com", PASSWORD).status_code == 302
    owner.post(reverse("web:logout"))
    for n in range(8):  # from the same office, behind the same address
        sign_in(Client(), "alice@example.com", f"guess {n}")
    assert sign_in(Client(), "alice@example.com", PASSWORD).status_code == 429
    assert sign_in(owner, "alice@example.com", PASSWORD).status_code == 302
    # The mark of one account opens nothing for another, and a forged one nothing at all.
    for n in range(6):
        sign_in(Client(), "bob@example.com", f"guess {n}")
    other = Client()
    other.cookies["comptroller_known"] = owner.cookies["comptroller_known"].value
    assert sign_in(other, "bob@example.com", PASSWORD).status_code == 429
    other.cookies["comptroller_known"] = f"{cast.bob.pk}:x:y"
    assert sign_in(other, "bob@example.com", PASSWORD).status_code == 429


def test_one_account_is_not_guessed_from_everywhere(cast: Cast, settings: Any) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    codes = []
    for n in range(54):
        options = {"HTTP_X_FORWARDED_FOR": f"203.0.113.{n}"}
        codes.append(sign_in(Client(), "alice@example.com", f"guess {n}", **options).status_code)
    assert codes[:50] == [200] * 50
    assert codes[50:] == [429] * 4


def test_many_accounts_are_not_guessed_from_one_address(cast: Cast) -> None:
    codes = [sign_in(Client(), f"person{n}@example.com", "guess").status_code for n in range(22)]
    assert codes[19:] == [200, 429, 429]


@pytest.mark.parametrize(("proxies", "header", "counted_together"), SEEN)
def test_the_address_is_the_one_that_the_proxy_saw(
    cast: Cast, settings: Any, proxies: int, header: str, counted_together: bool
) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    last = 0
    for n in range(7):
        last = sign_in(Client(), "alice@example.com", "no", HTTP_X_FORWARDED_FOR=header.format(n)).status_code
    assert (last == 429) is counted_together


def test_a_sign_in_that_succeeds_is_not_counted(cast: Cast) -> None:
    assert {sign_in(Client(), "alice@example.com", PASSWORD).status_code for _ in range(12)} == {302}


def test_links_are_not_asked_for_without_end(cast: Cast) -> None:
    for address in ("alice@example.com", "nobody@example.com"):
        codes = [Client().post(reverse("account_reset_password"), {"email": address}).status_code for _ in range(5)]
        assert codes == [302] * 4 + [429]
    assert Alert.objects.filter(kind="password_link").count() == 4


# ------------------------------------------------------------------------------ others


def test_the_products_own_account_is_nobodys(cast: Cast) -> None:
    system = User.objects.get(email="system@comptroller.invalid")
    system.set_password(PASSWORD)
    system.save()
    assert sign_in(Client(), system.email, PASSWORD).status_code == 200
    client = Client()
    client.force_login(system)
    assert client.get("/").status_code == 302
    assert client.get(reverse("admin:queue")).status_code == 302


def test_one_click_is_a_matter_of_the_demonstration(cast: Cast, settings: Any) -> None:
    address = reverse("account_act_as", args=[cast.alice.pk])
    assert Client().post(address).status_code == 404
    settings.IS_EMBEDDED = True
    assert Client().post(address).status_code == 404  # no demonstration is loaded
    assert Client().get(address).status_code in (404, 405)
    assert Client().get("/").status_code == 302


def test_nothing_else_of_the_library_is_there() -> None:
    for path in (
        "/accounts/",
        "/accounts/login/",
        "/signup/",
        "/accounts/signup/",
        "/accounts/email/",
        "/confirm-email/x/",
    ):
        assert Client().get(path).status_code == 404
