"""Which statement a person owes, until when the one before counts, and who may publish."""

from __future__ import annotations

from datetime import timedelta

import pytest

from governance.domain.errors import InvalidInput, NotAllowed, NotFound
from governance.models import AcceptableUseVersion
from governance.selectors.requests.facts import acceptance_of
from governance.selectors.rules import acceptable_use as selector
from governance.services.rules import acceptable_use
from tests.cast import NOW, Cast
from tests.officers import published

DUE = NOW + timedelta(days=17)


def publish(cast: Cast, **changes: object) -> AcceptableUseVersion:
    return published(
        **{
            "slug": "compute",
            "asker": cast.grace,
            "second": cast.frank,
            "text": "1. Say what is true.\n\n4.2 No feelings are read.",
            "clauses": [
                {"number": "1", "title": "Truth"},
                {"number": "4.2", "title": "Emotions", "rule_ids": ["AU-1"]},
            ],
            "effective_from": NOW,
            "consent_due": DUE,
            "now": NOW,
        }
        | changes
    )


def test_the_version_before_counts_until_consent_is_due(cast: Cast) -> None:
    publish(cast)
    (found,) = selector.statements(cast.alice.person_id, now=NOW)
    assert (found.version.number, found.is_owed, found.counts) == (2, True, True)
    (later,) = selector.statements(cast.alice.person_id, now=DUE)
    assert not later.counts


def test_what_counts_here_is_what_the_rules_see(cast: Cast) -> None:
    publish(cast)
    for now in (NOW, DUE - timedelta(seconds=1), DUE, DUE + timedelta(days=1)):
        counts = all(each.counts for each in selector.statements(cast.alice.person_id, now=now))
        assert counts == acceptance_of(cast.alice.person_id, now=now)[0]


def test_accepting_settles_it_and_accepting_twice_changes_nothing(cast: Cast) -> None:
    version = publish(cast)
    first = acceptable_use.accept_version(version_id=version.pk, actor=cast.alice, now=NOW)
    again = acceptable_use.accept_version(version_id=version.pk, actor=cast.alice, now=DUE)
    assert first.pk == again.pk
    assert selector.owed(cast.alice.person_id, now=DUE) == []
    assert selector.owed(cast.heidi.person_id, now=DUE) != []


def test_an_older_version_and_a_future_one_cannot_be_accepted(cast: Cast) -> None:
    older = publish(cast)
    publish(cast, text="1. Say what is true, always.", effective_from=NOW + timedelta(hours=1))
    with pytest.raises(NotFound):
        acceptable_use.accept_version(version_id=older.pk + 1, actor=cast.heidi, now=NOW)
    with pytest.raises(NotAllowed):
        acceptable_use.accept_version(version_id=older.pk, actor=cast.heidi, now=NOW + timedelta(hours=2))


def test_the_text_of_the_newest_version_is_not_published_again(cast: Cast) -> None:
    publish(cast)
    with pytest.raises(InvalidInput, match="version 2 already"):
        publish(cast, effective_from=NOW + timedelta(hours=1))


def test_only_those_with_the_duty_publish(cast: Cast) -> None:
    with pytest.raises(NotAllowed):
        publish(cast, asker=cast.bob)
    with pytest.raises(NotFound):
        publish(cast, slug="nothing")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"text": "  "}, "text"),
        ({"text": "x" * 60_001}, "text"),
        ({"text": "nul \x00"}, "text"),
        ({"clauses": [{"title": "No number"}]}, "clauses"),
        ({"clauses": [{"number": "1", "title": "T", "script": "x"}]}, "clauses"),
        ({"clauses": [{"number": "1", "title": "T", "rule_ids": "AU-1"}]}, "clauses"),
        ({"clauses": [{"number": "1", "title": "T"}] * 201}, "clauses"),
        ({"consent_due": NOW - timedelta(days=1)}, "consent_due"),
    ],
)
def test_a_broken_version_is_refused_by_field(cast: Cast, changes: dict[str, object], field: str) -> None:
    before = AcceptableUseVersion.objects.count()
    with pytest.raises(InvalidInput) as refused:
        publish(cast, **changes)
    assert field in refused.value.errors
    assert AcceptableUseVersion.objects.count() == before


def test_only_changed_clauses_are_shown_as_changed(cast: Cast) -> None:
    version = publish(cast)
    acceptable_use.accept_version(version_id=version.pk, actor=cast.alice, now=NOW)
    publish(
        cast,
        text="1. Say what is true.\n\n4.2 No feelings are read, customers' agents included.\n\n4.3 No faces.",
        clauses=[
            {"number": "1", "title": "Truth"},
            {"number": "4.2", "title": "Emotions", "rule_ids": ["AU-1"]},
            {"number": "4.3", "title": "Faces"},
        ],
        effective_from=NOW + timedelta(hours=1),
    )
    (found,) = selector.statements(cast.alice.person_id, now=NOW + timedelta(hours=2))
    assert [(clause.number, clause.is_new) for clause in found.changed] == [("4.2", False), ("4.3", True)]
    assert found.changed[0].was == "No feelings are read."
    assert found.changed[0].text == "No feelings are read, customers' agents included."
