"""The outbox: promises a mail in the transaction that causes it, and delivers it later, once.

Delivery is the one service that is not one transaction: claim (tx), send (no tx), settle (tx).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from governance.models import Alert, ApprovalDecision, ApprovalStage, Grant, ProvisioningRequest, User
from governance.selectors import people
from governance.selectors.assessments import Assessed


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
    Alert.objects.bulk_create(
        [
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
        ],
        ignore_conflicts=True,
    )


def message_id(key: str) -> str:
    """Deterministic Message-ID: a mail that is sent twice after a crash is recognised as the same one."""
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{urlsplit(settings.SITE_URL).hostname or "localhost"}>"


def tell_stage_opened(stage: ApprovalStage, request: ProvisioningRequest, *, now: datetime) -> None:
    """Mail 1: everyone who could decide the stage."""
    if request.project is None:
        return
    lineage = request.lineage
    directory = people.directory_for(
        request.project,
        excluded=people.excluded_people(
            requester=request.requester,
            beneficiary_id=request.beneficiary_id,
            lineage_owner_id=lineage.owner_id if lineage else None,
        ),
        exposure_micro=request.exposure_micro,
        now=now,
    )
    enqueue(
        "stage_opened",
        subject=f"stage:{stage.pk}:{stage.opened_at:%Y%m%dT%H%M%S}",
        recipients=directory.eligible(stage.role.slug),
        request=request,
        payload={"stage": stage.pk},
        now=now,
    )


def tell_request_answered(
    request: ProvisioningRequest, assessed: Assessed, *, actor: User, now: datetime
) -> None:
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
    """Mail 5, which is also the yes of mail 2: one fact, one mail."""
    enqueue(
        "grant_issued",
        subject=f"grant:{grant.pk}",
        recipients=[grant.owner_id],
        request=grant.provisioning_request,
        payload={"grant": grant.pk},
        now=now,
    )
