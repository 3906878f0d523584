"""Case F01 on the API: what a request names is its requester's to name; and a delegate decides here as on the desk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from governance.models import (
    ApprovalDecision,
    Delegation,
    Grant,
    ProvisioningRequest,
    Role,
    RoleAssignment,
)
from governance.services.approvals import delegations
from governance.services.requests import submission
from tests.cast import Cast, granted_elsewhere, open_stage, reviewed
from tests.house import fingerprint

Ask = Callable[..., dict[str, Any]]
ClientOf = Callable[..., APIClient]


@pytest.fixture
def foreign(cast: Cast) -> Grant:
    """A well used grant of another team, and a lineage there; alice is answered 404 for both."""
    return granted_elsewhere(cast, now=timezone.now())


def create_and_submit(client: APIClient, asked: dict[str, Any]) -> Any:
    return client.post("/api/v1/requests/", {"content": asked, "submit": True}, format="json")


def preview(client: APIClient, asked: dict[str, Any]) -> Any:
    return client.post("/api/v1/requests/preview/", {"content": asked}, format="json")


def submit(client: APIClient, asked: dict[str, Any]) -> Any:
    made = client.post("/api/v1/requests/", {"content": asked}, format="json").json()
    return client.post(f"/api/v1/requests/{made['number']}/submit/", {}, format="json")


CALLS: dict[str, Callable[[APIClient, dict[str, Any]], Any]] = {
    "ask at once": create_and_submit, "preview": preview, "submit": submit,
}  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kind", ["renewal", "top_up", "change", "transfer", "new"])
def test_a_foreign_grant_is_answered_like_a_missing_one(
    cast: Cast, client_of: ClientOf, ask: Ask, foreign: Grant, call: str, kind: str
) -> None:
    client = client_of(cast.alice)
    assert client.get(f"/api/v1/grants/{foreign.number}/").status_code == 404
    strange, missing = (
        CALLS[call](client, ask(kind=kind, related_grant=reference, gpu_hours_cap=16_000.0))
        for reference in (foreign.reference, "G-9999")
    )
    assert strange.status_code == missing.status_code == 400
    assert strange.content.replace(foreign.reference.encode(), b"G-9999") == missing.content
    assert set(missing.json()["errors"]) == {"related_grant"}
    assert Grant.objects.count() == 1


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("field", "strange_name", "missing_name"),
    [("lineage", "aurora", "aurore"), ("project", "sharp-eyes", "sharp-ears")],
)
def test_foreign_names_are_answered_like_missing_ones(
    cast: Cast, client_of: ClientOf, ask: Ask, foreign: Grant, call: str, field: str, strange_name: str,
    missing_name: str,
) -> None:  # fmt: skip
    client = client_of(cast.alice)
    strange, missing = (CALLS[call](client, ask(**{field: name})) for name in (strange_name, missing_name))
    assert strange.status_code == missing.status_code == 400
    assert strange.content.replace(strange_name.encode(), missing_name.encode()) == missing.content


def test_a_saved_draft_shows_no_foreign_project(cast: Cast, client_of: ClientOf, ask: Ask, foreign: Grant) -> None:
    client = client_of(cast.alice)
    for slug in ("sharp-eyes", "sharp-ears"):
        made = client.post("/api/v1/requests/", {"content": ask(project=slug)}, format="json")
        assert (made.status_code, made.json()["project"]) == (201, None)
        saved = client.put(f"/api/v1/requests/{made.json()['number']}/", {"content": ask(project=slug)}, format="json")
        assert (saved.status_code, saved.json()["project"]) == (200, None)


# ------------------------------------------------------------------------------ delegates


@pytest.fixture
def stood_in_for(cast: Cast) -> ProvisioningRequest:
    """Dave, who sees nothing of the team, stands in for bob."""
    now = timezone.now()
    days = {"start_on": now.date().isoformat(), "end_on": (now.date() + timedelta(days=13)).isoformat()}
    request = submission.create_and_submit(actor=cast.alice, content=reviewed(**days), now=now)
    delegations.give_delegation(
        actor=cast.bob, delegator=cast.bob.person, delegate=cast.dave.person, role=Role.objects.get(slug="team_lead"),
        amount_micro_max=10**10, valid_from=now, valid_to=now + timedelta(days=3), reason="on leave", now=now,
    )  # fmt: skip
    return request


def said(client: APIClient, request: ProvisioningRequest, digest: str) -> Any:
    stage = open_stage(request)
    body = {"verdict": "approve", "reason": "Fine by me.", "revision_digest": digest}
    return client.post(f"/api/v1/stages/{stage.pk}/decide/", body, format="json")


def test_a_delegate_reads_and_decides_what_they_stand_in_for(
    cast: Cast, client_of: ClientOf, stood_in_for: ProvisioningRequest
) -> None:
    client, address = client_of(cast.dave), f"/api/v1/requests/{stood_in_for.number}/"
    read = client.get(address)
    assert read.status_code == 200
    assert client.get(f"{address}comments/").status_code == 200
    assert said(client, stood_in_for, read.json()["revision"]["digest"]).status_code == 201
    decision = ApprovalDecision.objects.get()
    assert (decision.person, decision.for_person) == (cast.dave.person, cast.bob.person)
    # What they decided stays theirs to read, as on the desk.
    assert client.get(address).status_code == 200


@pytest.mark.parametrize("ended", ["revoked", "over", "never given"])
def test_whoever_stands_in_no_more_is_answered_like_for_a_missing_one(
    cast: Cast, client_of: ClientOf, stood_in_for: ProvisioningRequest, ended: str
) -> None:
    now = timezone.now()
    match ended:
        case "revoked":
            Delegation.objects.update(revoked_at=now)
        case "over":
            Delegation.objects.update(valid_from=now - timedelta(days=2), valid_to=now - timedelta(days=1))
        case _:
            Delegation.objects.all().delete()
    client, before = client_of(cast.dave), fingerprint()
    stage = open_stage(stood_in_for)
    body = {"verdict": "approve", "reason": "Fine by me.", "revision_digest": stage.revision.digest}
    for strange, missing in (
        (client.get(f"/api/v1/requests/{stood_in_for.number}/"), client.get("/api/v1/requests/987654/")),
        (
            client.post(f"/api/v1/stages/{stage.pk}/decide/", body, format="json"),
            client.post("/api/v1/stages/987654/decide/", body, format="json"),
        ),
    ):
        assert strange.status_code == missing.status_code == 404
        assert strange.content == missing.content
    assert fingerprint() == before


def test_a_delegate_beyond_the_amount_reads_nothing(
    cast: Cast, client_of: ClientOf, stood_in_for: ProvisioningRequest
) -> None:
    Delegation.objects.update(amount_micro_max=(stood_in_for.exposure_micro or 0) - 1)
    assert client_of(cast.dave).get(f"/api/v1/requests/{stood_in_for.number}/").status_code == 404


def test_a_colleague_who_sees_it_without_the_role_is_told_so(
    cast: Cast, client_of: ClientOf, stood_in_for: ProvisioningRequest
) -> None:
    answer = said(client_of(cast.erin), stood_in_for, open_stage(stood_in_for).revision.digest)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    RoleAssignment.objects.filter(user=cast.erin).delete()
    assert said(client_of(cast.erin), stood_in_for, "0" * 64).status_code == 404
