"""A register that holds what the facts refuse: a person looks, everybody can read why, and nothing is a 500."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from governance.channels import email as emails
from governance.models import (
    Alert,
    ApprovalStage,
    Assessment,
    Grant,
    Project,
    ProvisioningRequest,
    RoleAssignment,
    ShadowDecision,
    User,
)
from governance.policy.bundle.shipped import shipped_text
from governance.selectors.record import replay
from governance.services.rules import policies, policy_checks, shadow
from tests.cast import Cast, add_person, open_stage

Clients = Callable[[User | None], APIClient]
REQUESTS = "/api/v1/requests/"
WHY = "The start of the project cannot be read"


@pytest.fixture
def long_ago(cast: Cast) -> Cast:
    """A project that began before anything that the facts can say."""
    Project.objects.filter(pk=cast.project.pk).update(started_on=date(1700, 1, 1))
    add_person("kim", team=cast.root, roles=["administrator"], scope=cast.root, now=timezone.now())
    return cast


def test_it_goes_to_a_person_with_the_reason_and_is_granted_by_them(
    long_ago: Cast, client_of: Clients, ask: Callable[..., dict[str, Any]]
) -> None:
    alice = client_of(long_ago.alice)
    shown = alice.post(f"{REQUESTS}preview/", {"content": ask()})
    assert (shown.status_code, shown.data["outcome"]) == (200, "review")
    assert WHY in shown.data["unread"][0]
    made = alice.post(REQUESTS, {"content": ask(), "submit": True})
    assert (made.status_code, made.data["state"]) == (201, "in_review")
    assert WHY in made.data["assessment"]["unread"][0]
    assert "history.project_age_days" not in Assessment.objects.get().facts
    request = ProvisioningRequest.objects.get()

    # Everybody who opens it reads why.
    browser = Client()
    browser.force_login(long_ago.alice)
    assert WHY in browser.get(reverse("web:request_detail", args=[request.number])).content.decode()
    stage = open_stage(request)
    desk = Client()
    desk.force_login(long_ago.bob)
    assert WHY in desk.get(reverse("admin:decide", args=[stage.pk])).content.decode()

    # Whoever keeps projects is told, once.
    (alert,) = Alert.objects.filter(kind="register_unread", recipient__email="kim@example.com")
    mail = emails.compose(alert, now=timezone.now())
    assert request.reference in mail.subject
    assert WHY in str(mail.body)
    RoleAssignment.objects.filter(user__email="kim@example.com").update(valid_to=timezone.now())
    with pytest.raises(emails.Moot):
        emails.compose(alert, now=timezone.now())

    # The last check reads the register again, and the grant is issued by the person who looked.
    digest = made.data["revision"]["digest"]
    said = client_of(long_ago.bob).post(
        f"/api/v1/stages/{stage.pk}/decide/",
        {"verdict": "approve", "reason": "I know this project.", "revision_digest": digest},
    )
    assert said.status_code == 201, said.content
    assert Grant.objects.count() == 1
    assert [each.differences for each in replay.replay()] == [{}, {}]


def test_a_version_beside_it_and_the_form_read_the_same(
    long_ago: Cast, client_of: Clients, ask: Callable[..., dict[str, Any]]
) -> None:
    now = timezone.now()
    text = shipped_text("sustainability").replace("value: 250000.0", "value: 251000.0", 1)
    draft = policies.import_version(source=text, actor=long_ago.grace, now=now)
    policy_checks.test_version(version_id=draft.pk, actor=long_ago.grace, now=now)
    shadow.start_shadow(version_id=draft.pk, actor=long_ago.grace, now=now)
    alice = client_of(long_ago.alice)
    made = alice.post(REQUESTS, {"content": ask()})
    browser = Client()
    browser.force_login(long_ago.alice)
    number = made.data["number"]
    form = browser.get(reverse("web:request_edit", args=[number]), {"step": "review"})
    assert (form.status_code, WHY in form.content.decode()) == (200, True)
    assert alice.post(f"{REQUESTS}{number}/submit/").data["state"] == "in_review"
    row = ShadowDecision.objects.get()
    assert (row.error, row.outcome) == ("", "review")


def test_once_the_register_is_mended_the_next_request_is_judged_by_it(
    long_ago: Cast, client_of: Clients, ask: Callable[..., dict[str, Any]]
) -> None:
    Project.objects.filter(pk=long_ago.project.pk).update(started_on=date(2026, 1, 5))
    made = client_of(long_ago.alice).post(REQUESTS, {"content": ask(), "submit": True})
    assert (made.data["state"], made.data["assessment"]["unread"]) == ("granted", [])
    assert not Alert.objects.filter(kind="register_unread").exists()
    assert not ApprovalStage.objects.exists()
