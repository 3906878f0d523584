"""Sweeps find states of rows: once each, together, late, or killed in between."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from governance.domain.errors import NotAllowed, NotFound
from governance.domain.limits import HOLD_DAYS_MAX
from governance.domain.money.money import MICRO_PER_UNIT
from governance.models import Alert, ApprovalLimit, ApprovalStage, AuditEvent, Flag, Grant, JobRun, Role
from governance.services.approvals import decisions
from governance.services.messages import flags, sweeps
from governance.services.record import audit, jobs
from governance.services.requests import submission, withdrawal
from tests.cast import NOW, Cast, content, open_stage, submitted
from tests.concurrency.crowd import at_once

LATE = NOW + timedelta(days=7)


def limit(cast: Cast, usd: int, *, since: datetime, role: str = "team_lead") -> ApprovalLimit:
    return ApprovalLimit.objects.create(
        role=Role.objects.get(slug=role), team=cast.root, amount_micro_max=usd * MICRO_PER_UNIT, valid_from=since
    )


def approved(cast: Cast, **changes: Any) -> Grant:
    request = submitted(cast, **changes)
    stage = open_stage(request)
    decisions.decide(
        stage_id=stage.pk, actor=cast.bob, verdict="approve", reason="Fits the plan.",
        revision_digest=stage.revision.digest, now=NOW,
    )  # fmt: skip
    return Grant.objects.get(provisioning_request=request)


def test_an_overdue_review_is_flagged_once_however_often_one_looks(cast: Cast) -> None:
    request = submitted(cast)
    assert sweeps.sweep_limits(now=NOW) == 0
    assert sweeps.sweep_limits(now=LATE) == 1
    assert sweeps.sweep_limits(now=LATE + timedelta(hours=1)) == 0
    flag = Flag.objects.get()
    assert (flag.kind, flag.provisioning_request) == ("review_overdue", request)
    assert "team lead was due on 3\N{NO-BREAK SPACE}Jun 2026, 17:00 UTC" in flag.sentence
    event = AuditEvent.objects.get(action="flag.raised")
    assert (event.subject_id, event.request_id) == (flag.pk, request.pk)


def test_a_limit_lowered_since_flags_the_open_ask_and_the_running_grant(cast: Cast) -> None:
    grant = approved(cast)
    waiting = submitted(cast)
    limit(cast, 5_000, since=NOW)
    assert sweeps.sweep_limits(now=NOW) == 0
    ApprovalLimit.objects.update(valid_to=NOW + timedelta(hours=1))
    limit(cast, 500, since=NOW + timedelta(hours=1))
    assert sweeps.sweep_limits(now=NOW + timedelta(hours=2)) == 2
    flags = {flag.grant_id or flag.provisioning_request_id: flag for flag in Flag.objects.all()}
    assert {flag.kind for flag in flags.values()} == {"above_approval_limit"}
    assert Flag.objects.get(grant=grant).sentence.endswith("may approve more than 500\N{NO-BREAK SPACE}USD")
    assert Flag.objects.get(grant=None).provisioning_request == waiting
    assert sweeps.sweep_limits(now=NOW + timedelta(hours=3)) == 0


def test_a_grant_is_within_limits_as_long_as_one_approving_role_may_approve_it(cast: Cast) -> None:
    approved(cast)
    limit(cast, 500, since=NOW, role="finance")
    assert sweeps.sweep_limits(now=NOW) == 0


def test_spending_and_hours_above_the_cap_are_flagged_each_and_anew_when_the_cap_was_raised(cast: Cast) -> None:
    grant = approved(cast)
    Grant.objects.update(spent_micro=grant.cost_cap_micro + 1, gpu_hours_used=1_000.5)
    assert sweeps.sweep_limits(now=NOW) == 2
    assert sweeps.sweep_limits(now=NOW) == 0
    Grant.objects.update(gpu_hours_cap=2_000.0, gpu_hours_used=2_001.0)
    assert sweeps.sweep_limits(now=NOW) == 1


def test_holds_expire_in_one_run_after_an_outage(cast: Cast) -> None:
    requests = [submitted(cast) for _ in range(3)]
    assert sweeps.expire_holds(now=NOW + timedelta(days=HOLD_DAYS_MAX) - timedelta(seconds=1)) == 0
    assert sweeps.expire_holds(now=NOW + timedelta(days=HOLD_DAYS_MAX + 9)) == 3
    assert sweeps.expire_holds(now=NOW + timedelta(days=HOLD_DAYS_MAX + 9)) == 0
    for request in requests:
        request.refresh_from_db()
        assert request.state == "expired"
    cast.budget.refresh_from_db()
    assert cast.budget.held_micro == 0
    assert Alert.objects.filter(kind="request_expired").count() == 3


def test_one_request_that_cannot_expire_does_not_keep_the_others(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = submitted(cast), submitted(cast)
    real = withdrawal.expire_request

    def expire(*, request_id: int, **rest: Any) -> bool:
        if request_id == first.pk:
            raise RuntimeError("broken row")
        return real(request_id=request_id, **rest)

    monkeypatch.setattr(withdrawal, "expire_request", expire)
    assert sweeps.expire_holds(now=NOW + timedelta(days=20)) == 1
    second.refresh_from_db()
    assert second.state == "expired"
    run = JobRun.objects.get(name="expire_holds")
    assert (run.state, run.done_count) == ("failed", 1)
    assert f"request {first.pk}: RuntimeError: broken row" in run.error


def test_grants_end_and_are_flagged_even_if_a_run_was_killed_in_between(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant = approved(cast)
    after = grant.ends_at
    assert sweeps.end_grants(now=after - timedelta(seconds=1)) == 0
    with monkeypatch.context() as patched:
        patched.setattr(sweeps, "_flag_all", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            sweeps.end_grants(now=after)
    assert not Flag.objects.exists()
    sweeps.end_grants(now=after + timedelta(minutes=5))
    assert Flag.objects.get().kind == "grant_ended"
    grant.refresh_from_db()
    assert grant.state == "ended"
    assert JobRun.objects.filter(name="end_grants", state="failed").count() == 1


def test_reminder_at_half_time_then_escalation_once_each(cast: Cast) -> None:
    stage = open_stage(submitted(cast))
    assert stage.due_at is not None
    half = NOW + (stage.due_at - NOW) / 2
    assert sweeps.remind_stages(now=half - timedelta(seconds=1)) == 0
    assert sweeps.remind_stages(now=half) == 1
    assert sweeps.remind_stages(now=half + timedelta(minutes=5)) == 0
    assert sweeps.remind_stages(now=stage.due_at) == 1
    assert sweeps.remind_stages(now=stage.due_at + timedelta(days=1)) == 0
    stage.refresh_from_db()
    assert (stage.reminded_at, stage.escalated_at) == (half, stage.due_at)
    actions = AuditEvent.objects.filter(subject_type="approvalstage").values_list("action", flat=True)
    assert sorted(actions) == ["stage.escalated", "stage.reminded"]
    kinds = Alert.objects.exclude(kind="stage_opened").values_list("kind", "recipient__name")
    assert set(kinds) == {("stage_reminded", "Bob"), ("stage_reminded", "Frank"), ("stage_escalated", "Carol")}


def test_a_stage_that_is_opened_again_is_reminded_again(cast: Cast) -> None:
    stage = open_stage(submitted(cast))
    assert stage.due_at is not None
    sweeps.remind_stages(now=stage.due_at)
    again = stage.due_at + timedelta(days=1)
    ApprovalStage.objects.update(opened_at=again, remind_at=again + timedelta(days=1), due_at=again + timedelta(days=2))
    assert sweeps.remind_stages(now=again + timedelta(hours=1)) == 0
    assert sweeps.remind_stages(now=again + timedelta(days=1, hours=1)) == 1
    assert Alert.objects.filter(kind="stage_reminded").count() == 4


def test_a_decided_stage_is_neither_reminded_nor_flagged(cast: Cast) -> None:
    approved(cast)
    assert sweeps.remind_stages(now=LATE) == 0
    assert sweeps.sweep_limits(now=LATE) == 0


@pytest.mark.django_db(transaction=True)
def test_eight_sweeps_at_once_raise_each_flag_once(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards: the unique key of a flag. The lock between sweeps is taken out: rows alone have to hold."""
    stages = [open_stage(submitted(cast)) for _ in range(3)]
    for number in range(60):
        ApprovalStage.objects.create(
            provisioning_request=stages[0].provisioning_request, revision=stages[0].revision, order=1,
            role=Role.objects.create(slug=f"role-{number}", name=f"Role {number}"), quorum=1, due_working_days=1,
            state="open", opened_at=NOW, due_at=NOW + timedelta(days=1),
        )  # fmt: skip
    monkeypatch.setattr(sweeps, "SWEEP_BATCH", 7)
    monkeypatch.setattr(jobs, "alone", AlwaysAlone)
    results = at_once([partial(sweeps.sweep_limits, now=LATE) for _ in range(8)])
    assert sum(results) == 63, results
    assert Flag.objects.filter(kind="review_overdue").count() == 63
    assert AuditEvent.objects.filter(action="flag.raised").count() == 63
    assert audit.verify() == []


@pytest.mark.django_db(transaction=True)
def test_only_one_sweep_of_a_kind_runs_at_a_time(cast: Cast) -> None:
    """Guards: the advisory lock; a second run looks at nothing and leaves no trace."""
    submitted(cast)
    with jobs.alone("sweep_limits") as is_alone:
        assert is_alone
        assert at_once([partial(sweeps.sweep_limits, now=LATE)]) == [0]
    assert not Flag.objects.exists()
    assert sweeps.sweep_limits(now=LATE) == 1


def test_a_long_backlog_goes_on_where_the_last_run_stopped(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        submitted(cast)
    monkeypatch.setattr(sweeps, "SWEEP_BATCH", 2)
    monkeypatch.setattr(sweeps, "BATCHES_MAX", 1)
    assert [sweeps.sweep_limits(now=LATE) for _ in range(4)] == [2, 2, 1, 0]


def test_a_run_stops_in_time_and_the_next_goes_on(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards: a backlog is worked off tick by tick; no run lasts until its process is ended."""
    for _ in range(3):
        submitted(cast)
    after = NOW + timedelta(days=HOLD_DAYS_MAX + 1)
    with monkeypatch.context() as patched:
        patched.setattr(jobs, "RUN_SECONDS_MAX", 0.0)
        assert sweeps.expire_holds(now=after) == sweeps.sweep_limits(now=LATE) == sweeps.remind_stages(now=LATE) == 0
    counts = []
    for _ in range(4):
        left = iter([True, False])
        with monkeypatch.context() as patched:
            patched.setattr(jobs.Run, "has_time", property(lambda run, left=left: next(left)))
            counts.append(sweeps.expire_holds(now=after))
    assert counts == [1, 1, 1, 0]


def test_rows_that_fail_every_time_do_not_hide_the_ones_behind_them(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = submitted(cast), submitted(cast)
    tried: list[int] = []

    def expire(*, request_id: int, **rest: Any) -> bool:
        tried.append(request_id)
        raise RuntimeError("broken row")

    monkeypatch.setattr(withdrawal, "expire_request", expire)
    for _ in range(3):
        left = iter([True, False])
        monkeypatch.setattr(jobs.Run, "has_time", property(lambda run, left=left: next(left, False)))
        sweeps.expire_holds(now=NOW + timedelta(days=HOLD_DAYS_MAX + 1))
    assert tried[:2] == [first.pk, second.pk]


def test_a_flag_is_closed_once_with_a_reason_by_somebody_who_decides(cast: Cast) -> None:
    submitted(cast)
    sweeps.sweep_limits(now=LATE)
    flag = Flag.objects.get()
    for name in ("alice", "dave", "erin"):
        with pytest.raises(NotAllowed):
            flags.close_flag(flag_id=flag.pk, actor=cast.users[name], reason="Nothing to see.", now=LATE)
    with pytest.raises(NotFound):
        flags.close_flag(flag_id=10**9, actor=cast.bob, reason="Looked at.", now=LATE)
    for reason in ("Looked at.", "Looked at again."):
        closed = flags.close_flag(flag_id=flag.pk, actor=cast.bob, reason=reason, now=LATE)
    assert (closed.closed_by, closed.close_reason) == (cast.bob, "Looked at.")
    assert AuditEvent.objects.filter(action="flag.closed").count() == 1


def test_quiet_runs_leave_one_row_and_killed_ones_are_named(cast: Cast) -> None:
    JobRun.objects.create(name="sweep_limits", state="running", started_at=NOW)
    for _ in range(4):
        sweeps.sweep_limits(now=NOW)
    runs = JobRun.objects.filter(name="sweep_limits").values_list("state", "error")
    assert sorted(runs) == [("done", ""), ("failed", "exited without reporting")]
    submission.create_and_submit(actor=cast.alice, content=content(accelerator_count=16), now=NOW)
    assert sweeps.sweep_limits(now=LATE) == 1
    assert sweeps.sweep_limits(now=LATE) == 0
    assert JobRun.objects.filter(name="sweep_limits", done_count=1).count() == 1


class AlwaysAlone:
    """Stands in for `jobs.alone`: everybody is let in."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> bool:
        return True

    def __exit__(self, *_: object) -> None:
        return None
