"""Raises flags, each once, and closes them with a reason."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from governance.domain.errors import NotAllowed, NotFound
from governance.domain.limits import REASON_CHARS_MAX
from governance.domain.states.messages import FlagKind
from governance.domain.text import clean_reason
from governance.models import Budget, Flag, Grant, ProvisioningRequest, RequestRevision, User
from governance.selectors.people.duties import FLAGS, duties_of, is_system
from governance.selectors.requests.judgement import Assessed
from governance.services.record import audit

_BUCKETS = 10_000


def raise_flag(
    *,
    key: str,
    kind: str,
    sentence: str,
    now: datetime,
    request: ProvisioningRequest | None = None,
    grant: Grant | None = None,
    budget: Budget | None = None,
    **data: Any,
) -> Flag | None:
    """Write one flag in the caller's transaction; None when the same one was raised before.

    Args:
        key: names the subject, the limit and the revision or generation.
    """
    # Two sweeps at once: the unique key lets one of them win, and the other sees that it did.
    flag, is_new = Flag.objects.get_or_create(
        key=key,
        defaults={
            "kind": kind, "sentence": sentence[:400], "data": data, "raised_at": now, "provisioning_request": request,
            "grant": grant, "budget": budget,
        },
    )  # fmt: skip
    return flag if is_new else None


def raise_from_decision(
    request: ProvisioningRequest, revision: RequestRevision, assessed: Assessed, *, now: datetime
) -> None:
    """Flags that the policy asked for, and the sample of what was allowed without a person."""
    for notice in assessed.decision.flags:
        raise_flag(
            key=f"policy:{notice.rule_id}:{revision.digest}:{request.pk}",
            kind=FlagKind.SPLIT if notice.code == "split" else FlagKind.POLICY_FLAG,
            sentence=f"{request.reference}: {notice.message}",
            request=request,
            now=now,
            rule=notice.rule_id,
            code=notice.code,
        )
    sample = assessed.decision.sample
    ratio = sample.ratio if sample is not None and not assessed.stages else 0.0
    if is_sampled(revision.digest, ratio=ratio):
        raise_flag(
            key=f"sampled:{revision.digest}:{request.pk}",
            kind=FlagKind.SAMPLED_REVIEW,
            sentence=f"{request.reference} was approved automatically and selected for a spot check",
            request=request,
            now=now,
        )


def is_sampled(revision_digest: str, *, ratio: float) -> bool:
    """Whether an allowed ask is drawn for a later look: the same revision always is, or never, whoever tries again."""
    return int(revision_digest[:8], 16) % _BUCKETS < ratio * _BUCKETS


@transaction.atomic(durable=True)
def close_flag(*, flag_id: int, actor: User, reason: str, now: datetime) -> Flag:
    """Say that a flag was looked at, and what was found. Closing twice changes nothing.

    Raises:
        NotAllowed: the actor decides nothing, so nobody waits for their look.
        NotFound: no such flag.
    """
    if not is_system(actor) and FLAGS not in duties_of(actor, now=now):
        raise NotAllowed("to close a flag takes a role that decides", duty=FLAGS)
    reason = clean_reason("reason", reason, min(400, REASON_CHARS_MAX))
    flag = Flag.objects.select_for_update(of=("self",), no_key=True).filter(pk=flag_id).first()
    if flag is None:
        raise NotFound(f"flag `{flag_id}` does not exist", id=flag_id)
    if flag.closed_at is None:
        flag.closed_at, flag.closed_by, flag.close_reason = now, actor, reason
        flag.save(update_fields=["closed_at", "closed_by", "close_reason"])
        audit.record(
            "flag.closed", actor=actor, subject=flag, now=now, request=flag.provisioning_request, kind=flag.kind
        )
    return flag
