"""Issues and ends grants."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from governance.domain.errors import IllegalTransition, NoPrice, NotAllowed
from governance.domain.ledger import JournalKind
from governance.models import Budget, BudgetHold, Grant, ProviderCommitment, ProvisioningRequest, RequestRevision, User
from governance.selectors.assessments import Assessed
from governance.services import alerts, audit, budgets, counters

OPEN_ENDED_DAYS = 90
"""An open-ended ask is granted for this long; then somebody looks at it again."""


def issue_grant(
    request: ProvisioningRequest, revision: RequestRevision, assessed: Assessed, *, actor: User, now: datetime
) -> Grant:
    """Turn the hold into a commitment and write the permission. The caller holds the request's lock.

    Raises:
        NoPrice: the ask has no known cost, so nothing caps it.
    """
    ask = assessed.ask
    hold = BudgetHold.objects.filter(provisioning_request=request, state="open").first()
    if hold is None:
        raise NoPrice(
            f"{request.reference} has no dated price, so no cap can be set: record a price, or ask for a cap in money"
        )
    budgets.resolve_hold(request, to="captured", actor=actor, now=now)
    starts_at, ends_at = window(assessed, now)
    grant = Grant.objects.create(
        number=counters.next_number("grant"),
        provisioning_request=request,
        revision=revision,
        project=assessed.context.project,
        owner=request.requester.person,
        title=ask.title,
        provider=ask.provider or "",
        region=ask.region or "",
        price_term=ask.price_term,
        accelerator=ask.accelerator or "",
        accelerator_count=ask.accelerator_count,
        gpu_hours_cap=_hours_cap(assessed),
        cost_cap_micro=hold.amount_micro,
        starts_at=starts_at,
        ends_at=ends_at,
        issued_at=now,
        policy_digest=assessed.policy_digest,
    )
    _add_commitment(grant, now)
    alerts.tell_grant_issued(grant, actor=actor, now=now)
    audit.record(
        "grant.issued", actor=actor, subject=grant, now=now, request=request, grant=grant.reference,
        digest=revision.digest, cost_cap_micro=grant.cost_cap_micro,
    )  # fmt: skip
    return grant


def window(assessed: Assessed, now: datetime) -> tuple[datetime, datetime]:
    """The half-open window of a grant, UTC. An open-ended ask ends after `OPEN_ENDED_DAYS`."""
    starts_at = assessed.context.starts_at
    return starts_at, assessed.context.ends_at or max(starts_at, now) + timedelta(days=OPEN_ENDED_DAYS)


def _hours_cap(assessed: Assessed) -> float | None:
    """The enforced cap in device-hours: what was asked for, else the p90 of the work."""
    if assessed.ask.gpu_hours_cap is not None:
        return assessed.ask.gpu_hours_cap
    hours = assessed.estimate.gpu_hours
    return hours.p90 if hours is not None and hours.p90 > 0 else None


def _add_commitment(grant: Grant, now: datetime) -> None:
    month = now.date().replace(day=1)
    row, _ = ProviderCommitment.objects.get_or_create(provider=grant.provider, month=month)
    ProviderCommitment.objects.filter(pk=row.pk).update(committed_micro=F("committed_micro") + grant.cost_cap_micro)


@transaction.atomic(durable=True)
def end_grant(*, grant_id: int, actor: User, now: datetime) -> bool:
    """End a grant whose window is over and give back what it did not spend. True when this call ended it."""
    grant = Grant.objects.lock(grant_id)
    if grant.state != "active" or grant.ends_at > now:
        return False
    _close(grant, state="ended", actor=actor, now=now)
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
    if grant.state == "returned":
        return grant
    if grant.state != "active":
        raise IllegalTransition(f"{grant.reference} is `{grant.state}` and cannot be returned")
    _close(grant, state="returned", actor=actor, now=now)
    audit.record("grant.returned", actor=actor, subject=grant, now=now, grant=grant.reference)
    return grant


def _close(grant: Grant, *, state: str, actor: User, now: datetime) -> None:
    hold = BudgetHold.objects.filter(provisioning_request_id=grant.provisioning_request_id, state="captured").first()
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
    grant.state, grant.ended_at = state, now
    grant.save(update_fields=["state", "ended_at"])
