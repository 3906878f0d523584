"""The life cycle of a provisioning request: one table of moves, used by the services, the tests and the diagram."""

from __future__ import annotations

from enum import StrEnum

from governance.domain.states.life import Labelled, Life


class State(Labelled):
    """Where a provisioning request stands."""

    DRAFT = "draft", "Draft"
    IN_REVIEW = "in_review", "In review"
    CHANGES_REQUESTED = "changes_requested", "Changes requested"
    DENIED = "denied", "Denied"
    REJECTED = "rejected", "Rejected"
    GRANTED = "granted", "Granted"
    WITHDRAWN = "withdrawn", "Withdrawn"
    EXPIRED = "expired", "Expired"
    DISCARDED = "discarded", "Discarded"


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


# A denied request may be changed and submitted again: the refusal names the nearest one that would be allowed.
EDITABLE = frozenset({State.DRAFT, State.CHANGES_REQUESTED, State.DENIED})

_SUBMITS: dict[Event, State] = {
    Event.SUBMIT_FOR_REVIEW: State.IN_REVIEW,
    Event.SUBMIT_DENIED: State.DENIED,
    Event.SUBMIT_GRANTED: State.GRANTED,
}

REQUEST_LIFE = Life(
    "the request",
    State.DRAFT,
    {
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
    },
)
TERMINAL = REQUEST_LIFE.ends


class RequestKind(StrEnum):
    """Whether a request is for something new, or about a grant: `domain.requests.kinds` says what each is."""

    NEW = "new"
    CHANGE = "change"
    RENEWAL = "renewal"
    TOP_UP = "top_up"
    TRANSFER = "transfer"
    RATIFICATION = "ratification"
    EMERGENCY = "emergency"


class Occasion(Labelled):
    """When a revision was judged: when it was submitted, or when the last approval was about to grant it."""

    SUBMIT = "submit", "Submit"
    GRANT = "grant", "Grant"
