from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction

from governance.models import APPEND_ONLY_TABLES, AuditEvent, AuditHead, ModelLineage
from governance.services.record import audit
from tests.cast import NOW, Cast, submitted

pytestmark = pytest.mark.django_db


def test_the_chain_holds_after_a_day_of_work(cast: Cast):
    submitted(cast)
    assert AuditEvent.objects.count() > 3
    assert audit.verify() == []


@pytest.mark.parametrize(("field", "value"), [("data", {"x": 1}), ("action", "grant.issued"), ("subject_id", 999)])
def test_a_changed_event_is_found(cast: Cast, field: str, value):
    submitted(cast)
    event = AuditEvent.objects.order_by("seq")[1]
    setattr(event, field, value)
    assert audit.chain_hash(event) != event.hash


def test_an_event_about_very_large_numbers_holds(cast: Cast):
    """JSON in the database is kept by value: 9e24 comes back as a whole number of 25 digits."""
    lineage = ModelLineage.objects.create(slug="aurora", name="Aurora", owner=cast.alice.person)
    audit.record("lineage.changed", actor=cast.alice, subject=lineage, now=NOW, cumulative_flop_p90=9e24)
    assert isinstance(AuditEvent.objects.latest("seq").data["cumulative_flop_p90"], int)
    assert audit.verify() == []


def test_a_number_that_nobody_could_have_written_is_found(cast: Cast):
    """Verifying tells it like any other change instead of ending at it."""
    audit.record("lineage.changed", actor=cast.alice, subject=cast.project, now=NOW, cumulative_flop_p90=9e24)
    event = AuditEvent.objects.latest("seq")
    AuditHead.objects.update(seq=event.seq + 1)
    AuditEvent.objects.create(
        stream=event.stream, seq=event.seq + 1, action=event.action, actor=cast.alice, person_id=event.person_id,
        subject_type=event.subject_type, subject_id=event.subject_id, data={"cumulative_flop_p90": 10**400}, at=NOW,
        channel=event.channel, origin=event.origin, previous_hash=event.hash, hash=event.hash,
    )  # fmt: skip
    assert f"event {event.seq + 1} was changed after it was written" in audit.verify()


def test_a_head_that_does_not_match_is_found(cast: Cast):
    submitted(cast)
    AuditHead.objects.update(seq=1)
    assert "head says 1" in audit.verify()[0]


def test_an_action_without_a_name_is_a_mistake(cast: Cast):
    with pytest.raises(KeyError):
        audit.record("request.exploded", actor=cast.alice, subject=cast.project, now=NOW)


@pytest.mark.parametrize("table", APPEND_ONLY_TABLES)
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_append_only_tables_refuse_to_be_rewritten(cast: Cast, table: str, statement: str):
    if table == "governance_factrow":
        statement = statement.replace("id = id", "assessment_id = assessment_id")
    submitted(cast)
    refused = pytest.raises(DatabaseError, match=r"permission denied|append-only")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(table))
