"""What callers and stored rows said before 1.0 is read; answers have the present names."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from governance.domain.record.canonical import digest
from governance.domain.requests.parse import RequestContent
from governance.models import Grant, JobRun, ProvisioningRequest
from governance.services.requests import submission
from governance.services.rules import replays
from tests.cast import Cast, open_stage
from tests.unit.domain.requests.test_spelling import in_earlier_names

REQUESTS, ESTIMATES, COMPARE = "/api/v1/requests/", "/api/v1/estimates/", "/api/v1/estimates/compare/"


@pytest.fixture
def stored(cast: Cast, ask: Any, monkeypatch: pytest.MonkeyPatch) -> ProvisioningRequest:
    """A request in review as an earlier version wrote it."""
    write = RequestContent.to_content
    with monkeypatch.context() as earlier:
        earlier.setattr(RequestContent, "to_content", lambda content: in_earlier_names(write(content)))
        return submission.create_and_submit(actor=cast.alice, content=ask(accelerator_count=16), now=timezone.now())


def test_a_draft_under_the_earlier_name_is_answered_under_the_present_one(cast: Cast, client_of: Any, ask: Any) -> None:
    alice = client_of(cast.alice)
    sent = in_earlier_names(ask())
    made = alice.post(REQUESTS, {"content": sent})
    assert made.status_code == 201, made.data
    url = f"{REQUESTS}{made.data['number']}/"
    read = alice.get(url).data["content"]
    assert (read["sizing"], read["schema"], "ask" in read) == ("cap", 2, False)
    saved = alice.put(url, {"content": sent | {"title": "Better"}})
    assert (saved.status_code, saved.data["content"]["sizing"]) == (200, "cap")
    assert alice.post(f"{url}submit/").data["state"] == "granted"
    both = alice.post(REQUESTS, {"content": sent | {"sizing": "cap"}, "submit": True})
    assert (both.status_code, both.data["code"], set(both.data["errors"])) == (400, "invalid_request", {"ask"})
    assert alice.post(f"{REQUESTS}preview/", {"content": sent}).status_code == 200


@pytest.mark.parametrize("address", [ESTIMATES, COMPARE])
def test_an_estimate_reads_either_name(cast: Cast, client_of: Any, address: str) -> None:
    alice = client_of(cast.alice)
    asked = {"workload": "lease", "accelerator": "h100-sxm5-80gb", "gpu_hours_cap": 10}
    present, earlier = (alice.post(address, asked | {name: "cap"}) for name in ("sizing", "ask"))
    assert present.status_code == earlier.status_code == 200
    assert present.data == earlier.data
    both = alice.post(address, asked | {"sizing": "cap", "ask": "work"})
    assert (both.status_code, set(both.data["errors"])) == (400, {"ask"})


def test_a_stored_revision_is_shown_decided_and_replayed(
    cast: Cast, client_of: Any, stored: ProvisioningRequest
) -> None:
    revision = stored.revisions.get()
    assert digest(revision.content) == revision.digest
    shown = client_of(cast.alice).get(f"{REQUESTS}{stored.number}/").data
    assert (shown["content"]["sizing"], shown["revision"]["digest"]) == ("cap", revision.digest)
    said = client_of(cast.bob).post(
        f"/api/v1/stages/{open_stage(stored).pk}/decide/",
        {"verdict": "approve", "reason": "fine", "revision_digest": revision.digest},
    )
    assert said.status_code == 201, said.data
    assert Grant.objects.get().revision_id == revision.pk
    revision.refresh_from_db()
    assert (digest(revision.content), revision.content["ask"]) == (revision.digest, "cap")
    assert replays.replay_sample(now=timezone.now()) == 2
    run = JobRun.objects.get(name="replay_sample")
    assert (run.state, run.result["differing"]) == ("done", 0)


def test_a_stored_draft_is_opened_cloned_and_submitted_again(
    cast: Cast, client_of: Any, stored: ProvisioningRequest
) -> None:
    browser = Client()
    browser.force_login(cast.alice)
    page = browser.get(f"/requests/{stored.number}/edit/?step=workload").content.decode()
    assert 'name="sizing" value="cap" checked' in " ".join(page.split())
    alice = client_of(cast.alice)
    sent = alice.get(f"{REQUESTS}{stored.number}/").data["content"]
    assert alice.put(f"{REQUESTS}{stored.number}/", {"content": sent}).status_code == 200
    again = alice.post(f"{REQUESTS}{stored.number}/submit/")
    assert (again.status_code, again.data["state"]) == (200, "in_review")
    first, second = stored.revisions.order_by("number")
    assert (first.content["ask"], second.content["sizing"]) == ("cap", "cap")
    assert first.digest != second.digest
