"""What each mail says: one fact, one link, figures as pages write them, and nothing that a reader could be lured by."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from typing import Any

import pytest

from governance.channels import email as emails
from governance.channels.email.letters import Moot, quoted, unlinked
from governance.channels.email.message import one_line, visible
from governance.display.numbers import NBSP
from governance.models import Alert, ApprovalStage, Delegation, Grant, Person, ProvisioningRequest, Role, RoleAssignment
from governance.services.approvals import decisions
from governance.services.messages import alerts, sweeps
from governance.services.money import crossings
from governance.services.requests import submission, withdrawal
from tests import cast as casting
from tests.cast import NOW, Cast, content, open_stage, submitted
from tests.mail.reading import html_of, subject_of, text_of, written

LINK = re.compile(r"https?://[^\s\"'<>)]+")


def decide(request: ProvisioningRequest, cast: Cast, who: str, verdict: str, reason: str, *, now: Any = NOW) -> None:
    stage = open_stage(request)
    decisions.decide(
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
    submission.create_and_submit(actor=cast.alice, content=content(purpose="social_scoring"), now=NOW)
    withdrawal.expire_request(request_id=first.pk, actor=cast.alice, now=NOW + timedelta(days=15))
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
    assert "You receive this because you are team lead for Long context." in text
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
    with pytest.raises(Moot, match="can no longer decide"):
        emails.compose(alert, now=NOW)
    RoleAssignment.objects.filter(user=cast.bob).update(valid_to=None)
    decide(request, cast, "bob", "approve", "Fits the plan.")
    with pytest.raises(Moot, match="stage was closed"):
        emails.compose(alert, now=NOW)


def test_mail_2_after_a_rule_names_the_rule_and_the_nearest_ask(cast: Cast) -> None:
    submission.create_and_submit(actor=cast.alice, content=content(purpose="social_scoring"), now=NOW)
    message = written("request_denied", "Alice")
    assert subject_of(message).startswith("Denied: REQ-0001, ")
    text = text_of(message)
    assert "Denied on Mon" in text.splitlines()[0]
    assert "(AU-1)" in text
    assert "Nearest change: no amount would be allowed" in text


def test_mail_2_says_how_small_an_ask_would_pass(cast: Cast) -> None:
    cast.alice.person.requester_type = "contractor"
    cast.alice.person.save()
    casting.Budget.objects.filter(pk=cast.budget.pk).update(limit_micro=50_000 * 10**6)
    submission.create_and_submit(actor=cast.alice, content=content(gpu_hours_cap=12_000.0), now=NOW)
    text = text_of(written("request_denied", "Alice"))
    assert "(AU-4)" in text
    assert f"Nearest change: Request at most 10,000{NBSP}GPU-hours instead of 12,000." in " ".join(text.split("\n"))


def test_mail_2_after_a_person_quotes_them_verbatim(cast: Cast) -> None:
    request = submitted(cast)
    decide(request, cast, "bob", "reject", "Use the pool:\nit is idle until March.")
    message = written("request_rejected", "Alice")
    assert subject_of(message) == "Rejected: REQ-0001, Use the pool: it is idle until March. (Bob)"
    assert "> Use the pool:\n> it is idle until March." in text_of(message)


def test_mail_3_says_that_the_clock_stands_still_and_is_moot_after_the_answer(cast: Cast) -> None:
    request = submitted(cast)
    decide(request, cast, "bob", "changes", "Which checkpoint do you start from?")
    message = written("changes_wanted", "Alice")
    expected = "Bob asked for changes to REQ-0001: Which checkpoint do you start from? (deadline paused)"
    assert subject_of(message) == expected
    assert "Deadline: paused; a new one starts when you resubmit" in text_of(message)
    submission.submit_request(request_id=request.pk, actor=cast.alice, now=NOW)
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
    assert "Has not decided: Bob and Frank" in text_of(reminder)
    late = due + timedelta(days=2)
    assert sweeps.remind_stages(now=late) == 1
    escalation = written("stage_escalated", "Carol", now=late)
    assert subject_of(escalation) == "Escalated to you: REQ-0001, 2 days late, 1,000 USD"
    assert "Has not decided: Bob and Frank" in text_of(escalation)
    assert "budget owner is the fallback for team lead" in text_of(escalation)


def test_mail_5_goes_to_the_owner_and_to_infrastructure_but_not_to_who_just_said_yes(cast: Cast) -> None:
    request = submitted(cast)
    decide(request, cast, "frank", "approve", "Fits the plan.")
    told = Alert.objects.filter(kind="grant_issued").values_list("recipient__name", flat=True)
    assert sorted(told) == ["Alice", "Bob"]
    message = written("grant_issued", "Alice")
    assert subject_of(message) == "Ready: 16 × H100 at CoreWeave, 1 Jun to 14 Jun, grant G-0001"
    text = text_of(message)
    assert f"Approved until 14{NBSP}Jun: 1,000{NBSP}USD, grant G-0001" in text.splitlines()[0]
    assert "> Fits the plan." in text
    assert "Approved by: Frank, team lead" in text
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


# What would start a header, end a sentence of ours, or turn the words around.
HOSTILE = "a\r\nBcc: mallory@example.com\u2028b\u2029c\x85d\x0be\u202efdp.exe\u2066f\ufeffg\u00adh\u200bi\x00"


def test_characters_that_nobody_sees_change_no_header_and_no_line(cast: Cast) -> None:
    request = submitted(cast)
    hostile = HOSTILE.replace("\x00", "")
    Person.objects.filter(pk__in=[cast.alice.person_id, cast.bob.person_id]).update(name=f"Eve {hostile}")
    ProvisioningRequest.objects.filter(pk=request.pk).update(title=hostile)
    casting.Budget.objects.filter(pk=cast.budget.pk).update(name=hostile)
    casting.Project.objects.filter(pk=cast.project.pk).update(name=hostile)
    alert = Alert.objects.select_related("recipient").get(kind="stage_opened", recipient_id=cast.bob.person_id)
    message = emails.compose(alert, now=NOW).message()
    assert message["Bcc"] is None
    assert message["To"] == "bob@example.com"
    assert "\n" not in subject_of(message)
    for shown in (subject_of(message), text_of(message), html_of(message)):
        assert not [c for c in shown if c in "\r\u2028\u2029\x85\x0b\u202e\u2066\ufeff\u00ad\u200b"]
        assert "\nBcc" not in shown


def test_visible_text_loses_controls_and_keeps_words() -> None:
    assert one_line(HOSTILE) == "a Bcc: mallory@example.com b c d efdp.exefghi"
    assert visible("one\r\ntwo\tthree\u2028four") == "one\ntwo\tthree\nfour"
    kept = f"28.5{NBSP}k USD, naïve, שלום, 工事, \U0001f469\u200d\U0001f52c"
    assert one_line(kept) == kept


def test_a_subject_stays_short_and_a_long_word_breaks_nothing(cast: Cast) -> None:
    casting.Project.objects.filter(pk=cast.project.pk).update(name="x" * 120)
    Person.objects.filter(pk=cast.alice.person_id).update(name="\U0001f600" * 120)
    submitted(cast, title="y" * 120, justification="z" * 4_000)
    message = written("stage_opened", "Bob")
    assert len(subject_of(message)) <= 160
    assert max(len(line) for line in message.as_bytes().splitlines()) < 998
    assert "z" * 600 in text_of(message)


def test_a_text_made_to_be_slow_to_search_is_not(cast: Cast) -> None:
    began = time.monotonic()
    for hostile in ("a.a" * 10_000, "a-" * 20_000, "a+.-" * 10_000, "www" * 10_000, "\n" * 30_000):
        quoted(hostile)
    assert time.monotonic() - began < 0.5


def test_mail_7_goes_to_nobody_who_stopped_answering_for_the_budget(cast: Cast) -> None:
    casting.Budget.objects.filter(pk=cast.budget.pk).update(owner=cast.carol.person)
    submitted(cast, gpu_hours_cap=17_000.0)
    assert crossings.sweep_budgets(now=NOW) == 1
    assert subject_of(written("budget_threshold", "Carol")) == "Long context: 85 % of 20 k USD spent, committed or held"
    casting.Budget.objects.filter(pk=cast.budget.pk).update(owner=cast.dave.person)
    with pytest.raises(Moot, match="no longer responsible for the budget"):
        written("budget_threshold", "Carol")


def test_mail_4_and_5_go_to_nobody_who_lost_the_role(cast: Cast) -> None:
    late = NOW + timedelta(days=6)
    request = submitted(cast)
    sweeps.remind_stages(now=late)
    decide(submitted(cast), cast, "frank", "approve", "Fits the plan.")
    assert "is the fallback" in text_of(written("stage_escalated", "Carol", now=late))
    assert "infrastructure" in text_of(written("grant_issued", "Bob", now=late))
    RoleAssignment.objects.filter(user__in=[cast.bob, cast.carol]).update(valid_to=NOW + timedelta(hours=1))
    for kind, name in (("stage_escalated", "Carol"), ("stage_reminded", "Bob"), ("grant_issued", "Bob")):
        with pytest.raises(Moot):
            written(kind, name, now=late)
    assert request.reference in text_of(written("stage_reminded", "Frank", now=late))
    assert "because you made this request" in text_of(written("grant_issued", "Alice", now=late))


def test_mail_7_says_what_takes_the_most_and_what_one_can_do(cast: Cast) -> None:
    casting.Budget.objects.filter(pk=cast.budget.pk).update(owner=cast.carol.person)
    submitted(cast, title="Sweep of seeds", gpu_hours_cap=17_000.0)
    crossings.sweep_budgets(now=NOW)
    text = text_of(written("budget_threshold", "Carol"))
    assert f"85{NBSP}% of 20{NBSP}k{NBSP}USD spent, committed or held on Mon 1{NBSP}Jun" in text.splitlines()[0]
    assert f"has spent, committed or held 85{NBSP}% of its 20{NBSP}k{NBSP}USD limit." in text
    assert f"Still held: 17{NBSP}k{NBSP}USD for requests that await a decision" in text
    assert f"Largest items: REQ-0001 Sweep of seeds, 17{NBSP}k{NBSP}USD held" in text
    assert f"again only after the budget was below 75{NBSP}%" in text


def test_a_digest_names_each_thing_once_and_says_what_to_do_with_it(cast: Cast) -> None:
    """To decide, to answer, ending, flagged: each with its reference, and the subject counts them."""
    decide(submitted(cast, title="Wanted"), cast, "bob", "changes", "Which checkpoint do you start from?")
    decide(submitted(cast, title="Running"), cast, "bob", "approve", "Fits the plan.")
    submitted(cast, title="Waiting", who="heidi")
    RoleAssignment.objects.create(
        user=cast.alice, role=Role.objects.get(slug="team_lead"), team=cast.team, valid_from=NOW - timedelta(days=1)
    )
    ends = Grant.objects.get().ends_at
    Grant.objects.update(spent_micro=10**12)
    sweeps.sweep_limits(now=ends - timedelta(days=3))
    alerts.enqueue("digest", subject="day", recipients=[cast.alice.person_id], now=NOW)
    message = written("digest", "Alice", now=ends - timedelta(days=2))
    assert subject_of(message) == "1 to decide (max 1,000), 1 to answer, 1 ends Sun 14 Jun, 1 flag"
    lines = text_of(message).splitlines()
    for start in (
        "- Decide REQ-0003: Waiting",
        "- Answer REQ-0001: Wanted",
        "- Ends G-0001: Running",
        "- Flag G-0001 has used",
    ):
        assert [line for line in lines if line.startswith(start)], start
    assert "4 items need your attention" in text_of(message)


def test_a_window_of_a_year_says_which_year_it_ends(cast: Cast) -> None:
    submitted(cast, start_on="2026-12-04", end_on="2027-12-03")
    assert f"4{NBSP}Dec 2026 to 3{NBSP}Dec 2027" in text_of(written("stage_opened", "Bob"))


def test_a_digest_that_was_stopped_or_outlived_its_day_is_not_sent(cast: Cast) -> None:
    submitted(cast)
    alerts.enqueue("digest", subject="day", recipients=[cast.bob.person_id], payload={"day": "2026-06-01"}, now=NOW)
    # Dublin is an hour ahead: its first of June ends at 23:00 UTC.
    assert "1 to decide" in subject_of(written("digest", "Bob", now=NOW.replace(hour=22, minute=59)))
    with pytest.raises(Moot, match="day is over"):
        written("digest", "Bob", now=NOW.replace(hour=23))
    Person.objects.filter(name="Bob").update(wants_digest=False)
    with pytest.raises(Moot, match="turned the daily email off"):
        written("digest", "Bob")


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
        ("evil\u3002example/x", "[link left out]"),
        ("sign in at pay-day.click now", "sign in at [link left out] now"),
        ("the pool.It is idle; torch.nn, run.sh", "the pool.It is idle; torch.nn, run.sh"),
        ("bob@evil.com", "bob@[link left out]"),
    ],
)
def test_what_a_mail_program_would_link_is_left_out(text: str, expected: str) -> None:
    assert unlinked(text) == expected


def test_a_long_quote_is_cut_at_a_word() -> None:
    assert quoted("word " * 500).endswith("word …")
    assert len(quoted("word " * 500)) <= 603
