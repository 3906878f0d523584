"""Ends a request before anybody has decided it: withdrawn by its requester, or expired with its hold."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from governance.domain.limits import REASON_CHARS_MAX
from governance.domain.states.messages import FlagKind
from governance.domain.states.money import HoldEvent, HoldState
from governance.domain.states.requests import Event, State
from governance.domain.text import clean_reason
from governance.models import BudgetHold, ProvisioningRequest, User
from governance.services.approvals import stages
from governance.services.messages import alerts, flags
from governance.services.money import budgets
from governance.services.record import audit
from governance.services.requests import drafts, moves


@transaction.atomic(durable=True)
def withdraw_request(*, request_id: int, actor: User, reason: str, now: datetime) -> ProvisioningRequest:
    """Take a request back for good; its hold is released. Withdrawing twice changes nothing.

    Raises:
        NotRequester, IllegalTransition.
    """
    request = ProvisioningRequest.objects.lock(request_id)
    drafts.require_requester(request, actor)
    if request.state == State.WITHDRAWN:
        return request
    reason = clean_reason("reason", reason, REASON_CHARS_MAX, required=False)
    held = BudgetHold.objects.filter(provisioning_request=request, state=HoldState.OPEN).exists()
    moves.answer(request, Event.WITHDRAW, now=now)
    if held:
        budgets.resolve_hold(request, HoldEvent.RELEASE, actor=actor, now=now)
    stages.cancel_stages(request, now=now)
    audit.record("request.withdrawn", actor=actor, subject=request, now=now, reason=reason)
    return request


@transaction.atomic(durable=True)
def expire_request(*, request_id: int, actor: User, now: datetime) -> bool:
    """End a request whose hold has run out without an answer. True when this call ended it."""
    request = ProvisioningRequest.objects.lock(request_id)
    hold = BudgetHold.objects.filter(provisioning_request=request, state=HoldState.OPEN, expires_at__lte=now).first()
    if hold is None:
        return False
    budgets.resolve_hold(request, HoldEvent.EXPIRE, actor=actor, now=now)
    stages.cancel_stages(request, now=now)
    moves.answer(request, Event.EXPIRE_HOLD, now=now)
    flags.raise_flag(
        key=f"hold_expired:{hold.pk}",
        kind=FlagKind.HOLD_EXPIRED,
        sentence=f"{request.reference}: the hold ended without an answer; its money is released",
        request=request,
        now=now,
    )
    alerts.tell_request_expired(request, now=now)
    audit.record("request.expired", actor=actor, subject=request, now=now, released_micro=hold.amount_micro)
    return True
