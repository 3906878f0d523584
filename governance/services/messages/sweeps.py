"""Follows what was asked and granted: expires, ends, reminds, escalates, and flags what exceeds its limits.

Every sweep may run twice, at once, late, or be killed in between. What it writes is keyed by subject, limit and
revision, each in a short transaction; what it looks for is a state of rows, never "since the last run".
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q, QuerySet

from governance.domain.limits import SWEEP_BATCH
from governance.domain.states.approvals import StageState
from governance.domain.states.grants import GrantState
from governance.domain.states.money import HoldState
from governance.models import ApprovalStage, BudgetHold, Flag, Grant, ProvisioningRequest, User
from governance.selectors.messages import exceeding
from governance.selectors.messages.exceeding import Finder, Finding
from governance.selectors.people.people import system_actor
from governance.services.grants import grants
from governance.services.messages import alerts, flags
from governance.services.record import audit, jobs
from governance.services.record.jobs import BATCHES_MAX, Run
from governance.services.requests import withdrawal

FLAGS_PER_TRANSACTION = 20
"""Few enough that nobody waits long for the end of the audit log."""

LIMIT_FINDERS: tuple[Finder, ...] = (
    exceeding.overdue_stages,
    exceeding.stages_above_limit,
    exceeding.grants_above_limit,
    exceeding.grants_above_cap,
)


def expire_holds(*, now: datetime) -> int:
    """End every request whose hold ran out without an answer. How many this run ended."""
    with jobs.sweep("expire_holds", now=now) as run:
        if run is None:
            return 0
        actor = system_actor()
        for hold in run.rows(BudgetHold.objects.filter(state=HoldState.OPEN, expires_at__lte=now), "holds"):
            request_id = hold.provisioning_request_id
            with run.apart(f"request {request_id}"):
                run.done_count += withdrawal.expire_request(request_id=request_id, actor=actor, now=now)
        return run.done_count


def end_grants(*, now: datetime) -> int:
    """End grants whose window is over, and flag each. How many this run ended."""
    with jobs.sweep("end_grants", now=now) as run:
        if run is None:
            return 0
        actor = system_actor()
        for grant in run.rows(Grant.objects.filter(state=GrantState.ACTIVE, ends_at__lte=now), "grants"):
            with run.apart(f"grant {grant.pk}"):
                run.done_count += grants.end_grant(grant_id=grant.pk, actor=actor, now=now)
        ended = run.done_count
        # Found by the flag that is missing: a run that was killed in between is made up for.
        _flag_all(run, exceeding.grants_ended, actor=actor, now=now)
        return ended


def sweep_limits(*, now: datetime) -> int:
    """Flag overdue reviews, asks and grants above approval limits, grants above their caps. How many are new."""
    with jobs.sweep("sweep_limits", now=now) as run:
        if run is None:
            return 0
        actor = system_actor()
        for find in LIMIT_FINDERS:
            _flag_all(run, find, actor=actor, now=now)
        return run.done_count


def remind_stages(*, now: datetime) -> int:
    """Remind who has let half of the time go by; tell who stands in for those who are late. How many stages."""
    with jobs.sweep("remind_stages", now=now) as run:
        if run is None:
            return 0
        actor = system_actor()
        for name, stages, act in (("half_gone", _half_gone(now), _remind), ("late", _late(now), _escalate)):
            for stage in run.rows(stages, name):
                with run.apart(f"stage {stage.pk}"):
                    run.done_count += act(stage_id=stage.pk, actor=actor, now=now)
        return run.done_count


# --------------------------------------------------------------------------- stages


def _half_gone(now: datetime) -> QuerySet[ApprovalStage]:
    return ApprovalStage.objects.filter(_not_since_opened("reminded_at"), state=StageState.OPEN, remind_at__lte=now)


def _late(now: datetime) -> QuerySet[ApprovalStage]:
    return ApprovalStage.objects.filter(_not_since_opened("escalated_at"), state=StageState.OPEN, due_at__lte=now)


def _not_since_opened(column: str) -> Q:
    # A stage that was opened again starts its clock again.
    return Q(**{f"{column}__isnull": True}) | Q(**{f"{column}__lt": F("opened_at")})


@transaction.atomic(durable=True)
def _remind(*, stage_id: int, actor: User, now: datetime) -> bool:
    """Mail 4 to those who may decide a stage. False when it was closed or reminded meanwhile."""
    request, stage = _lock_stage(stage_id)
    if not _half_gone(now).filter(pk=stage.pk).exists():
        return False
    count = alerts.tell_stage_reminded(stage, request, now=now)
    stage.reminded_at = now
    stage.save(update_fields=["reminded_at"])
    audit.record("stage.reminded", actor=actor, subject=stage, request=request, now=now, people=count)
    return True


@transaction.atomic(durable=True)
def _escalate(*, stage_id: int, actor: User, now: datetime) -> bool:
    """Mail 4 to the role that stands in. False when the stage was closed or escalated meanwhile."""
    request, stage = _lock_stage(stage_id)
    if not _late(now).filter(pk=stage.pk).exists():
        return False
    count = alerts.tell_stage_escalated(stage, request, now=now)
    stage.escalated_at = now
    stage.save(update_fields=["escalated_at"])
    fallback = stage.role.fallback
    audit.record(
        "stage.escalated", actor=actor, subject=stage, request=request, now=now, people=count,
        role=fallback.slug if fallback else None,
    )  # fmt: skip
    return True


def _lock_stage(stage_id: int) -> tuple[ProvisioningRequest, ApprovalStage]:
    """The request's lock, then the stage as it is under it."""
    request_id = ApprovalStage.objects.values_list("provisioning_request_id", flat=True).get(pk=stage_id)
    request = ProvisioningRequest.objects.lock(request_id)
    return request, ApprovalStage.objects.select_related("role__fallback").get(pk=stage_id)


# ---------------------------------------------------------------------------- flags


def _flag_all(run: Run, find: Finder, *, actor: User, now: datetime) -> None:
    """Raise a flag for everything that `find` finds, from where the last run stopped."""
    name = find.__name__
    after = int(run.last.get(name, 0))
    for _ in range(BATCHES_MAX):
        if not run.has_time:
            return
        findings, last = find(after=after, size=SWEEP_BATCH, now=now)
        _raise_new(run, findings, actor=actor, now=now)
        if last is None:
            run.result[name] = 0
            return
        after = run.result[name] = last


def _raise_new(run: Run, findings: Sequence[Finding], *, actor: User, now: datetime) -> None:
    """Raise those that were not raised before, a few per transaction."""
    known = set(Flag.objects.filter(key__in=[finding.key for finding in findings]).values_list("key", flat=True))
    # In order of key: two sweeps at once wait for each other and never in a circle.
    new = sorted((finding for finding in findings if finding.key not in known), key=lambda finding: finding.key)
    for start in range(0, len(new), FLAGS_PER_TRANSACTION):
        chunk = new[start : start + FLAGS_PER_TRANSACTION]
        with run.apart(f"flags from {chunk[0].key}"):
            run.done_count += _raise(chunk, actor=actor, now=now)


@transaction.atomic(durable=True)
def _raise(findings: Sequence[Finding], *, actor: User, now: datetime) -> int:
    raised = []
    for finding in findings:
        flag = flags.raise_flag(
            key=finding.key, kind=finding.kind, sentence=finding.sentence, request=finding.request,
            grant=finding.grant, now=now, **finding.data,
        )  # fmt: skip
        if flag is not None:
            raised.append(flag)
    for flag in raised:
        audit.record(
            "flag.raised", actor=actor, subject=flag, request=flag.provisioning_request, now=now, kind=flag.kind
        )
    return len(raised)
