"""The life cycle of a provisioning request: one table of moves, used by the services, the tests and the diagram."""

from __future__ import annotations

from enum import StrEnum

from governance.domain.errors import IllegalTransition


class State(StrEnum):
    """Where a provisioning request stands."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    CHANGES_REQUESTED = "changes_requested"
    DENIED = "denied"
    REJECTED = "rejected"
    GRANTED = "granted"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    DISCARDED = "discarded"


class Event(StrEnum):
    """What can happen to a provisioning request."""

    SUBMIT_FOR_REVIEW = "submit_for_review"
    SUBMIT_DENIED = "submit_denied"
    SUBMIT_GRANTED = "submit_granted"
    APPROVE_LAST = "approve_last"
    ASK_FOR_CHANGES = "ask_for_changes"
    REJECT = "reject"
    DENY_AT_GRANT = "deny_at_grant"
    REVISE = "revise"
    WITHDRAW = "withdraw"
    EXPIRE_HOLD = "expire_hold"
    DISCARD = "discard"


LABELS: dict[State, str] = {
    State.DRAFT: "Draft",
    State.IN_REVIEW: "In review",
    State.CHANGES_REQUESTED: "Changes asked for",
    State.DENIED: "Not allowed",
    State.REJECTED: "Not approved",
    State.GRANTED: "Granted",
    State.WITHDRAWN: "Withdrawn",
    State.EXPIRED: "Expired",
    State.DISCARDED: "Discarded",
}

TERMINAL = frozenset({State.REJECTED, State.GRANTED, State.WITHDRAWN, State.EXPIRED, State.DISCARDED})
# A denied ask may be changed and submitted again: the refusal names the nearest ask that would pass.
EDITABLE = frozenset({State.DRAFT, State.CHANGES_REQUESTED, State.DENIED})

_SUBMITS: dict[Event, State] = {
    Event.SUBMIT_FOR_REVIEW: State.IN_REVIEW,
    Event.SUBMIT_DENIED: State.DENIED,
    Event.SUBMIT_GRANTED: State.GRANTED,
}

TRANSITIONS: dict[tuple[State, Event], State] = {
    **{(state, event): target for state in EDITABLE for event, target in _SUBMITS.items()},
    (State.IN_REVIEW, Event.APPROVE_LAST): State.GRANTED,
    (State.IN_REVIEW, Event.ASK_FOR_CHANGES): State.CHANGES_REQUESTED,
    (State.IN_REVIEW, Event.REJECT): State.REJECTED,
    (State.IN_REVIEW, Event.DENY_AT_GRANT): State.DENIED,
    (State.IN_REVIEW, Event.REVISE): State.DRAFT,
    (State.IN_REVIEW, Event.EXPIRE_HOLD): State.EXPIRED,
    (State.IN_REVIEW, Event.WITHDRAW): State.WITHDRAWN,
    (State.CHANGES_REQUESTED, Event.EXPIRE_HOLD): State.EXPIRED,
    (State.CHANGES_REQUESTED, Event.WITHDRAW): State.WITHDRAWN,
    (State.DENIED, Event.WITHDRAW): State.WITHDRAWN,
    (State.DRAFT, Event.DISCARD): State.DISCARDED,
}


def next_state(state: State | str, event: Event) -> State:
    """The state after `event`.

    Raises:
        IllegalTransition: the table has no such move.
    """
    try:
        return TRANSITIONS[(State(state), event)]
    except KeyError:
        raise IllegalTransition(
            f"a request that is `{LABELS[State(state)].lower()}` cannot take the step "
            f"`{event.value.replace('_', ' ')}`",
            state=str(state),
            event=event.value,
        ) from None
