"""The desk's lists in words: 24 hours, people by name, references instead of row numbers, and no query per row."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from governance.models import ApprovalStage, AuditEvent, Flag
from governance.services.approvals import decisions
from tests.admin.conftest import signed_in
from tests.admin.test_decide import ask
from tests.cast import Cast, open_stage

AUDIT = reverse("admin:governance_auditevent_changelist")
FLAGS = reverse("admin:governance_flag_changelist")


def decided(cast: Cast, now: datetime) -> ApprovalStage:
    stage = open_stage(ask(cast, now, gpu_hours_cap=5000.0))
    decisions.decide(
        stage_id=stage.pk, actor=cast.bob, verdict="approve", reason="needed for the release",
        revision_digest=stage.revision.digest, now=now,
    )  # fmt: skip
    return stage


def test_an_event_names_the_request_and_the_role_that_it_is_about(house_cast: Cast, now: datetime) -> None:
    stage = decided(house_cast, now)
    page = signed_in(house_cast.carol).get(AUDIT).content.decode()
    assert f"{stage.provisioning_request.reference}, Team lead" in page
    assert "approvalstage" not in page
    event = AuditEvent.objects.filter(subject_type="approvalstage").latest("seq")
    record = signed_in(house_cast.carol).get(reverse("admin:governance_auditevent_change", args=[event.pk]))
    assert record.status_code == 200


def test_the_audit_log_needs_as_many_queries_for_many_events_as_for_few(house_cast: Cast, now: datetime) -> None:
    client = signed_in(house_cast.carol)
    counts = []
    for _ in range(2):
        decided(house_cast, now)
        client.get(AUDIT)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(AUDIT).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 12


def test_a_flag_has_its_kind_in_words_its_time_in_24_hours_and_its_closer_by_name(
    house_cast: Cast, now: datetime
) -> None:
    for index in range(3):
        Flag.objects.create(
            key=f"test:{index}", kind="budget_threshold", sentence=f"Line {index}", raised_at=now, closed_at=now,
            closed_by=house_cast.bob, close_reason="looked at",
        )  # fmt: skip
    client = signed_in(house_cast.carol)
    client.get(FLAGS)
    with CaptureQueriesContext(connection) as queries:
        page = client.get(FLAGS).content.decode()
    assert len(queries) <= 12
    row = page.split("Line 0")[1].split("</tr>")[0]
    assert "Budget threshold" in row
    assert house_cast.bob.person.name in row
    assert house_cast.bob.email not in row
    assert "p.m." not in row
    assert "a.m." not in row


@pytest.mark.parametrize("column", ["raised at", "kind"])
def test_a_list_in_words_still_sorts(house_cast: Cast, now: datetime, column: str) -> None:
    for index, kind in enumerate(("split", "idle")):
        Flag.objects.create(key=f"test:{index}", kind=kind, sentence=f"Line {index}", raised_at=now)
    page = signed_in(house_cast.carol).get(FLAGS)
    headers = page.content.decode().lower().split("<th")
    assert any(column in header and "o=" in header for header in headers)
