"""A comment is told to the other side, once for several, and to nobody who has answered or may not read it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from governance.channels import email as emails
from governance.channels.email.letters import Moot
from governance.domain.states.messages import AlertKind
from governance.models import Alert, Person, ProvisioningRequest, RoleAssignment
from governance.selectors.messages.digests import digest_for
from governance.services.messages import alerts
from governance.services.requests import comments
from tests.cast import NOW, Cast, submitted
from tests.mail.reading import html_of, subject_of, text_of
from tests.mail.relay import Relay
from tests.mail.test_letters import decide

pytestmark = pytest.mark.django_db


def say(request: ProvisioningRequest, cast: Cast, who: str, text: str, *, minutes: float = 0) -> None:
    comments.add_comment(request_id=request.pk, actor=cast.users[who], text=text, now=NOW + timedelta(minutes=minutes))


def told() -> list[tuple[str, float]]:
    """Who is told of comments, and after how many minutes."""
    rows = Alert.objects.filter(kind=AlertKind.COMMENTS).select_related("recipient").order_by("pk")
    return [(row.recipient.name.split()[0], (row.next_attempt_at - NOW) / timedelta(minutes=1)) for row in rows]


def letter(who: str, *, minutes: float = 10) -> Any:
    alert = Alert.objects.filter(kind=AlertKind.COMMENTS, recipient__name__startswith=who).latest("pk")
    return emails.compose(alert, now=NOW + timedelta(minutes=minutes)).message()


def test_a_question_of_an_approver_is_for_the_requester_and_the_answer_for_who_asked(cast: Cast) -> None:
    request = submitted(cast)
    say(request, cast, "bob", "Which checkpoint do you start from?")
    assert told() == [("Alice", 10)]
    say(request, cast, "alice", "From step 40,000.", minutes=30)
    assert ("Bob", 40) in told()
    assert ("Alice", 40) not in told()


def test_comments_within_minutes_share_one_mail_and_a_later_one_has_its_own(cast: Cast) -> None:
    request = submitted(cast)
    say(request, cast, "bob", "Which checkpoint?")
    say(request, cast, "bob", "And which tokenizer?", minutes=8)
    assert told() == [("Alice", 10)]
    body = text_of(letter("Alice"))
    assert "Which checkpoint?" in body
    assert "And which tokenizer?" in body
    assert subject_of(letter("Alice")) == f"2 comments on {request.reference}: And which tokenizer?"
    say(request, cast, "bob", "Last one: whose data?", minutes=9)
    assert told() == [("Alice", 10), ("Alice", 19)]
    first, second = Alert.objects.filter(kind=AlertKind.COMMENTS).order_by("pk")
    assert "whose data" not in text_of(emails.compose(first, now=NOW + timedelta(minutes=10)).message())
    assert subject_of(emails.compose(second, now=NOW + timedelta(minutes=19)).message()) == (
        f"1 comment on {request.reference}: Last one: whose data?"
    )


def test_whoever_has_answered_is_told_nothing(cast: Cast) -> None:
    request = submitted(cast)
    say(request, cast, "bob", "Which checkpoint?")
    say(request, cast, "alice", "From step 40,000.", minutes=2)
    with pytest.raises(Moot, match="answered"):
        letter("Alice")
    decide(request, cast, "bob", "approve", "Fits the plan.", now=NOW + timedelta(minutes=3))
    with pytest.raises(Moot, match="answered"):
        letter("Bob", minutes=12)


def test_whoever_may_not_read_the_request_any_more_gets_no_mail(cast: Cast) -> None:
    request = submitted(cast)
    say(request, cast, "alice", "From step 40,000.")
    RoleAssignment.objects.filter(user=cast.bob).delete()
    with pytest.raises(Moot, match="no longer see"):
        letter("Bob")


def test_those_who_decided_or_wrote_before_are_told_too_and_nobody_else(cast: Cast) -> None:
    request = submitted(cast)
    decide(request, cast, "bob", "changes", "Which checkpoint?")
    say(request, cast, "alice", "I look it up.", minutes=5)
    assert [name for name, _ in told()] == ["Bob"]


def test_the_link_leads_to_the_comment(cast: Cast, client: Client) -> None:
    request = submitted(cast)
    say(request, cast, "bob", "Which checkpoint?")
    comment = request.comments.get()
    assert f"/requests/{request.number}/#comment-{comment.pk}" in html_of(letter("Alice"))
    client.force_login(cast.alice)
    assert f'id="comment-{comment.pk}"' in client.get(f"/requests/{request.number}/").content.decode()


def test_a_comment_that_lures_is_quoted_without_its_link(cast: Cast) -> None:
    request = submitted(cast)
    say(request, cast, "bob", "Approve here: https://evil.example/approve <img src=x>")
    message = letter("Alice")
    assert "evil.example" not in text_of(message) + html_of(message) + subject_of(message)
    assert "<img src=x" not in html_of(message)


def test_it_waits_in_the_outbox_until_it_is_due_and_arrives_once(cast: Cast, relay: Relay) -> None:
    request = submitted(cast)
    Alert.objects.all().delete()
    say(request, cast, "bob", "Which checkpoint?")
    assert not alerts.deliver_due(now=NOW + timedelta(minutes=9))
    assert alerts.deliver_due(now=NOW + timedelta(minutes=10)) == {"sent": 1}
    assert len(relay.kept) == 1


def test_the_digest_lists_what_was_not_answered_until_it_is(cast: Cast) -> None:
    alice, bob = (Person.objects.get(pk=cast.users[name].person_id) for name in ("alice", "bob"))
    request = submitted(cast)
    say(request, cast, "bob", "Which checkpoint?")
    [entry] = digest_for(alice, now=NOW).of("reply")
    assert (entry.reference, entry.detail) == (request.reference, f"{bob.name}: Which checkpoint?")
    assert not digest_for(bob, now=NOW).of("reply")
    say(request, cast, "alice", "From step 40,000.", minutes=2)
    assert not digest_for(alice, now=NOW).of("reply")
    [entry] = digest_for(bob, now=NOW).of("reply")
    assert entry.detail == f"{alice.name}: From step 40,000."
