"""Every audit event names the interface that it came by, in its hash, and events from before still verify."""

from __future__ import annotations

import io
import json
import os
import pwd
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from governance import tasks
from governance.models import AuditEvent
from governance.services.record import audit, channel
from governance.services.requests import drafts, submission
from tests.cast import NOW, Cast, content

pytestmark = pytest.mark.django_db

ME = pwd.getpwuid(os.getuid()).pw_name


@pytest.fixture
def cast(cast_today: Cast) -> Cast:
    return cast_today


def last() -> tuple[str, str]:
    event = AuditEvent.objects.latest("seq")
    return event.channel, event.origin


def test_a_page_the_desk_and_the_api_are_told_apart(cast: Cast, client: Client) -> None:
    client.force_login(cast.alice)
    request = drafts.create_draft(actor=cast.alice, content=content(), now=timezone.now())
    client.post(reverse("web:request_discard", args=[request.number]))
    assert last() == ("web", "")
    body = content(start_on=timezone.now().date().isoformat(), end_on=None)
    answer = client.post("/api/v1/requests/", json.dumps({"content": body}), content_type="application/json")
    assert answer.status_code < 300, answer.content
    assert last() == ("api", "")
    client.force_login(cast.grace)
    answer = client.post(reverse("admin:governance_policyversion_import"), {"source": "name: x", "reason": ""})
    assert answer.status_code == 400
    row = cast.grace.policy_versions.model.objects.get(policy_set__slug="sustainability")
    text = row.source.replace("value: 250000.0", "value: 251000.0", 1)
    client.post(reverse("admin:governance_policyversion_import"), {"source": text, "reason": "a lower limit"})
    assert last() == ("desk", "")
    assert audit.verify() == []


def test_a_command_names_itself_and_who_runs_it_whatever_the_environment_says(
    cast: Cast, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("USER", "LOGNAME", "SUDO_USER"):
        monkeypatch.setenv(name, "somebody-else")
    row = cast.grace.policy_versions.model.objects.get(policy_set__slug="sustainability")
    file = tmp_path / "sustainability.yaml"
    file.write_text(row.source.replace("value: 250000.0", "value: 251000.0", 1), encoding="utf-8")
    call_command("policy", "import", str(file), "--actor", cast.grace.email, stdout=io.StringIO())
    assert last() == ("command", f"{ME}: policy")


def test_a_task_names_itself(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(tasks.sweeps, "end_grants", lambda now: seen.append(channel.current()))
    tasks.end_grants()
    tasks.end_grants.apply()
    assert [(each.channel.value, each.origin) for each in seen] == [("task", "governance.tasks.end_grants")] * 2


def test_what_no_interface_claims_was_started_by_somebody_on_the_machine(cast: Cast) -> None:
    drafts.create_draft(actor=cast.alice, content=content(), now=timezone.now())
    name, origin = last()
    assert name == "command"
    assert origin.startswith(f"{ME}: ")


def test_the_interface_where_it_began_stays_inside_and_is_forgotten_after() -> None:
    with channel.through(channel.Channel.API):
        with channel.through_command("policy"):
            assert channel.current().channel is channel.Channel.API
        assert channel.current().channel is channel.Channel.API
    assert channel.current().channel is channel.Channel.COMMAND


def test_a_channel_that_is_taken_out_put_in_or_changed_is_found(cast: Cast) -> None:
    event = AuditEvent.objects.latest("seq")
    assert audit.chain_hash(event) == event.hash
    for change in ({"channel": "web"}, {"origin": ""}, {"channel": "", "origin": ""}):
        changed = AuditEvent.objects.latest("seq")
        for name, value in change.items():
            setattr(changed, name, value)
        assert audit.chain_hash(changed) != changed.hash, change


def test_events_from_before_it_was_kept_keep_the_hash_that_they_were_written_with() -> None:
    """Taken from a log that an earlier release wrote; the row has no channel."""
    event = AuditEvent(
        stream="main", seq=7, action="team.created", actor_id=1, person_id=1, subject_type="team", subject_id=3,
        request_id=None, data={"slug": "research", "parent": 1}, previous_hash="ab" * 32,
        at=NOW,
    )  # fmt: skip
    assert audit.chain_hash(event) == "fdd64a2e9b60c145fe584ec2cfba6f6594eebe894ec395f5ff3d3dfffa73f58a"


def test_a_new_event_without_a_channel_is_refused_by_the_database(cast: Cast) -> None:
    event = AuditEvent.objects.latest("seq")
    event.pk, event.seq, event.channel, event.origin = None, event.seq + 1, "", ""
    with pytest.raises(DatabaseError, match="audit_channel_named"), transaction.atomic():
        event.save(force_insert=True)


def test_the_proof_counts_channels_and_the_decision_log_names_them(cast: Cast) -> None:
    now = timezone.now()
    with channel.through(channel.Channel.API):
        today = content(start_on=now.date().isoformat(), end_on=None)
        submission.create_and_submit(actor=cast.alice, content=today, now=now)
    out = io.StringIO()
    call_command("policy", "log", stdout=out)
    assert json.loads(out.getvalue().splitlines()[-1])["channel"] == "api"
    out = io.StringIO()
    call_command("policy", "log", "--verify", "--json", stdout=out)
    counts = json.loads(out.getvalue())["events_by_channel"]
    assert counts["api"] >= 1
    assert sum(counts.values()) == AuditEvent.objects.count()
    out = io.StringIO()
    call_command("policy", "log", "--verify", stdout=out)
    assert f"api {counts['api']:,}" in out.getvalue().splitlines()[-1]


def test_the_database_knows_the_channels_that_the_program_knows(cast: Cast) -> None:
    event = AuditEvent.objects.latest("seq")
    event.pk, event.seq, event.channel = None, event.seq + 1, "telex"
    with pytest.raises(DatabaseError, match="audit_channel_known"), transaction.atomic():
        event.save(force_insert=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM governance_auditevent WHERE channel = ''")
        assert cursor.fetchone() == (0,)
