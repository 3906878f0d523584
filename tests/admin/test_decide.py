"""The decision page: it shows what the decision rests on, decides once, and refuses in place."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from governance.models import (
    AcceptableUseVersion,
    ApprovalDecision,
    ApprovalStage,
    AuditEvent,
    Grant,
    PolicyVersion,
    ProvisioningRequest,
    RoleAssignment,
    User,
)
from governance.selectors.approvals import approvals as reading
from governance.services.approvals import delegations
from governance.services.register import catalogue
from governance.services.requests import comments, drafts, submission
from governance.services.rules import policies
from tests.admin.conftest import signed_in
from tests.cast import Cast, add_person, open_stage, reviewed, submitted
from tests.house import fingerprint
from tests.officers import put_in_force

pytestmark = pytest.mark.django_db

REASON = "needed for the January release"


@pytest.fixture
def cast(house_cast: Cast) -> Cast:
    return house_cast


def ask(cast: Cast, now: datetime, **changes: Any) -> ProvisioningRequest:
    days = {"start_on": now.date().isoformat(), "end_on": (now.date() + timedelta(days=13)).isoformat()}
    return submitted(cast, now=now, **(days | changes))


def address(stage: ApprovalStage) -> str:
    return reverse("admin:decide", args=[stage.pk])


def pins(stage: ApprovalStage) -> dict[str, str]:
    found = reading.pins_now(stage.revision)
    return {
        "revision_digest": found.revision_digest,
        "policy_digest": found.policy_digest,
        "catalogue_digest": found.catalogue_digest,
    }


def say(client: Client, stage: ApprovalStage, verdict: str = "approve", **changes: str) -> Any:
    return client.post(address(stage), {"verdict": verdict, "reason": REASON, **pins(stage), **changes})


def test_the_page_shows_what_the_decision_rests_on(cast: Cast, now: datetime) -> None:
    stage = open_stage(ask(cast, now, gpu_hours_cap=5000.0))
    page = signed_in(cast.bob).get(address(stage)).content.decode()
    for expected in (
        "assessed at 5,000", "Compare two attention variants", "AL-2", "2,500", "Headroom", "Long context",
        stage.revision.digest[:4], "Your decision", "Team lead", "Alice", "Yours is the final approval",
    ):  # fmt: skip
        assert expected in page


def test_a_yes_is_recorded_and_the_grant_is_issued(cast: Cast, now: datetime) -> None:
    stage = open_stage(ask(cast, now))
    answer = say(signed_in(cast.bob), stage)
    assert answer.status_code == 302
    decision = ApprovalDecision.objects.get()
    assert (decision.person, decision.verdict, decision.reason) == (cast.bob.person, "approve", REASON)
    assert Grant.objects.count() == 1
    page = signed_in(cast.bob).get(reverse("admin:decided")).content.decode()
    assert REASON in page


@pytest.mark.parametrize(("verdict", "state"), [("reject", "rejected"), ("changes", "changes_requested")])
def test_a_no_or_a_wish_ends_the_review(cast: Cast, now: datetime, verdict: str, state: str) -> None:
    request = ask(cast, now)
    assert say(signed_in(cast.bob), open_stage(request), verdict).status_code == 302
    request.refresh_from_db()
    assert request.state == state


def test_reading_changes_nothing(cast: Cast, now: datetime) -> None:
    stage = open_stage(ask(cast, now))
    client = signed_in(cast.bob)
    before = fingerprint()
    for method in (client.get, client.head):
        assert method(address(stage), {"verdict": "approve", "reason": REASON, **pins(stage)}).status_code == 200
    client.options(address(stage))
    assert fingerprint() == before


def test_two_posts_decide_once(cast: Cast, now: datetime) -> None:
    request = ask(cast, now)
    stage = open_stage(request)
    client = signed_in(cast.bob)
    values = {"verdict": "approve", "reason": REASON, **pins(stage)}
    assert client.post(address(stage), values).status_code == 302
    second = client.post(address(stage), values)
    assert second.status_code == 409
    assert ApprovalDecision.objects.count() == 1
    assert Grant.objects.count() == 1


def test_a_post_without_the_token_is_refused(cast: Cast, now: datetime) -> None:
    stage = open_stage(ask(cast, now))
    assert say(signed_in(cast.bob, enforce_csrf_checks=True), stage).status_code == 403
    assert not ApprovalDecision.objects.exists()


def test_a_moved_request_says_so_and_keeps_the_reason(cast: Cast, now: datetime) -> None:
    request = ask(cast, now)
    stage = open_stage(request)
    seen = pins(stage)
    content = reviewed(
        start_on=now.date().isoformat(), end_on=(now.date() + timedelta(days=13)).isoformat(), gpu_hours_cap=900.0
    )
    drafts.save_draft(request_id=request.pk, actor=cast.alice, content=content, now=now)
    submission.submit_request(request_id=request.pk, actor=cast.alice, now=now)
    client = signed_in(cast.bob)
    before = fingerprint()
    answer = client.post(address(stage), {"verdict": "approve", "reason": REASON, **seen})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "changed while you read" in page
    assert REASON in page
    assert "GPU-hours cap" in page
    assert address(open_stage(request)) in page
    assert fingerprint() == before


def test_a_policy_that_moved_asks_again(cast: Cast, now: datetime) -> None:
    stage = open_stage(ask(cast, now))
    seen = pins(stage)
    active = PolicyVersion.objects.get(state="active", policy_set__slug="sustainability")
    changed = active.source.replace("value: 250000.0", "value: 251000.0", 1)
    assert changed != active.source
    version = policies.import_version(source=changed, actor=cast.grace, now=now)
    put_in_force(version, actor=cast.grace, now=now)
    answer = signed_in(cast.bob).post(address(stage), {"verdict": "approve", "reason": REASON, **seen})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "another policy version came into force" in page
    assert REASON in page
    assert not ApprovalDecision.objects.exists()
    # The page that was shown carries the new pins: saying it again is enough.
    assert say(signed_in(cast.bob), stage).status_code == 302


def test_a_catalogue_that_moved_asks_again(cast: Cast, now: datetime) -> None:
    from decimal import Decimal

    stage = open_stage(ask(cast, now))
    seen = pins(stage)
    catalogue.publish_own_price(
        actor=cast.carol, provider="coreweave", accelerator="h100-sxm5-80gb", price_term="spot",
        usd_per_gpu_hour=Decimal("0.90"), effective_from=now.date(), source="contract 7", now=now,
    )  # fmt: skip
    answer = signed_in(cast.bob).post(address(stage), {"verdict": "approve", "reason": REASON, **seen})
    assert answer.status_code == 409
    assert "newer catalogue release" in answer.content.decode()
    assert not ApprovalDecision.objects.exists()


@pytest.mark.parametrize("reason", ["", "  ", "no", "x" * 5000, "hidden \u202e text", "nul \x00"])
def test_a_decision_without_a_reason_is_refused_in_place(cast: Cast, now: datetime, reason: str) -> None:
    stage = open_stage(ask(cast, now))
    answer = say(signed_in(cast.bob), stage, reason=reason)
    assert answer.status_code == 400
    assert "Your decision" in answer.content.decode()
    assert not ApprovalDecision.objects.exists()


def test_an_unknown_verdict_is_refused(cast: Cast, now: datetime) -> None:
    stage = open_stage(ask(cast, now))
    assert say(signed_in(cast.bob), stage, "maybe").status_code == 400
    assert not ApprovalDecision.objects.exists()


def test_ones_own_ask_is_somebody_elses_to_decide(cast: Cast, now: datetime) -> None:
    request = ask(cast, now, who="bob") if "bob" in cast.users else None
    assert request is not None
    stage = ApprovalStage.objects.filter(provisioning_request=request, state="open").first()
    assert stage is not None
    client = signed_in(cast.bob)
    page = client.get(address(stage)).content.decode()
    assert "somebody else decides" in page
    answer = say(client, stage)
    assert answer.status_code == 403
    assert REASON in answer.content.decode()
    assert not ApprovalDecision.objects.exists()


def test_a_person_without_the_role_reads_and_does_not_decide(cast: Cast, now: datetime) -> None:
    stage = open_stage(ask(cast, now))
    client = signed_in(cast.grace)
    assert "You cannot decide this" in client.get(address(stage)).content.decode()
    answer = say(client, stage)
    assert answer.status_code == 403
    assert not ApprovalDecision.objects.exists()


def test_an_auditor_reads_and_does_not_decide(cast: Cast, now: datetime) -> None:
    stage = open_stage(ask(cast, now))
    client = signed_in(cast.erin)
    assert client.get(address(stage)).status_code == 200
    assert say(client, stage).status_code == 403
    assert not ApprovalDecision.objects.exists()


def test_a_superuser_does_not_decide(cast: Cast, now: datetime) -> None:
    stage = open_stage(ask(cast, now))
    root = User.objects.create_superuser(email="root@example.com", password="correct horse battery")
    client = signed_in(root)
    assert client.get(address(stage)).status_code == 200
    assert say(client, stage).status_code == 403
    assert not ApprovalDecision.objects.exists()


def test_a_stranger_does_not_learn_that_it_exists(cast: Cast, now: datetime) -> None:
    stage = open_stage(ask(cast, now))
    User.objects.filter(pk=cast.dave.pk).update(is_staff=True)
    client = signed_in(User.objects.get(pk=cast.dave.pk))
    hidden, missing = client.get(address(stage)), client.get(reverse("admin:decide", args=[987654]))
    assert hidden.status_code == missing.status_code == 404
    assert say(client, stage).status_code == 404


def test_somebody_outside_the_desk_is_sent_away(cast: Cast, now: datetime) -> None:
    stage = open_stage(ask(cast, now))
    assert Client().get(address(stage)).status_code == 302
    requester = signed_in(cast.alice)
    answer = requester.get(address(stage), follow=False)
    assert answer.status_code in (302, 404)
    assert say(requester, stage).status_code in (302, 404)
    assert not ApprovalDecision.objects.exists()


def test_a_delegate_decides_and_both_are_recorded(cast: Cast, now: datetime) -> None:
    request = ask(cast, now)
    stage = open_stage(request)
    nils = add_person("nils", team=cast.root, roles=[], now=now)
    delegations.give_delegation(
        actor=cast.bob, delegator=cast.bob.person, delegate=nils.person, role=stage.role, amount_micro_max=10**10,
        valid_from=now, valid_to=now + timedelta(days=3), reason="on leave", now=now,
    )  # fmt: skip
    nils.refresh_from_db()
    client = signed_in(nils)
    assert "delegated it to you" in client.get(address(stage)).content.decode()
    assert say(client, stage).status_code == 302
    decision = ApprovalDecision.objects.get()
    assert (decision.person, decision.for_person) == (nils.person, cast.bob.person)


def test_a_role_taken_away_between_reading_and_deciding_counts(cast: Cast, now: datetime) -> None:
    stage = open_stage(ask(cast, now))
    client = signed_in(cast.bob)
    assert client.get(address(stage)).status_code == 200
    RoleAssignment.objects.filter(user=cast.bob).update(valid_to=now)
    assert say(client, stage).status_code in (403, 404)
    assert not ApprovalDecision.objects.exists()


def test_words_of_people_are_escaped(cast: Cast, now: datetime) -> None:
    request = ask(cast, now, title="<script>alert(1)</script>", justification="<img src=x onerror=alert(1)>")
    stage = open_stage(request)
    comments.add_comment(request_id=request.pk, actor=cast.alice, text="<b>bold</b>", now=now)
    page = signed_in(cast.bob).get(address(stage)).content.decode()
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "<b>bold</b>" not in page


def test_queries_do_not_grow_with_what_was_said(cast: Cast, now: datetime, django_assert_max_num_queries: Any) -> None:
    request = ask(cast, now)
    stage = open_stage(request)
    for number in range(30):
        comments.add_comment(request_id=request.pk, actor=cast.alice, text=f"remark {number}", now=now)
    client = signed_in(cast.bob)
    client.get(address(stage))
    with django_assert_max_num_queries(35):
        assert client.get(address(stage)).status_code == 200
    for _ in range(3):
        ask(cast, now)
    with django_assert_max_num_queries(35):
        assert client.get(address(stage)).status_code == 200
    assert AuditEvent.objects.exists()
    assert AcceptableUseVersion.objects.exists()
