"""The first page: what needs me, what waits for others, what runs, what I may use. And getting in."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

from django.db import OperationalError
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from governance.models import ApprovalStage, Budget, Delegation, Grant, ProvisioningRequest, Role, RoleAssignment
from governance.selectors.people.people import system_actor
from governance.services.requests import comments, withdrawal
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


def test_each_item_leads_to_where_one_acts(cast: Cast, browser_of: Browser) -> None:
    request = reading.waiting(cast)
    stage = ApprovalStage.objects.get(provisioning_request=request, state="open")
    assert f'href="{reverse("admin:decide", args=[stage.pk])}"' in needs(browser_of("bob"))
    reading.decide(cast, request, "reject", "No money left this year.")
    found = needs(browser_of("alice"))
    assert "Ablations was rejected" in found
    assert "clone it to revise" in found
    ProvisioningRequest.objects.filter(pk=request.pk).update(changed_at=timezone.now() - timedelta(days=15))
    assert "No action needed." in needs(browser_of("alice"))


def test_a_request_that_expired_is_its_requesters_again(cast: Cast, browser_of: Browser) -> None:
    request = reading.waiting(cast)
    withdrawal.expire_request(request_id=request.pk, actor=system_actor(), now=timezone.now() + timedelta(days=15))
    request.refresh_from_db()
    assert request.state == "expired"
    assert "Ablations expired" in needs(browser_of("alice"))


def test_a_comment_waits_for_its_answer_and_stands_once(cast: Cast, browser_of: Browser) -> None:
    request = reading.waiting(cast, title="Large lease")
    comments.add_comment(request_id=request.pk, actor=cast.bob, text="Which data is it?", now=timezone.now())
    html = browser_of("alice").get("/").content.decode()
    assert "Answer Bob: Large lease" in part(html, 'id="needs-you"', 'id="waiting"')
    assert "Which data is it?" in html
    assert "Large lease" not in part(html, 'id="waiting"', 'id="usable"'), "it waits for her, not for others"
    assert "1 item needs your attention" in " ".join(html.split())
    comments.add_comment(request_id=request.pk, actor=cast.alice, text="Public text only.", now=timezone.now())
    assert "Answer Bob" not in needs(browser_of("alice"))
    # Whoever asked has to decide it anyway: the one item says so.
    found = needs(browser_of("bob"))
    assert found.count("Large lease") == 1
    assert "Decide: Large lease" in found
    # Carol wrote as well and decides nothing here; without sight of it, nothing of it is shown.
    comments.add_comment(request_id=request.pk, actor=cast.carol, text="And until when?", now=timezone.now())
    comments.add_comment(request_id=request.pk, actor=cast.alice, text="Two weeks.", now=timezone.now())
    assert "Answer Alice: Large lease" in needs(browser_of("carol"))
    RoleAssignment.objects.filter(user=cast.carol).delete()
    assert "Large lease" not in browser_of("carol").get("/").content.decode()


def test_a_budget_forecast_over_its_limit_is_its_owners(cast: Cast, browser_of: Browser) -> None:
    start = timezone.now() - timedelta(days=90)
    Budget.objects.filter(pk=cast.budget.pk).update(spent_micro=cast.budget.limit_micro // 2, period_start=start)
    assert "is forecast over its limit" not in needs(browser_of("carol")), "somebody else answers for it"
    Budget.objects.filter(pk=cast.budget.pk).update(owner=cast.carol.person)
    found = needs(browser_of("carol"))
    assert "is forecast over its limit" in found
    assert reverse("web:budget_detail", args=["long-context"]) in found
    assert "Forecast at" in found
    for other in ("alice", "bob", "dave"):
        assert "forecast over" not in needs(browser_of(other))
    Budget.objects.filter(pk=cast.budget.pk).update(spent_micro=cast.budget.limit_micro)
    assert "has reached its limit" in needs(browser_of("carol"))
    # Without a named owner, whoever holds the role there.
    owner = add_person("olga", team=cast.team, roles=["budget_owner"], scope=cast.project, now=timezone.now())
    cast.users["olga"] = owner
    assert "has reached its limit" not in needs(browser_of("olga"))
    Budget.objects.filter(pk=cast.budget.pk).update(owner=None)
    assert "has reached its limit" in needs(browser_of("olga"))


def test_a_delegation_that_ends_soon_is_its_givers(cast: Cast, browser_of: Browser) -> None:
    now = timezone.now()
    role = Role.objects.get(slug="team_lead")
    given = {"delegator": cast.bob.person, "delegate": cast.frank.person, "role": role, "amount_micro_max": 10**12}
    first = Delegation.objects.create(
        **given, valid_from=now - timedelta(days=1), valid_to=now + timedelta(days=3), reason="leave"
    )
    page = reverse("admin:governance_delegation_change", args=[first.pk])
    assert page in needs(browser_of("bob"))
    assert "Your delegation to Frank ends" in needs(browser_of("bob"))
    assert browser_of("bob").get(page).status_code == 200
    assert "Your delegation" not in needs(browser_of("frank"))
    later = Delegation.objects.create(
        **given, valid_from=now + timedelta(days=2), valid_to=now + timedelta(days=30), reason="longer leave"
    )
    assert "Your delegation" not in needs(browser_of("bob")), "another one goes on from there"
    later.revoked_at = now
    later.save(update_fields=["revoked_at"])
    assert "Your delegation" in needs(browser_of("bob"))


def test_counts_are_those_of_the_lists(cast: Cast, browser_of: Browser) -> None:
    for number in range(12):
        reading.draft(cast, title=f"Thought {number}")
    html = " ".join(browser_of("alice").get("/").content.decode().split())
    assert "12 items need your attention" in html
    assert html.count("Finish or discard the draft") == 10
    assert "2 more requests of yours" in html


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
    activations.request_activation(version_id=version.pk, actor=cast.grace, reason="we spend too much", now=now)
    policy_exceptions.request_exception(
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
