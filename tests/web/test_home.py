"""The first page: what needs me, what waits for others, what runs, what I may use. And getting in."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

from django.db import OperationalError
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from governance.models import ApprovalStage, Delegation, Grant, Role
from governance.services.rules import acceptable_use, activations, policy_exceptions
from governance.web import errors
from tests.cast import PASSWORD, Cast, add_person
from tests.officers import ready_draft
from tests.web import reading

Browser = Callable[[str], Client]


def part(html: str, start: str, end: str) -> str:
    return html[html.index(start) : html.index(end)]


def needs(client: Client) -> str:
    return part(client.get("/").content.decode(), 'id="needs-you"', 'id="waiting"')


def test_what_needs_the_requester_comes_first(cast: Cast, browser_of: Browser) -> None:
    reading.draft(cast, title="Half a thought")
    reading.denied(cast, title="Bad idea")
    request = reading.waiting(cast, title="Too vague")
    reading.decide(cast, request, "changes", "Which data?")
    found = needs(browser_of("alice"))
    places = [
        found.index(words) for words in ("Changes requested: Too vague", "Bad idea was denied", "“Half a thought”")
    ]
    assert places == sorted(places)
    assert "No action needed." in needs(browser_of("heidi"))


def test_an_approver_finds_what_waits_with_its_money_and_its_due_time(cast: Cast, browser_of: Browser) -> None:
    request = reading.waiting(cast, title="Large lease", gpu_hours_cap=1_500.0)
    found = needs(browser_of("bob"))
    assert "Decide: Large lease" in found
    assert "1,500&nbsp;USD" in found
    assert "You decide as team lead" in found
    assert "Large lease" not in needs(browser_of("alice"))
    ApprovalStage.objects.filter(provisioning_request=request).update(due_at=timezone.now() - timedelta(hours=1))
    assert "Overdue" in needs(browser_of("bob"))


def test_somebody_who_stands_in_is_told_for_whom(cast: Cast, browser_of: Browser) -> None:
    reading.waiting(cast, title="Large lease")
    now = timezone.now()
    Delegation.objects.create(
        delegator=cast.bob.person, delegate=cast.heidi.person, role=Role.objects.get(slug="team_lead"),
        amount_micro_max=10**12, valid_from=now - timedelta(days=1), valid_to=now + timedelta(days=6), reason="leave",
    )  # fmt: skip
    assert "as delegate of Bob" in needs(browser_of("heidi"))
    waiting = part(browser_of("alice").get("/").content.decode(), 'id="waiting"', 'id="usable"')
    assert "Heidi (delegate of Bob)" in waiting


def test_running_grants_and_usable_budgets_are_shown(cast: Cast, browser_of: Browser) -> None:
    grant = reading.granted(cast, title="Small lease")
    Grant.objects.filter(pk=grant.pk).update(ends_at=timezone.now() + timedelta(days=60))
    html = browser_of("alice").get("/").content.decode()
    assert "Small lease</a>" in part(html, 'id="running"', "<footer")
    usable = part(html, 'id="usable"', 'id="running"')
    assert "Long context" in usable
    assert "Organisation, the level above" in usable
    assert "/budgets/long-context/" not in usable
    assert "/budgets/long-context/" in browser_of("bob").get("/").content.decode()


def test_the_answer_at_once_is_read_from_the_active_policy(cast: Cast, browser_of: Browser) -> None:
    reading.granted(cast, gpu_hours_cap=142.0)
    html = browser_of("alice").get("/").content.decode()
    assert "Up to 2,500&nbsp;USD is usually approved automatically." in html
    assert "Lease of accelerators in Long context: you have used 142 of 2,500&nbsp;USD" in " ".join(html.split())


# -------------------------------------------------------------------------- getting in


def test_signing_in_leads_to_the_page_that_was_asked_for(cast: Cast) -> None:
    client = Client()
    asked = client.get("/budgets/")
    assert asked["Location"] == f"{reverse('web:login')}?next=/budgets/"
    data = {"username": "Alice@Example.com", "password": PASSWORD, "next": "/budgets/"}
    answer = client.post(reverse("web:login"), data)
    assert answer["Location"] == "/budgets/"
    elsewhere = Client().post(reverse("web:login"), data | {"next": "https://evil.example/"})
    assert elsewhere["Location"] == "/"


def test_every_wrong_sign_in_gets_the_same_answer(cast: Cast) -> None:
    cast.dave.person.is_active = False
    cast.dave.person.save(update_fields=["is_active"])
    cast.erin.is_service_account = True
    cast.erin.save(update_fields=["is_service_account"])
    texts = set()
    for username, password in (
        ("alice@example.com", "wrong"),
        ("nobody@example.com", PASSWORD),
        ("dave@example.com", PASSWORD),
        ("erin@example.com", PASSWORD),
    ):
        answer = Client().post(reverse("web:login"), {"username": username, "password": password})
        assert answer.status_code == 200
        note = re.search(r'role="alert"><p>([^<]*)', answer.content.decode())
        assert note is not None
        texts.add(note[1])
    assert len(texts) == 1


def test_an_account_that_is_switched_off_is_out_at_once(cast: Cast, browser_of: Browser) -> None:
    client = browser_of("alice")
    assert client.get("/").status_code == 200
    cast.alice.person.is_active = False
    cast.alice.person.save(update_fields=["is_active"])
    assert client.get("/").status_code == 302


def test_signing_out_takes_a_post(cast: Cast, browser_of: Browser) -> None:
    client = browser_of("alice")
    assert client.get(reverse("web:logout")).status_code == 405
    assert client.post(reverse("web:logout"))["Location"] == reverse("web:login")
    assert client.get("/").status_code == 302


def test_no_accounts_are_listed_outside_the_demonstration(cast: Cast) -> None:
    html = Client().get(reverse("web:login")).content.decode()
    assert "Demonstration accounts" not in html
    assert "@example.com" not in html


# ------------------------------------------------------------------------------ faults


def test_a_database_that_does_not_answer_is_a_503_without_asking_it() -> None:
    # No database fixture: a query would fail the test.
    request = RequestFactory().get("/")
    try:
        raise OperationalError("connection refused")
    except OperationalError:
        answer = errors.server_error(request)
    assert answer.status_code == 503
    assert answer["Retry-After"]
    try:
        raise ValueError("a fault")
    except ValueError:
        answer = errors.server_error(request)
    assert answer.status_code == 500
    assert b"Something went wrong on our side" in answer.content


def test_a_second_officer_is_told_what_waits_for_them(cast: Cast, browser_of: Browser) -> None:
    now = timezone.now()
    cast.users["judy"] = add_person("judy", team=cast.root, roles=["policy_officer"], scope=cast.root, now=now)
    version = ready_draft(actor=cast.grace, now=now)
    activations.ask_activation(version_id=version.pk, actor=cast.grace, reason="we spend too much", now=now)
    policy_exceptions.ask_exception(
        rule_id="SU-1.footprint", reason="a pilot", valid_to=now + timedelta(days=9), team=cast.team,
        actor=cast.grace, now=now,
    )  # fmt: skip
    acceptable_use.publish_version(
        slug="compute", actor=cast.grace, text="1. Say what is true.", clauses=[], effective_from=None,
        consent_due=now + timedelta(days=10), now=now,
    )  # fmt: skip
    found = needs(browser_of("judy"))
    for title in ("Activate ", "Exception from SU-1.footprint for Research", "Publish a version of House rules"):
        assert title in found
    assert reverse("admin:governance_policyversion_change", args=[version.pk]) in found
    queue = browser_of("judy").get(reverse("admin:queue")).content.decode()
    assert "3 items await your approval" in " ".join(queue.split())
    # Whoever asked does not answer, and legal publishes statements only.
    assert "Activate " not in needs(browser_of("grace"))
    assert "Activate " not in needs(browser_of("frank"))
    assert "Publish a version of House rules" in needs(browser_of("frank"))
    assert "Nothing to decide" in browser_of("erin").get(reverse("admin:queue")).content.decode()
