"""What each mail says: one fact, one link, figures as pages write them, and nothing that a reader could be lured by."""

from __future__ import annotations

import re
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest

from governance import emails
from governance.domain.prose import NBSP
from governance.emails.letters import Moot, quoted, unlinked
from governance.models import Alert, ApprovalStage, Delegation, Person, ProvisioningRequest, Role, RoleAssignment
from governance.services import alerts, approvals, provisioning, sweeps
from tests import cast as casting
from tests.cast import NOW, Cast, content, open_stage, submitted

LINK = re.compile(r"https?://[^\s\"'<>)]+")


@pytest.fixture
def cast(db: None) -> Cast:
    return casting.assemble()


def written(kind: str, name: str, *, now: Any = NOW) -> EmailMessage:
    """The mail of a kind to somebody, as it would leave now."""
    alert = Alert.objects.select_related("recipient").get(kind=kind, recipient__name=name)
    return emails.compose(alert, now=now).message()  # type: ignore[return-value]


def text_of(message: Any) -> str:
    return (
        next(part for part in message.walk() if part.get_content_type() == "text/plain")
        .get_payload(decode=True)
        .decode()
    )


def html_of(message: Any) -> str:
    return (
        next(part for part in message.walk() if part.get_content_type() == "text/html")
        .get_payload(decode=True)
        .decode()
    )


def subject_of(message: Any) -> str:
    from email.header import decode_header, make_header

    return re.sub(r"\s+", " ", str(make_header(decode_header(message["Subject"]))))


def decide(request: ProvisioningRequest, cast: Cast, who: str, verdict: str, reason: str, *, now: Any = NOW) -> None:
    stage = open_stage(request)
    approvals.decide(
        stage_id=stage.pk, actor=cast.users[who], verdict=verdict, reason=reason,
        revision_digest=stage.revision.digest, now=now,
    )  # fmt: skip


def everything(cast: Cast) -> list[Alert]:
    """One mail of every kind that a request can cause, and a digest."""
    late = NOW + timedelta(days=6)
    first = submitted(cast, title="First")
    sweeps.remind_stages(now=late)
    answered = submitted(cast, title="Second")
    decide(answered, cast, "bob", "reject", "Use the pool: it is idle until March.")
    wanted = submitted(cast, title="Third")
    decide(wanted, cast, "bob", "changes", "Which checkpoint do you start from?")
    granted = submitted(cast, title="Fourth")
    decide(granted, cast, "bob", "approve", "Fits the plan.")
    provisioning.ask_at_once(actor=cast.alice, content=content(purpose="social_scoring"), now=NOW)
    provisioning.expire_request(request_id=first.pk, actor=cast.alice, now=NOW + timedelta(days=15))
    alerts.enqueue("digest", subject="day", recipients=[cast.alice.person_id], now=NOW)
    return list(Alert.objects.select_related("recipient").order_by("pk"))


def test_every_mail_has_text_and_html_and_exactly_one_link_to_our_own_site(cast: Cast, settings: Any) -> None:
    seen = set()
    for alert in everything(cast):
        try:
            message = emails.compose(alert, now=NOW).message()
        except Moot:
            continue
        seen.add(alert.kind)
        for body in (text_of(message), html_of(message)):
            links = LINK.findall(body)
            assert len(links) == 1, (alert.kind, links)
            assert links[0].startswith(settings.SITE_URL + "/")
        assert html_of(message).count("<a ") == 1
        assert "<script" not in html_of(message)
        assert " " not in message["Message-ID"]
        assert message["Message-ID"] == alert.message_id
        assert message["Auto-Submitted"] == "auto-generated"
    assert seen >= {"request_rejected", "changes_wanted", "grant_issued", "request_denied", "request_expired", "digest"}


def test_the_mails_of_one_request_stand_in_one_thread(cast: Cast) -> None:
    request = submitted(cast)
    opened = written("stage_opened", "Bob")
    decide(request, cast, "bob", "approve", "Fits the plan.")
    ready = written("grant_issued", "Alice")
    other = submitted(cast, title="Another")
    elsewhere = emails.compose(Alert.objects.filter(provisioning_request=other).first(), now=NOW).message()  # type: ignore[arg-type]
    assert opened["References"] == ready["References"] == ready["In-Reply-To"]
    assert opened["References"] != elsewhere["References"]


def test_mail_1_says_what_it_costs_what_is_left_and_why_this_reader(cast: Cast) -> None:
    submitted(cast, title="Ablations")
    message = written("stage_opened", "Bob")
    assert subject_of(message) == "Decide by Wed 3 Jun: 1,000 USD, 1,000 H100-hours, Long context (Alice)"
    text = text_of(message)
    first = text.splitlines()[0]
    assert first.startswith("REQ-0001 · Decide by Wed")
    assert f"1,000{NBSP}USD for Long context" in first
    assert f"16{NBSP}×{NBSP}H100 at CoreWeave" in text
    assert f"Headroom after: Long context 19{NBSP}k of 20{NBSP}k{NBSP}USD" in text
    assert "You get this because you are team lead for Long context." in text
    assert "/admin/" in LINK.findall(text)[0]


def test_mail_1_goes_to_a_delegate_who_learns_for_whom(cast: Cast) -> None:
    Delegation.objects.create(
        delegator=cast.bob.person, delegate=cast.dave.person, role=Role.objects.get(slug="team_lead"),
        amount_micro_max=10**12, valid_from=NOW - timedelta(days=1), valid_to=NOW + timedelta(days=7), reason="away",
    )  # fmt: skip
    submitted(cast)
    assert "because Bob delegated decisions as team lead to you" in text_of(written("stage_opened", "Dave"))


def test_mail_1_is_moot_once_the_stage_is_decided_or_the_reader_lost_the_role(cast: Cast) -> None:
    request = submitted(cast)
    alert = Alert.objects.select_related("recipient").get(kind="stage_opened", recipient__name="Bob")
    RoleAssignment.objects.filter(user=cast.bob, role__slug="team_lead").update(valid_to=NOW - timedelta(hours=1))
    with pytest.raises(Moot, match="may not decide"):
        emails.compose(alert, now=NOW)
    RoleAssignment.objects.filter(user=cast.bob).update(valid_to=None)
    decide(request, cast, "bob", "approve", "Fits the plan.")
    with pytest.raises(Moot, match="stage was closed"):
        emails.compose(alert, now=NOW)


def test_mail_2_after_a_rule_names_the_rule_and_the_nearest_ask(cast: Cast) -> None:
    provisioning.ask_at_once(actor=cast.alice, content=content(purpose="social_scoring"), now=NOW)
    message = written("request_denied", "Alice")
    assert subject_of(message).startswith("Not approved: REQ-0001, ")
    text = text_of(message)
    assert "Not allowed on Mon" in text.splitlines()[0]
    assert "(AU-1)" in text
    assert "Nearest change: no amount would pass" in text


def test_mail_2_says_how_small_an_ask_would_pass(cast: Cast) -> None:
    cast.alice.person.requester_type = "contractor"
    cast.alice.person.save()
    casting.Budget.objects.filter(pk=cast.budget.pk).update(limit_micro=50_000 * 10**6)
    provisioning.ask_at_once(actor=cast.alice, content=content(gpu_hours_cap=12_000.0), now=NOW)
    text = text_of(written("request_denied", "Alice"))
    assert "(AU-4)" in text
    assert "Nearest change: Keep the amount that counts at most 10,000" in text


def test_mail_2_after_a_person_quotes_them_verbatim(cast: Cast) -> None:
    request = submitted(cast)
    decide(request, cast, "bob", "reject", "Use the pool:\nit is idle until March.")
    message = written("request_rejected", "Alice")
    assert subject_of(message) == "Not approved: REQ-0001, Use the pool: it is idle until March. (Bob)"
    assert "> Use the pool:\n> it is idle until March." in text_of(message)


def test_mail_3_says_that_the_clock_stands_still_and_is_moot_after_the_answer(cast: Cast) -> None:
    request = submitted(cast)
    decide(request, cast, "bob", "changes", "Which checkpoint do you start from?")
    message = written("changes_wanted", "Alice")
    expected = "Bob needs changes to REQ-0001: Which checkpoint do you start from? (clock stopped)"
    assert subject_of(message) == expected
    assert "Due date: stands still" in text_of(message)
    provisioning.submit_request(request_id=request.pk, actor=cast.alice, now=NOW)
    with pytest.raises(Moot):
        written("changes_wanted", "Alice")


def test_mail_4_reminds_with_names_and_escalates_to_who_stands_in(cast: Cast) -> None:
    request = submitted(cast)
    due = ApprovalStage.objects.get(provisioning_request=request).due_at
    assert due is not None
    half = NOW + (due - NOW) / 2
    assert sweeps.remind_stages(now=half) == 1
    reminder = written("stage_reminded", "Bob", now=half)
    assert subject_of(reminder).startswith("Due in ")
    assert "Did not act: Bob, Frank" in text_of(reminder)
    late = due + timedelta(days=2)
    assert sweeps.remind_stages(now=late) == 1
    escalation = written("stage_escalated", "Carol", now=late)
    assert subject_of(escalation) == "Escalated to you: REQ-0001, 2 days late, 1,000 USD"
    assert "Did not act: Bob, Frank" in text_of(escalation)
    assert "budget owner stands in for team lead" in text_of(escalation)


def test_mail_5_goes_to_the_owner_and_to_infrastructure_but_not_to_who_just_said_yes(cast: Cast) -> None:
    request = submitted(cast)
    decide(request, cast, "frank", "approve", "Fits the plan.")
    told = Alert.objects.filter(kind="grant_issued").values_list("recipient__name", flat=True)
    assert sorted(told) == ["Alice", "Bob"]
    message = written("grant_issued", "Alice")
    assert subject_of(message) == "Ready: 16 × H100 at CoreWeave, 1 Jun to 14 Jun, grant G-0001"
    text = text_of(message)
    assert f"Approved until 14{NBSP}Jun: 1,000{NBSP}USD, grant G-0001" in text.splitlines()[0]
    assert "Label for jobs: G-0001" in text
    assert "Return early: " in text
    assert "infrastructure" in text_of(written("grant_issued", "Bob"))


def test_text_of_people_is_escaped_quoted_and_carries_no_link(cast: Cast) -> None:
    lure = (
        'Approve here: <a href="https://evil.example/approve">Approve</a> <img src=x onerror=alert(1)> '
        "www.evil.example evil.example/approve javascript://x"
    )
    submitted(cast, title="<b>Bold</b> https://evil.example/x", justification=lure)
    message = written("stage_opened", "Bob")
    for body in (text_of(message), html_of(message)):
        assert "evil" not in body
    assert "<b>Bold" not in html_of(message)
    assert "<img" not in html_of(message)
    assert "&lt;img src=x" in html_of(message)
    assert "> Approve here:" in text_of(message)


def test_names_are_read_when_the_mail_leaves(cast: Cast) -> None:
    submitted(cast)
    Person.objects.filter(pk=cast.alice.person_id).update(name="Alice Byrne")
    assert subject_of(written("stage_opened", "Bob")).endswith("(Alice Byrne)")
    assert "Alice" not in str(Alert.objects.first().payload)  # type: ignore[union-attr]


def test_the_digest_can_be_stopped_and_other_mails_say_why_they_come(cast: Cast) -> None:
    submitted(cast)
    alerts.enqueue("digest", subject="2026-06-01", recipients=[cast.bob.person_id], now=NOW)
    digest = written("digest", "Bob")
    assert subject_of(digest) == "1 to decide (max 1,000)"
    assert digest["List-Unsubscribe"].startswith("<http")
    assert "Decide REQ-0001: Ablations" in text_of(digest)
    assert written("stage_opened", "Bob")["List-Unsubscribe"] is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see https://a.example/b?c=d now", "see [link left out] now"),
        ("HTTP://A.EXAMPLE", "[link left out]"),
        ("www.a.example", "[link left out]"),
        ("a.example/login", "[link left out]"),
        ("1/2 of e.g. 3.5/7", "1/2 of e.g. 3.5/7"),
        ("go to evil-shop.com.", "go to [link left out]"),
        ("eval.py and model.safetensors", "eval.py and model.safetensors"),
        ("p50 of 3.5 k", "p50 of 3.5 k"),
    ],
)
def test_what_a_mail_program_would_link_is_left_out(text: str, expected: str) -> None:
    assert unlinked(text) == expected


def test_a_long_quote_is_cut_at_a_word() -> None:
    assert quoted("word " * 500).endswith("word …")
    assert len(quoted("word " * 500)) <= 603
