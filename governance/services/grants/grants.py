"""Issues and ends grants."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from governance.domain.errors import NoPrice, NotAllowed
from governance.domain.money.ledger import JournalKind
from governance.domain.states.grants import GrantEvent, GrantState
from governance.domain.states.money import HoldEvent, HoldState
from governance.models import Budget, BudgetHold, Grant, ProviderCommitment, ProvisioningRequest, RequestRevision, User
from governance.selectors.requests.judgement import Assessed
from governance.services.messages import alerts
from governance.services.money import budgets
from governance.services.record import audit, counters

OPEN_ENDED_DAYS = 90
"""An open-ended ask is granted for this long; then somebody looks at it again."""


def issue_grant(
    request: ProvisioningRequest, revision: RequestRevision, assessed: Assessed, *, actor: User, now: datetime
) -> audit.Entry:
    """Turn the hold into a commitment and write the permission.

    The caller holds the request's lock, those of the budgets in `assessed`, and its turn to grant.

    Returns:
        What the caller records, last.

    Raises:
        NoPrice: the request has no known cost, so nothing caps it.
    """
    hold = budgets.resolve_hold(request, HoldEvent.CAPTURE, actor=actor, now=now, path=assessed.context.path)
    if hold is None:
        raise NoPrice(
            f"{request.reference} has no price in the catalogue, so no cap can be set: record a price, "
            "or request a cap in money"
        )
    grant = prepare(request, revision, assessed, cost_cap_micro=hold.amount_micro, actor=actor, now=now)
    return issue(grant, now=now)


def prepare(
    request: ProvisioningRequest,
    revision: RequestRevision,
    assessed: Assessed,
    *,
    cost_cap_micro: int,
    actor: User,
    now: datetime,
) -> Grant:
    """A grant that is not written yet and has no number, and the mails about it.

    All that can be done before the locks for which everybody waits; `issue` does the rest.
    """
    content = assessed.content
    starts_at, ends_at = window(assessed, now)
    grant = Grant(
        provisioning_request=request,
        revision=revision,
        project=assessed.context.project,
        owner=request.requester.person,
        title=content.title,
        provider=content.provider or "",
        region=content.region or "",
        price_term=content.price_term,
        accelerator=content.accelerator or "",
        accelerator_count=content.accelerator_count,
        gpu_hours_cap=_hours_cap(assessed),
        cost_cap_micro=cost_cap_micro,
        starts_at=starts_at,
        ends_at=ends_at,
        issued_at=now,
        policy_digest=assessed.policy_digest,
    )
    counters.reserve_id(grant)
    alerts.tell_grant_issued(grant, actor=actor, now=now)
    return grant


def issue(grant: Grant, *, now: datetime) -> audit.Entry:
    """Number and write a grant that was prepared; its money is committed already.

    Returns:
        What the caller records, last.
    """
    _add_commitment(grant, now)
    grant.number = counters.next_number("grant")
    grant.save(force_insert=True)
    data = {"grant": grant.reference, "digest": grant.revision.digest, "cost_cap_micro": grant.cost_cap_micro}
    return audit.Entry("grant.issued", grant, grant.provisioning_request, data)


def window(assessed: Assessed, now: datetime) -> tuple[datetime, datetime]:
    """The half-open window of a grant, UTC. An open-ended ask ends after `OPEN_ENDED_DAYS`."""
    starts_at = assessed.context.starts_at
    return starts_at, assessed.context.ends_at or max(starts_at, now) + timedelta(days=OPEN_ENDED_DAYS)


def _hours_cap(assessed: Assessed) -> float | None:
    """The enforced cap in device-hours: what was asked for, else the p90 of the work."""
    if assessed.content.gpu_hours_cap is not None:
        return assessed.content.gpu_hours_cap
    hours = assessed.estimate.gpu_hours
    return hours.p90 if hours is not None and hours.p90 > 0 else None


def _add_commitment(grant: Grant, now: datetime) -> None:
    month = {"provider": grant.provider, "month": now.date().replace(day=1)}
    raised = ProviderCommitment.objects.filter(**month).update(
        committed_micro=F("committed_micro") + grant.cost_cap_micro
    )
    if not raised:
        # Nobody else adds a month meanwhile: whoever issues a grant has its turn to.
        ProviderCommitment.objects.create(**month, committed_micro=grant.cost_cap_micro)


@transaction.atomic(durable=True)
def end_grant(*, grant_id: int, actor: User, now: datetime) -> bool:
    """End a grant whose window is over and give back what it did not spend. True when this call ended it."""
    grant = Grant.objects.lock(grant_id)
    if grant.state != GrantState.ACTIVE or grant.ends_at > now:
        return False
    _close(grant, GrantEvent.END, actor=actor, now=now)
    audit.record("grant.ended", actor=actor, subject=grant, now=now, grant=grant.reference)
    return True


@transaction.atomic(durable=True)
def return_grant(*, grant_id: int, actor: User, now: datetime) -> Grant:
    """Give a running grant back before its end. Returning twice changes nothing.

    Raises:
        NotAllowed: not the owner's account.
        IllegalTransition: it has ended.
    """
    grant = Grant.objects.lock(grant_id)
    if grant.owner_id != actor.person_id:
        raise NotAllowed(f"only the owner of {grant.reference} returns it")
    if grant.state == GrantState.RETURNED:
        return grant
    _close(grant, GrantEvent.RETURN, actor=actor, now=now)
    audit.record("grant.returned", actor=actor, subject=grant, now=now, grant=grant.reference)
    return grant


def _close(grant: Grant, event: GrantEvent, *, actor: User, now: datetime) -> None:
    grant.move(event)
    hold = BudgetHold.objects.filter(
        provisioning_request_id=grant.provisioning_request_id, state=HoldState.CAPTURED
    ).first()
    if hold is not None:
        path = Budget.objects.lock_path(hold.budget_id)
        spent = min(grant.spent_micro, grant.cost_cap_micro)
        request = grant.provisioning_request
        if spent:
            budgets.move(JournalKind.SPEND, path, spent, key=f"spend:{grant.pk}", actor=actor, now=now, request=request)
        if grant.cost_cap_micro > spent:
            budgets.move(
                JournalKind.RETURN, path, grant.cost_cap_micro - spent, key=f"return:{grant.pk}", actor=actor,
                now=now, request=request,
            )  # fmt: skip
    grant.ended_at = now
    grant.save(update_fields=["state", "ended_at"])
