"""Requests in every state, as the reading pages meet them. Days are relative to today: the pages read the clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from governance.models import ApprovalStage, Grant, ProvisioningRequest
from governance.services.approvals import decisions
from governance.services.requests import drafts, submission
from tests import cast as casting
from tests.cast import Cast


def days(now: datetime | None = None) -> dict[str, str]:
    today = (now or timezone.now()).date()
    return {"start_on": today.isoformat(), "end_on": (today + timedelta(days=13)).isoformat()}


def waiting(cast: Cast, *, who: str = "alice", **changes: Any) -> ProvisioningRequest:
    """In review: a team lead has it."""
    return submission.create_and_submit(
        actor=cast.users[who], content=casting.reviewed(**(days() | changes)), now=timezone.now()
    )


def granted(cast: Cast, *, who: str = "alice", **changes: Any) -> Grant:
    """Allowed at once."""
    request = submission.create_and_submit(
        actor=cast.users[who], content=casting.content(**(days() | changes)), now=timezone.now()
    )
    return Grant.objects.get(provisioning_request=request)


def denied(cast: Cast, *, who: str = "alice", **changes: Any) -> ProvisioningRequest:
    """Refused by a rule."""
    content = casting.content(**(days() | {"purpose": "malware"} | changes))
    return submission.create_and_submit(actor=cast.users[who], content=content, now=timezone.now())


def draft(cast: Cast, *, who: str = "alice", **content: Any) -> ProvisioningRequest:
    return drafts.create_draft(actor=cast.users[who], content=content, now=timezone.now())


def decide(cast: Cast, request: ProvisioningRequest, verdict: str, reason: str, *, who: str = "bob") -> None:
    """Say something on the stage that this person may decide."""
    stage = ApprovalStage.objects.select_related("revision").filter(provisioning_request=request, state="open").first()
    assert stage is not None
    decisions.decide(
        stage_id=stage.pk,
        actor=cast.users[who],
        verdict=verdict,
        reason=reason,
        revision_digest=stage.revision.digest,
        now=timezone.now(),
    )
