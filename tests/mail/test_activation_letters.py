"""The second officer learns that an activation waits, and both that an agreed one does not rule."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from unittest import mock

import pytest
from django.urls import reverse

from governance.channels.email.letters import Moot
from governance.display.numbers import NBSP
from governance.domain.errors import AlreadyDecided
from governance.models import Alert, Person, PolicyActivation, PolicySet, PolicyVersion, RoleAssignment, User
from governance.selectors.messages import digests as reading
from governance.selectors.messages.digests import digest_for
from governance.services.messages import digests
from governance.services.rules import activations, policies, policy_checks
from tests.cast import NOW, Cast, add_person
from tests.mail.reading import html_of, subject_of, text_of, written
from tests.officers import put_in_force, ready_draft

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(days=3)
FIGURES = {
    "rows": 1412, "flipped": 37,
    "pairs": {"allow>review": {"count": 35}, "deny>allow": {"count": 2}, "allow>allow": {"count": 1375}},
}  # fmt: skip


@pytest.fixture
def cast(cast: Cast) -> Cast:
    cast.users["judy"] = add_person("judy", team=cast.root, roles=["policy_officer"], scope=cast.root)
    return cast


def asked(cast: Cast, *, effective_at: datetime | None = LATER, reason: str = "we spend too much") -> PolicyActivation:
    version = ready_draft(actor=cast.grace, now=NOW, result=FIGURES)
    return activations.request_activation(
        version_id=version.pk, actor=cast.grace, reason=reason, now=NOW, effective_at=effective_at
    )


def agree(activation: PolicyActivation, who: User) -> PolicyActivation:
    return activations.answer_activation(activation_id=activation.pk, actor=who, answer="agree", now=NOW)


def told(kind: str) -> list[str]:
    return sorted(Alert.objects.filter(kind=kind).values_list("recipient__name", flat=True))


def move_the_ground(cast: Cast) -> None:
    """Another set comes into force, so what was agreed beside the old one does not hold any more."""
    source = PolicyVersion.objects.get(policy_set__slug="approval-limits", state="active").source
    other = policies.import_version(
        source=source.replace("{value: 25000.0,", "{value: 26000.0,", 1), actor=cast.grace, now=NOW
    )
    assert other.state == "draft"
    put_in_force(other, actor=cast.judy, now=NOW)


def test_the_other_officers_are_told_what_would_rule_from_when_and_what_history_says(cast: Cast) -> None:
    add_person("ivan", team=cast.root, roles=["policy_officer"], scope=cast.root)
    activation = asked(cast)
    assert told("activation_asked") == ["Ivan", "Judy"]
    message = written("activation_asked", "Judy")
    name = activation.version.policy_set.name
    expected = f"Approve policy change from Thu 4 Jun: {name} version 2, 37 of 1,412 decisions would change (Grace)"
    assert subject_of(message) == expected
    text = text_of(message)
    first = f"{name} version{NBSP}2 · Requested on Mon 1{NBSP}Jun: 37 of 1,412{NBSP}decisions would change"
    assert text.splitlines()[0] == first
    assert "> we spend too much" in text
    assert f"Policy: {name}\n" in text
    assert f"Version: 2; replaces version{NBSP}1\n" in text
    assert "What changes: A lower line\n" in text
    assert f"Takes effect: Thu 4{NBSP}Jun, 10:00\n" in text
    counted = (
        f"Backtest: 37 of 1,412{NBSP}decisions would change; 2 that were denied would be approved automatically; "
        f"35 would need a review. None would newly be denied. Grace reviewed it on Mon 1{NBSP}Jun.\n"
    )
    assert counted in text
    page = reverse("admin:governance_policyversion_change", args=[activation.version_id])
    for body in (text, html_of(message)):
        links = re.findall(r"https?://[^\s\"'<>)]+", body)
        assert len(links) == 1
        assert links[0].endswith(page)


def test_an_ask_is_told_once_and_an_ask_that_is_refused_tells_nobody(cast: Cast) -> None:
    activation = asked(cast)
    with pytest.raises(AlreadyDecided):
        activations.request_activation(version_id=activation.version_id, actor=cast.judy, reason="me too", now=NOW)
    assert told("activation_asked") == ["Judy"]


def test_a_second_account_of_whoever_asked_gets_no_mail(cast: Cast) -> None:
    twin = User.objects.create_user(email="grace.two@example.com", person=cast.grace.person, password="x" * 14)
    RoleAssignment.objects.create(
        user=twin, role=RoleAssignment.objects.get(user=cast.judy).role, team=cast.root,
        valid_from=NOW - timedelta(days=1),
    )  # fmt: skip
    asked(cast)
    assert told("activation_asked") == ["Judy"]


def test_an_activation_without_an_instant_rules_as_soon_as_somebody_agrees(cast: Cast) -> None:
    asked(cast, effective_at=None)
    message = written("activation_asked", "Judy")
    assert subject_of(message).startswith("Approve policy change: ")
    assert "Takes effect: when a second officer approves\n" in text_of(message)


def test_an_instant_that_passed_unanswered_is_not_promised_any_more(cast: Cast) -> None:
    asked(cast)
    message = written("activation_asked", "Judy", now=LATER + timedelta(hours=1))
    assert subject_of(message).startswith("Approve policy change: ")
    assert "Takes effect: when a second officer approves\n" in text_of(message)


def test_a_rollback_says_that_these_rules_decided_before(cast: Cast) -> None:
    agree(asked(cast, effective_at=None), cast.judy)
    first = PolicyVersion.objects.get(policy_set__slug="sustainability", number=1)
    policy_checks.test_version(version_id=first.pk, actor=cast.judy, now=NOW)
    Alert.objects.all().delete()
    activations.request_activation(version_id=first.pk, actor=cast.judy, reason="it broke", now=NOW)
    text = text_of(written("activation_asked", "Grace"))
    assert f"Version: 1, which was in force before; replaces version{NBSP}2\n" in text
    assert "Backtest: not needed: this version was in force before" in text


def test_the_mail_is_moot_once_it_was_answered_or_the_reader_is_no_officer(cast: Cast) -> None:
    activation = asked(cast)
    RoleAssignment.objects.filter(user=cast.judy).update(valid_to=NOW + timedelta(hours=1))
    with pytest.raises(Moot, match="can no longer answer"):
        written("activation_asked", "Judy", now=NOW + timedelta(hours=2))
    activations.withdraw_activation(activation_id=activation.pk, actor=cast.grace, reason="not yet", now=NOW)
    with pytest.raises(Moot, match="answered or withdrawn"):
        written("activation_asked", "Judy")


def test_two_who_agreed_are_told_that_it_lapsed_and_why(cast: Cast) -> None:
    add_person("ivan", team=cast.root, roles=["policy_officer"], scope=cast.root)
    activation = agree(asked(cast), cast.judy)
    move_the_ground(cast)
    assert activations.activate_due(now=LATER) == 0
    assert activations.activate_due(now=LATER + timedelta(minutes=10)) == 0
    assert told("activation_lapsed") == ["Grace", "Judy"]
    assert told("activation_late") == []
    message = written("activation_lapsed", "Grace", now=LATER)
    name = activation.version.policy_set.name
    assert subject_of(message) == f"Lapsed: {name} version 2 did not take effect on Thu 4 Jun"
    text = text_of(message)
    assert f"Lapsed on Thu 4{NBSP}Jun: {name} version{NBSP}2 is not in force" in text.splitlines()[0]
    assert "backtest was made against other rules" in text
    assert f"In force: version{NBSP}1 stays in force\n" in text
    assert "Approved by: Grace and Judy\n" in text


def test_every_officer_is_told_of_a_lapse_when_both_who_agreed_have_left(cast: Cast) -> None:
    add_person("ivan", team=cast.root, roles=["policy_officer"], scope=cast.root)
    add_person("kim", team=cast.root, roles=["policy_officer"], scope=cast.root)
    agree(asked(cast), cast.judy)
    RoleAssignment.objects.filter(user__in=[cast.grace, cast.judy], role__slug="policy_officer").update(valid_to=LATER)
    activations.activate_due(now=LATER)
    assert told("activation_lapsed") == ["Ivan", "Kim"]
    text = text_of(written("activation_lapsed", "Ivan", now=LATER))
    assert "Grace, who asked, is no policy officer any more" in text


def test_a_version_that_the_program_cannot_put_in_force_is_told_of_once_and_not_for_a_hiccup(cast: Cast) -> None:
    agree(asked(cast), cast.judy)
    with mock.patch.object(policies, "put_in_force", side_effect=RuntimeError("disk full")):
        activations.activate_due(now=LATER)
        assert told("activation_late") == []
        activations.activate_due(now=LATER + timedelta(minutes=6))
        activations.activate_due(now=LATER + timedelta(minutes=7))
    assert told("activation_late") == ["Grace", "Judy"]
    late = LATER + timedelta(minutes=8)
    message = written("activation_late", "Judy", now=late)
    assert subject_of(message).endswith("version 2, due since Thu 4 Jun, 10:00")
    text = text_of(message)
    assert f"In force: version{NBSP}1 stays in force\n" in text
    assert "disk full" not in text
    # It rules after all before the mail leaves.
    assert activations.activate_due(now=late) == 1
    with pytest.raises(Moot, match="before the mail left"):
        written("activation_late", "Judy", now=late)


def test_what_people_typed_cannot_lure_or_forge_a_line(cast: Cast) -> None:
    lure = "see https://evil.example/agree\r\nBcc: mallory@example.com <b>now</b>"
    Person.objects.filter(pk=cast.grace.person_id).update(name="Grace\u202e https://evil.example/x")
    activation = asked(cast, reason=lure)
    PolicySet.objects.filter(pk=activation.policy_set_id).update(name="x" * 90 + " www.evil.example")
    message = written("activation_asked", "Judy")
    assert message["Bcc"] is None
    assert len(subject_of(message)) <= 160
    for body in (text_of(message), html_of(message), subject_of(message)):
        assert "evil" not in body
        assert "\u202e" not in body
    assert "<b>now" not in html_of(message)


# -- the morning mail names it until it is answered


def digest_of(person: str) -> tuple[str, str]:
    digests.send_digests(now=NOW)
    message = written("digest", person)
    return subject_of(message), text_of(message).replace(NBSP, " ")


def test_the_morning_mail_names_an_activation_that_waits_for_the_reader(cast: Cast) -> None:
    activation = asked(cast)
    name = activation.version.policy_set.name
    subject, text = digest_of("Judy")
    assert subject == "1 activation to answer"
    assert f"Approve {name} version 2: A lower line" in text
    assert "requested by Grace, takes effect Thu 4 Jun, 10:00" in text
    assert reverse("admin:governance_policyactivation_changelist") in text


def test_a_yes_from_the_instant_on_that_has_come_says_no_instant(cast: Cast) -> None:
    asked(cast, effective_at=None)
    _, text = digest_of("Judy")
    assert "requested by Grace, takes effect when a second officer approves" in text


def test_the_morning_mail_of_whoever_asked_or_keeps_no_policies_does_not_name_it(cast: Cast) -> None:
    asked(cast)
    for person in (cast.grace, cast.bob):
        assert not digest_for(person.person, now=NOW).of("activate")
    digests.send_digests(now=NOW)
    assert told("digest") == ["Judy"]


def test_an_answered_activation_leaves_the_morning_mail(cast: Cast) -> None:
    activation = asked(cast)
    assert digest_for(cast.judy.person, now=NOW).of("activate")
    agree(activation, cast.judy)
    assert digest_for(cast.judy.person, now=NOW).is_empty


def test_much_else_to_do_does_not_crowd_an_activation_out(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(cast)
    monkeypatch.setattr(reading, "ENTRIES_MAX", 0)
    assert [entry.kind for entry in digest_for(cast.judy.person, now=NOW).entries] == ["activate"]
