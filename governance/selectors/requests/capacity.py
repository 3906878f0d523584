"""What else wants the same machines in the same window: grants that run, and requests that people have now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from governance.domain.states.grants import GrantState
from governance.domain.states.requests import Occasion, State
from governance.models import FactRow, Grant, ProvisioningRequest

OTHERS_MAX = 8
# On demand there is no pool to collide in.
POOLED_TERMS = ("owned_pool", "committed_pool", "capacity_block")


@dataclass(frozen=True, slots=True)
class Claim:
    """A number of accelerators from one instant to another; `ends_at` is None when open-ended."""

    name: str
    count: int
    starts_at: datetime
    ends_at: datetime | None
    is_granted: bool


@dataclass(frozen=True, slots=True)
class Capacity:
    """This request and the others that overlap it, largest first."""

    mine: Claim
    others: tuple[Claim, ...]

    @property
    def together(self) -> int:
        """Most accelerators that this request and the others could want at one moment, if all overlap."""
        return self.mine.count + sum(claim.count for claim in self.others)


def overlapping(request: ProvisioningRequest, facts: Mapping[str, Any]) -> Capacity | None:
    """Who else claims the same accelerators at the same provider while this request would run. Two queries.

    Args:
        facts: canonical facts of the request's assessment; timestamps as ISO 8601 text.

    Returns:
        None where capacity is not pooled, or the request names no accelerator.
    """
    provider, accelerator = facts.get("place.provider"), facts.get("request.accelerator")
    starts_at = _instant(facts.get("request.start_at"))
    if facts.get("place.price_term") not in POOLED_TERMS or not accelerator or starts_at is None:
        return None
    ends_at = _instant(facts.get("request.end_at"))
    mine = Claim("This request", int(facts.get("request.accelerator_count") or 0), starts_at, ends_at, False)
    return Capacity(mine, tuple(_others(request, provider, accelerator, starts_at, ends_at)[:OTHERS_MAX]))


def _others(
    request: ProvisioningRequest, provider: Any, accelerator: str, starts_at: datetime, ends_at: datetime | None
) -> list[Claim]:
    running = Grant.objects.filter(
        state=GrantState.ACTIVE,
        provider=provider,
        accelerator=accelerator,
        price_term__in=POOLED_TERMS,
        ends_at__gt=starts_at,
    )
    asked = FactRow.objects.filter(
        Q(request_end_at__isnull=True) | Q(request_end_at__gt=starts_at),
        assessment__occasion=Occasion.SUBMIT,
        assessment__revision__provisioning_request__state=State.IN_REVIEW.value,
        place_provider=provider,
        place_price_term__in=POOLED_TERMS,
        request_accelerator=accelerator,
        request_start_at__isnull=False,
    ).exclude(assessment__revision__provisioning_request=request)
    if ends_at is not None:
        running, asked = running.filter(starts_at__lt=ends_at), asked.filter(request_start_at__lt=ends_at)
    claims = [
        Claim(title, count, start, end, True)
        for title, count, start, end in running.values_list("title", "accelerator_count", "starts_at", "ends_at")
    ]
    newest: dict[int, Claim] = {}
    rows = asked.order_by("assessment__revision__number").values_list(
        "assessment__revision__provisioning_request_id",
        "assessment__revision__provisioning_request__title",
        "request_accelerator_count",
        "request_start_at",
        "request_end_at",
    )
    for request_id, title, count, start, end in rows:
        assert start is not None
        newest[request_id] = Claim(title, count or 0, start, end, False)
    return sorted([*claims, *newest.values()], key=lambda claim: -claim.count)


def _instant(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) and text else None
