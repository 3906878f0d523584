"""Promises mails: outbox rows in the transaction that causes them, one per crossing and person."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from governance.models import (
    Alert,
    ApprovalDecision,
    ApprovalStage,
    Budget,
    Flag,
    Grant,
    PolicyActivation,
    ProvisioningRequest,
    User,
)
from governance.selectors import activations
from governance.selectors import alerts as selected
from governance.selectors.alerts import INFRASTRUCTURE_ROLE
from governance.selectors.assessments import Assessed
from governance.selectors.crossings import Crossing


def enqueue(
    kind: str,
    *,
    subject: str,
    recipients: Iterable[int],
    now: datetime,
    request: ProvisioningRequest | None = None,
    payload: dict[str, Any] | None = None,
) -> None:
    """Promise one mail to each person. The same kind about the same subject is promised once.

    Args:
        subject: names what happened, with its revision or generation, such as `stage:17`.
        recipients: person ids.
        payload: plain values that the mail shows; people by id.
    """
    _promise(_rows(kind, subject=subject, recipients=recipients, now=now, request=request, payload=payload))


def _rows(
    kind: str,
    *,
    subject: str,
    recipients: Iterable[int],
    now: datetime,
    request: ProvisioningRequest | None,
    payload: dict[str, Any] | None,
) -> list[Alert]:
    return [
        Alert(
            key=(key := f"{kind}:{subject}:{person}"),
            kind=kind,
            recipient_id=person,
            provisioning_request=request,
            payload=payload or {},
            message_id=message_id(key),
            created_at=now,
            next_attempt_at=now,
        )
        for person in sorted(set(recipients))
    ]


def _promise(rows: list[Alert]) -> None:
    if rows:
        Alert.objects.bulk_create(rows, ignore_conflicts=True)


def message_id(key: str) -> str:
    """Deterministic Message-ID: a mail that is sent twice after a crash is recognised as the same one."""
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{urlsplit(settings.SITE_URL).hostname or 'localhost'}>"


def tell_stages_opened(stages: Sequence[ApprovalStage], request: ProvisioningRequest, *, now: datetime) -> None:
    """Mail 1: everyone who could decide one of the stages, stand-ins included; a mail for each stage."""
    holders = selected.stage_holders(stages, request, now=now)
    rows: list[Alert] = []
    for stage in stages:
        recipients = [holder.person_id for holder in holders[stage.pk]]
        rows += _rows_about_stage("stage_opened", stage, request, recipients, now=now)
    _promise(rows)


def tell_stage_reminded(stage: ApprovalStage, request: ProvisioningRequest, *, now: datetime) -> int:
    """Mail 4, half of the time gone: the same people. How many."""
    holders = selected.stage_holders([stage], request, now=now)[stage.pk]
    recipients = [holder.person_id for holder in holders]
    _promise(_rows_about_stage("stage_reminded", stage, request, recipients, now=now))
    return len(holders)


def tell_stage_escalated(stage: ApprovalStage, request: ProvisioningRequest, *, now: datetime) -> int:
    """Mail 4, overdue: the people of the role that stands in. How many; 0 when no role does."""
    fallback = stage.role.fallback
    if fallback is None or request.project is None:
        return 0
    recipients = selected.role_holders(fallback.slug, request.project, now=now) - {request.requester.person_id}
    _promise(_rows_about_stage("stage_escalated", stage, request, recipients, now=now))
    return len(recipients)


def _rows_about_stage(
    kind: str, stage: ApprovalStage, request: ProvisioningRequest, recipients: Iterable[int], *, now: datetime
) -> list[Alert]:
    # A stage that is opened again is a new crossing: its opening is part of the key.
    opened_at = (stage.opened_at or now).astimezone(UTC)
    return _rows(
        kind,
        subject=f"stage:{stage.pk}:{opened_at:%Y%m%dT%H%M%S}",
        recipients=recipients,
        request=request,
        payload={"stage": stage.pk, "opened_at": opened_at.isoformat()},
        now=now,
    )


def tell_request_answered(request: ProvisioningRequest, assessed: Assessed, *, actor: User, now: datetime) -> None:
    """Mail 2 after a rule said no."""
    enqueue(
        "request_denied",
        subject=f"request:{request.pk}:{request.revision_count}",
        recipients=[request.requester.person_id],
        request=request,
        payload={"revision": request.revision_count},
        now=now,
    )


def tell_request_decided(request: ProvisioningRequest, decision: ApprovalDecision, *, now: datetime) -> None:
    """Mail 2 after a person said no."""
    enqueue(
        "request_rejected",
        subject=f"decision:{decision.pk}",
        recipients=[request.requester.person_id],
        request=request,
        payload={"decision": decision.pk},
        now=now,
    )


def tell_request_expired(request: ProvisioningRequest, *, now: datetime) -> None:
    """Mail 2 after a hold ran out."""
    enqueue(
        "request_expired",
        subject=f"request:{request.pk}:{request.revision_count}",
        recipients=[request.requester.person_id],
        request=request,
        payload={"revision": request.revision_count},
        now=now,
    )


def tell_changes_wanted(request: ProvisioningRequest, decision: ApprovalDecision, *, now: datetime) -> None:
    """Mail 3."""
    enqueue(
        "changes_wanted",
        subject=f"decision:{decision.pk}",
        recipients=[request.requester.person_id],
        request=request,
        payload={"decision": decision.pk},
        now=now,
    )


def tell_grant_issued(grant: Grant, *, actor: User, now: datetime) -> None:
    """Mail 5, which is also the yes of mail 2: one fact, one mail. The owner, and who looks after infrastructure."""
    # Whoever gave the last yes saw the grant on the page.
    recipients = selected.role_holders(INFRASTRUCTURE_ROLE, grant.project, now=now) - {actor.person_id}
    enqueue(
        "grant_issued",
        subject=f"grant:{grant.pk}",
        recipients=recipients | {grant.owner_id},
        request=grant.provisioning_request,
        payload={"grant": grant.pk},
        now=now,
    )


def tell_budget_crossed(
    budget: Budget, flag: Flag, crossing: Crossing, recipients: Iterable[int], *, now: datetime
) -> None:
    """Mail 7: the figures as they were when the line was crossed."""
    enqueue(
        "budget_threshold",
        subject=flag.key,
        recipients=recipients,
        payload={
            "flag": flag.pk,
            "level": crossing.level,
            "is_forecast": crossing.is_forecast,
            "used_ratio": crossing.used_ratio,
            "forecast_ratio": crossing.forecast_ratio,
            "earliest": crossing.earliest and crossing.earliest.isoformat(),
            "latest": crossing.latest and crossing.latest.isoformat(),
            "limit_micro": budget.limit_micro,
            "held_micro": budget.held_micro,
        },
        now=now,
    )


def tell_activation_asked(activation: PolicyActivation, *, now: datetime) -> None:
    """Mail 13: everybody who could answer it; never whoever asked."""
    _tell_activation("activation_asked", activation, activations.answerers(activation, now=now), now=now)


def tell_activation_lapsed(activation: PolicyActivation, *, now: datetime) -> None:
    """Mail 14: the two who agreed, and who expect it to rule."""
    _tell_activation("activation_lapsed", activation, activations.concerned(activation, now=now), now=now)


def tell_activation_late(activation: PolicyActivation, *, now: datetime) -> None:
    """Mail 14, when the program cannot put it in force: the same people."""
    _tell_activation("activation_late", activation, activations.concerned(activation, now=now), now=now)


def _tell_activation(kind: str, activation: PolicyActivation, recipients: Iterable[int], *, now: datetime) -> None:
    payload = {"activation": activation.pk}
    enqueue(kind, subject=f"activation:{activation.pk}", recipients=recipients, payload=payload, now=now)
