"""A version of acceptable use takes two officers, leaves people time, and everybody concerned is told in time, once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from governance.channels.email.letters import Moot
from governance.domain.errors import (
    AlreadyDecided,
    GovernanceError,
    InvalidInput,
    NotAllowed,
    NotReady,
    SeparationOfDuties,
)
from governance.models import (
    AcceptableUsePublication,
    AcceptableUseVersion,
    Alert,
    AuditEvent,
    Person,
    RoleAssignment,
    User,
)
from governance.selectors.people.people import system_actor
from governance.services.people import roles
from governance.services.record import audit
from governance.services.rules import acceptable_use
from tests.cast import NOW, Cast, add_person
from tests.house import fingerprint
from tests.mail.reading import subject_of, text_of, written

pytestmark = pytest.mark.django_db

DUE = NOW + timedelta(days=10)


def ask(cast: Cast, **changes: Any) -> AcceptableUsePublication:
    fields = {
        "slug": "compute", "actor": cast.grace, "text": "1. Say what is true.", "clauses": [],
        "effective_from": None, "consent_due": DUE, "now": NOW, "reason": "clearer words",
    } | changes  # fmt: skip
    return acceptable_use.publish_version(**fields)


def agree(row: AcceptableUsePublication, who: User, *, now: Any = NOW, answer: str = "agree", reason: str = "") -> Any:
    return acceptable_use.answer_publication(publication_id=row.pk, actor=who, answer=answer, reason=reason, now=now)


def refused(act: Callable[[], object], kind: type[GovernanceError], words: str) -> None:
    before = fingerprint()
    with pytest.raises(kind, match=words):
        act()
    assert fingerprint() == before


def told(kind: str) -> list[str]:
    return sorted(Alert.objects.filter(kind=kind).values_list("recipient__name", flat=True))


def test_one_officer_alone_changes_nothing_for_anybody(cast: Cast) -> None:
    row = ask(cast)
    assert (row.state, AcceptableUseVersion.objects.filter(statement__slug="compute").count()) == ("asked", 1)
    refused(lambda: agree(row, cast.grace), SeparationOfDuties, "you asked for this publication")
    twin = User.objects.create_user(email="grace.two@example.com", person=cast.grace.person, password="x" * 14)
    refused(lambda: agree(row, twin), SeparationOfDuties, "you asked")
    refused(lambda: agree(row, cast.bob), NotAllowed, "policy_officer")
    refused(lambda: agree(row, cast.erin), NotAllowed, "policy_officer")
    refused(lambda: agree(row, system_actor()), NotAllowed, "system")
    assert told("publication_asked") == ["Frank"]


def test_a_second_officer_publishes_and_both_are_in_the_log(cast: Cast) -> None:
    row = agree(ask(cast), cast.frank)
    version = row.version
    assert (row.state, version.number, version.effective_from, version.consent_due) == ("published", 2, NOW, DUE)
    event = AuditEvent.objects.latest("seq")
    assert (event.action, event.actor, event.data["asked_by"]) == ("aup.published", cast.frank, cast.grace.pk)
    assert audit.verify() == []
    refused(lambda: agree(row, cast.frank), AlreadyDecided, "published")


def test_somebody_whom_the_asker_made_does_not_answer(cast: Cast) -> None:
    ada = add_person("ada", team=cast.root, roles=["administrator", "policy_officer"], scope=cast.root)
    legal = RoleAssignment.objects.get(user=cast.frank, role__slug="legal").role
    roles.assign_role(actor=ada, user=cast.dave, role=legal, team=cast.root, now=NOW)
    row = ask(cast, actor=ada)
    refused(lambda: agree(row, cast.dave), SeparationOfDuties, "Ada added Dave")
    assert agree(row, cast.frank).state == "published"


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"effective_from": NOW - timedelta(days=1)}, "effective_from", "has passed"),
        ({"effective_from": NOW - timedelta(days=2), "consent_due": NOW - timedelta(days=1)}, "effective_from", "has"),
        ({"consent_due": NOW - timedelta(minutes=1)}, "consent_due", "has passed"),
        ({"consent_due": NOW + timedelta(days=6, hours=23)}, "consent_due", "less than 7 days"),
        ({"effective_from": NOW + timedelta(days=8), "consent_due": DUE}, "consent_due", "less than 7 days"),
        ({"effective_from": NOW + timedelta(days=400)}, "effective_from", "days ahead"),
        ({"consent_due": NOW + timedelta(days=400)}, "consent_due", "earlier day"),
        ({"text": ""}, "text", "empty"),
    ],
)
def test_dates_that_lock_people_out_are_refused(cast: Cast, changes: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        ask(cast, **changes)
    assert field in caught.value.errors
    assert not AcceptableUsePublication.objects.exists()


def test_a_clause_names_only_rules_that_enforce_it(cast: Cast) -> None:
    clause = {"number": "4.2", "title": "Emotions", "rule_ids": ["AU-1", "AU-1.emotion_recogniton"]}
    with pytest.raises(InvalidInput, match=r"did you mean `AU-1\.emotion_recognition`\?") as caught:
        ask(cast, clauses=[clause])
    assert set(caught.value.errors) == {"clauses"}
    assert ask(cast, clauses=[clause | {"rule_ids": ["AU-1", "AU-1.emotion_recognition"]}]).state == "asked"


def test_seven_days_to_the_minute_are_enough_and_the_days_are_a_setting(cast: Cast, settings: Any) -> None:
    week = NOW + timedelta(days=7)
    assert ask(cast, now=NOW.replace(second=30), consent_due=week).state == "asked"
    settings.CONSENT_DAYS_MIN = 14
    with pytest.raises(InvalidInput, match="less than 14 days"):
        ask(cast, text="2. Other.", consent_due=NOW + timedelta(days=13))


def test_an_answer_that_comes_late_takes_no_days_away_from_people(cast: Cast) -> None:
    row = ask(cast)
    late = NOW + timedelta(days=5)
    refused(lambda: agree(row, cast.frank, now=late), NotReady, "less than 7 days.*ask again")
    acceptable_use.withdraw_publication(publication_id=row.pk, actor=cast.frank, reason="too late", now=late)
    refused(lambda: agree(row, cast.frank, now=late), AlreadyDecided, "withdrawn")


def test_an_answer_after_its_first_day_publishes_from_then_on(cast: Cast) -> None:
    row = ask(cast, effective_from=NOW + timedelta(hours=2))
    late = NOW + timedelta(days=1)
    assert agree(row, cast.frank, now=late).version.effective_from == late


def test_one_publication_of_a_statement_waits_at_a_time_and_a_refusal_says_why(cast: Cast) -> None:
    row = ask(cast)
    assert ask(cast).pk == row.pk
    refused(lambda: ask(cast, text="2. Other."), AlreadyDecided, "waits already")
    refused(lambda: agree(row, cast.frank, answer="refuse"), InvalidInput, "at least")
    refused(lambda: agree(row, cast.frank, answer="maybe"), InvalidInput, "maybe")
    assert agree(row, cast.frank, answer="refuse", reason="not now").state == "refused"
    assert not told("aup_published")


def test_a_yes_is_refused_when_whoever_asked_may_not_publish_any_more(cast: Cast) -> None:
    row = ask(cast)
    RoleAssignment.objects.filter(user=cast.grace, role__slug="policy_officer").update(valid_to=NOW)
    refused(lambda: agree(row, cast.frank), NotReady, "Grace, who asked, may not publish")


# -- everybody concerned is told


def test_everybody_concerned_is_told_at_publication_once(cast: Cast) -> None:
    Person.objects.filter(pk=cast.dave.person_id).update(is_active=False)
    User.objects.filter(pk=cast.heidi.pk).update(is_active=False)
    agree(ask(cast), cast.frank)
    assert told("aup_published") == ["Alice", "Bob", "Carol", "Erin", "Frank", "Grace"]
    # Officers and auditors also learn who published it.
    assert told("publication_in_force") == ["Erin", "Grace"]
    message = written("aup_published", "Alice")
    assert "or new requests stop" in subject_of(message)
    assert "/acceptable-use/" in text_of(message)
    text = text_of(written("publication_in_force", "Erin"))
    assert "Requested by: Grace, on the command line" in text
    assert "Approved by: Frank" in text


def test_the_mail_of_publication_is_not_silenced_by_anything_but_an_acceptance(cast: Cast) -> None:
    row = agree(ask(cast), cast.frank)
    acceptable_use.accept_version(version_id=row.version.pk, actor=cast.alice, now=NOW)
    with pytest.raises(Moot, match="accepted"):
        written("aup_published", "Alice")
    assert subject_of(written("aup_published", "Bob"))
    assert subject_of(written("publication_in_force", "Erin"))


def test_whoever_has_not_accepted_is_reminded_before_and_on_the_day_once_each(cast: Cast) -> None:
    version = agree(ask(cast), cast.frank).version
    for name in ("bob", "carol", "dave", "erin", "frank", "grace"):
        acceptable_use.accept_version(version_id=version.pk, actor=cast.users[name], now=NOW)
    for days in (0, 1, 6):
        assert acceptable_use.remind_consent(now=NOW + timedelta(days=days)) == 0
    before = DUE - timedelta(days=2)
    assert acceptable_use.remind_consent(now=before) == 2
    assert acceptable_use.remind_consent(now=before + timedelta(hours=1)) == 0
    assert told("consent_due_soon") == ["Alice", "Heidi"]
    acceptable_use.accept_version(version_id=version.pk, actor=cast.heidi, now=before)
    with pytest.raises(Moot, match="accepted"):
        written("consent_due_soon", "Heidi", now=before)
    assert "by Thu" in subject_of(written("consent_due_soon", "Alice", now=before))
    assert acceptable_use.remind_consent(now=DUE) == 1
    assert acceptable_use.remind_consent(now=DUE + timedelta(minutes=15)) == 0
    assert told("consent_due") == ["Alice"]
    assert "cannot submit new requests until you accept" in subject_of(written("consent_due", "Alice", now=DUE))


def test_of_a_version_that_a_newer_one_replaced_nobody_is_reminded(cast: Cast) -> None:
    agree(ask(cast), cast.frank)
    agree(
        ask(
            cast, text="2. Say it again.", effective_from=NOW + timedelta(days=1), consent_due=NOW + timedelta(days=20)
        ),
        cast.frank,
    )
    assert acceptable_use.remind_consent(now=DUE - timedelta(days=1)) == 0


def test_what_an_installation_begins_with_reminds_nobody(cast: Cast) -> None:
    assert acceptable_use.remind_consent(now=NOW + timedelta(days=1)) == 0
    assert not Alert.objects.filter(kind__startswith="consent").exists()
