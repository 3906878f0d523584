"""The outbox without a relay: what is promised, to whom, once; and who may queue a mail again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from governance.domain.errors import IllegalTransition, NotAllowed, NotFound
from governance.models import Alert, AuditEvent, Role, RoleAssignment
from governance.selectors.messages.alerts import outbox_state
from governance.services.messages import alerts
from governance.services.messages.alerts.delivery import BACKOFF_MAX
from tests.cast import NOW, Cast, submitted


def dead_alert(cast: Cast) -> Alert:
    alerts.enqueue("digest", subject="x", recipients=[cast.alice.person_id], now=NOW)
    Alert.objects.filter(kind="digest").update(
        state="dead", attempts=8, unconfirmed=2, last_error="550 no such mailbox"
    )
    return Alert.objects.get(kind="digest")


def test_the_same_crossing_is_promised_once_per_person(cast: Cast) -> None:
    for _ in range(3):
        alerts.enqueue("digest", subject="x", recipients=[cast.alice.person_id, cast.bob.person_id], now=NOW)
    alerts.enqueue("digest", subject="y", recipients=[cast.alice.person_id], now=NOW)
    assert Alert.objects.filter(kind="digest").count() == 3


def test_everyone_who_could_decide_a_stage_is_told_and_never_the_requester(cast: Cast) -> None:
    RoleAssignment.objects.create(
        user=cast.alice, role=Role.objects.get(slug="team_lead"), team=cast.team, valid_from=NOW - timedelta(days=1)
    )
    submitted(cast)
    told = Alert.objects.filter(kind="stage_opened").values_list("recipient__name", flat=True)
    assert sorted(told) == ["Bob", "Frank"]


def test_backoff_grows_and_stays_below_its_cap() -> None:
    waits = [alerts.backoff(attempts) for attempts in range(1, 9)]
    assert waits[:4] == [timedelta(seconds=seconds) for seconds in (20, 60, 180, 540)]
    assert waits == sorted(waits)
    assert waits[-1] <= BACKOFF_MAX
    assert alerts.backoff(10**6) == max(waits)


def test_an_administrator_queues_a_dead_mail_again_and_it_is_audited(cast: Cast) -> None:
    alert = dead_alert(cast)
    before = alert.message_id
    RoleAssignment.objects.create(
        user=cast.dave, role=Role.objects.get(slug="administrator"), team=cast.root, valid_from=NOW - timedelta(days=1)
    )
    again = alerts.redrive(alert_id=alert.pk, actor=cast.dave, now=NOW)
    again.refresh_from_db()
    assert (again.state, again.attempts, again.unconfirmed, again.next_attempt_at) == ("pending", 0, 0, NOW)
    assert again.message_id == before
    event = AuditEvent.objects.latest("seq")
    assert (event.action, event.subject_id, event.actor) == ("alert.requeued", alert.pk, cast.dave)
    assert alerts.redrive(alert_id=alert.pk, actor=cast.dave, now=NOW).state == "pending"
    assert AuditEvent.objects.filter(action="alert.requeued").count() == 1


def test_nobody_else_queues_mails_again(cast: Cast) -> None:
    alert = dead_alert(cast)
    for name in ("alice", "bob", "carol", "erin"):
        with pytest.raises(NotAllowed):
            alerts.redrive(alert_id=alert.pk, actor=cast.users[name], now=NOW)
    assert Alert.objects.get(pk=alert.pk).state == "dead"


def test_a_mail_that_was_sent_or_skipped_is_not_sent_again(cast: Cast) -> None:
    alert = dead_alert(cast)
    cast.dave.is_superuser = True
    for state in ("sent", "skipped"):
        Alert.objects.filter(pk=alert.pk).update(state=state)
        with pytest.raises(IllegalTransition, match=state):
            alerts.redrive(alert_id=alert.pk, actor=cast.dave, now=NOW)
    with pytest.raises(NotFound):
        alerts.redrive(alert_id=10**9, actor=cast.dave, now=NOW)


def test_the_outbox_says_what_is_late_and_what_was_given_up(cast: Cast) -> None:
    dead_alert(cast)
    alerts.enqueue("digest", subject="late", recipients=[cast.bob.person_id], now=NOW - timedelta(hours=1))
    alerts.enqueue("digest", subject="now", recipients=[cast.bob.person_id], now=NOW)
    state = outbox_state(now=NOW)
    assert (state.waiting_count, state.late_count, state.dead_count) == (2, 1, 1)
    assert state.oldest_at == NOW - timedelta(hours=1)
    assert state.sent_at is None
