"""Writes down which approvals of a request stopped counting, so that each stays lapsed and its stage can be decided."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from governance.models import ApprovalDecision, ApprovalLapse, ProvisioningRequest
from governance.selectors.approvals import authority
from governance.services.record import audit


def note_lapses(
    approvals: Iterable[ApprovalDecision], request: ProvisioningRequest, *, now: datetime
) -> list[ApprovalLapse]:
    """Record those of the approvals that no longer count. The caller holds the request's lock.

    Args:
        approvals: as `authority.counting` reads them.

    Returns:
        What is new, for `lapse_entries`.
    """
    given = {approval.pk: approval for approval in approvals}
    found = authority.lapsed(given.values(), request, now=now)
    return ApprovalLapse.objects.bulk_create(
        [ApprovalLapse(decision=given[pk], why=why, noticed_at=now) for pk, why in found.items()]
    )


def lapse_entries(lapses: Iterable[ApprovalLapse], request: ProvisioningRequest) -> list[audit.Entry]:
    """An audit event for each, for the caller to record last."""
    return [
        audit.Entry(
            "approval.lapsed",
            lapse.decision.stage,
            request,
            {"decision": lapse.decision_id, "role": lapse.decision.stage.role.slug, "why": lapse.why},
        )
        for lapse in lapses
    ]
