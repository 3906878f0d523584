"""Moves a request from state to state: the one place that writes its state."""

from __future__ import annotations

from datetime import datetime

from governance.domain.states.requests import TERMINAL, Event, State
from governance.models import ProvisioningRequest


def apply(request: ProvisioningRequest, event: Event, *, now: datetime) -> None:
    """Set the state that follows from the event; the caller saves it.

    Raises:
        IllegalTransition: the event does not belong to this state.
    """
    request.move(event)
    request.changed_at = now


def answer(request: ProvisioningRequest, event: Event, *, now: datetime) -> None:
    """Apply an event that may be a request's last, note when it was answered, and save it."""
    apply(request, event, now=now)
    if State(request.state) in TERMINAL or request.state == State.DENIED:
        request.answered_at = now
    request.save()
