"""Moves a request from state to state: the one place that writes its state."""

from __future__ import annotations

from datetime import datetime

from governance.domain.states.requests import TERMINAL, Event, State
from governance.models import ProvisioningRequest

_ANSWERED = TERMINAL | {State.DENIED}


def apply(request: ProvisioningRequest, event: Event, *, now: datetime) -> None:
    """Set the state that follows from the event, and since when it is answered, if it is; the caller saves it.

    Raises:
        IllegalTransition: the event does not belong to this state.
    """
    request.move(event)
    request.changed_at = now
    request.answered_at = now if request.state in _ANSWERED else None


def answer(request: ProvisioningRequest, event: Event, *, now: datetime) -> None:
    """Apply an event, and save the request."""
    apply(request, event, now=now)
    request.save(update_fields=["state", "changed_at", "answered_at"])
