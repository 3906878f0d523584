"""Grants as people look at them: how much of the hours is used against how much of the time is gone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from governance.domain.errors import NotFound
from governance.domain.states.grants import GrantState
from governance.models import Flag, Grant, ProvisioningRequest, Visibility

PACE_TIME_MIN = 0.1
"""Share of the window that must be gone before a pace means anything."""
PACE_LIKELY_OVER = 1.05
ENDS_SOON = timedelta(days=14)
RUNNING_SHOWN_MAX = 50


@dataclass(frozen=True, slots=True)
class GrantView:
    """One grant with its shares.

    Args:
        used_ratio: GPU-hours used of the cap; None when none were reported or nothing is capped.
        time_ratio: share of the window that is gone, 0 to 1.
        shape, word: status beside it.
    """

    grant: Grant
    used_ratio: float | None
    time_ratio: float
    shape: str
    word: str

    @property
    def spent_ratio(self) -> float | None:
        """Money spent of the money cap; None while nothing was reported."""
        grant = self.grant
        return grant.spent_micro / grant.cost_cap_micro if grant.spent_micro and grant.cost_cap_micro else None

    @property
    def ends_on(self) -> datetime:
        """The last instant inside the half-open window, to be shown as a day."""
        return self.grant.ends_at - timedelta(microseconds=1)

    @property
    def label(self) -> str:
        """What to put on jobs, so that their hours find this grant."""
        return f"grant={self.grant.reference}"


@dataclass(frozen=True, slots=True)
class GrantPage:
    """Everything that the page of one grant shows."""

    view: GrantView
    request: ProvisioningRequest
    is_request_visible: bool
    flags: Sequence[Flag]
    follow_ups: Sequence[ProvisioningRequest]


def view_of(grant: Grant, *, now: datetime) -> GrantView:
    """Shares and status of one grant at an instant. Reads no rows."""
    whole = (grant.ends_at - grant.starts_at).total_seconds()
    time_ratio = min(1.0, max(0.0, (now - grant.starts_at).total_seconds() / whole))
    used, cap = grant.gpu_hours_used, grant.gpu_hours_cap
    used_ratio = used / cap if used is not None and cap else None
    return GrantView(grant, used_ratio, time_ratio, *_status(grant, used_ratio, time_ratio, now))


def _status(grant: Grant, used_ratio: float | None, time_ratio: float, now: datetime) -> tuple[str, str]:
    if grant.state != GrantState.ACTIVE:
        return "deny" if grant.state == GrantState.REVOKED else "draft", GrantState(grant.state).label
    if grant.starts_at > now:
        return "wait", "Not started"
    # Where no hours are capped or reported, the money says how it goes.
    pace = used_ratio
    if pace is None and grant.spent_micro and grant.cost_cap_micro:
        pace = grant.spent_micro / grant.cost_cap_micro
    if pace is None:
        return "run", "No use reported"
    if pace >= 1:
        return "flag", "Over its cap"
    if time_ratio >= PACE_TIME_MIN and pace / time_ratio > PACE_LIKELY_OVER:
        return "review", "Likely over"
    return "run", "On plan"


def running_of(person_id: int, *, now: datetime) -> list[GrantView]:
    """The grants that this person owns and that run, those that end first before the others. One query."""
    rows = (
        Grant.objects.filter(owner_id=person_id, state=GrantState.ACTIVE).select_related("project").order_by("ends_at")
    )
    return [view_of(grant, now=now) for grant in rows[:RUNNING_SHOWN_MAX]]


def views_of(grants: Iterable[Grant], *, now: datetime) -> list[GrantView]:
    return [view_of(grant, now=now) for grant in grants]


def visible_grant(number: int, *, visibility: Visibility) -> Grant:
    """The grant with this number, if this person may see it.

    Raises:
        NotFound: missing or not visible.
    """
    rows = Grant.objects.visible_to(visibility).select_related("project__team", "owner", "provisioning_request")
    grant = rows.filter(number=number).first()
    if grant is None:
        raise NotFound(f"grant `{number}` does not exist", number=number)
    return grant


def page(number: int, *, visibility: Visibility, now: datetime) -> GrantPage:
    """One grant with its flags and what was asked about it since. Four queries.

    Raises:
        NotFound: missing or not visible.
    """
    grant = visible_grant(number, visibility=visibility)
    asks = ProvisioningRequest.objects.visible_to(visibility).order_by("-number")
    related = list(asks.filter(related_grant=grant)[:20])
    return GrantPage(
        view=view_of(grant, now=now),
        request=grant.provisioning_request,
        is_request_visible=asks.filter(pk=grant.provisioning_request_id).exists(),
        flags=list(Flag.objects.filter(grant=grant, closed_at=None).order_by("-raised_at")[:20]),
        follow_ups=related,
    )
