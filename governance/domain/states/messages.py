"""The life of an alert in the outbox, and what a flag can be about."""

from __future__ import annotations

from enum import StrEnum

from governance.domain.states.life import Labelled, Life


class AlertState(Labelled):
    """Where a mail stands that was promised."""

    PENDING = "pending", "Pending"
    SENDING = "sending", "Sending"
    SENT = "sent", "Sent"
    SKIPPED = "skipped", "Skipped"
    DEAD = "dead", "Dead"


class AlertEvent(StrEnum):
    """What can happen to a mail."""

    CLAIM = "claim"
    PUT_BACK = "put_back"
    CONFIRM = "confirm"
    SKIP = "skip"
    GIVE_UP = "give_up"
    QUEUE_AGAIN = "queue_again"


_S, _E = AlertState, AlertEvent

ALERT_LIFE = Life(
    "this mail",
    _S.PENDING,
    {
        (_S.PENDING, _E.CLAIM): _S.SENDING,
        # A lease that ran out without an answer.
        (_S.SENDING, _E.CLAIM): _S.SENDING,
        (_S.SENDING, _E.PUT_BACK): _S.PENDING,
        (_S.SENDING, _E.CONFIRM): _S.SENT,
        (_S.SENDING, _E.SKIP): _S.SKIPPED,
        # A mail about the demonstration's past is never tried.
        (_S.PENDING, _E.SKIP): _S.SKIPPED,
        (_S.SENDING, _E.GIVE_UP): _S.DEAD,
        (_S.DEAD, _E.QUEUE_AGAIN): _S.PENDING,
    },
    {_E.QUEUE_AGAIN: "only one that was given up is sent again"},
)
ALERT_UNSENT = (AlertState.PENDING.value, AlertState.SENDING.value)
"""Mails that still go out by themselves."""


class FlagKind(Labelled):
    """What a flag is about. It is open until somebody closes it; it has no other state."""

    ABOVE_APPROVAL_LIMIT = "above_approval_limit", "Above approval limit"
    REVIEW_OVERDUE = "review_overdue", "Review overdue"
    HOLD_EXPIRED = "hold_expired", "Hold expired"
    GRANT_OVER_CAP = "grant_over_cap", "Grant over cap"
    GRANT_ENDED = "grant_ended", "Grant ended"
    BUDGET_THRESHOLD = "budget_threshold", "Budget threshold"
    POLICY_FLAG = "policy_flag", "Policy flag"
    SPLIT = "split", "Split"
    IDLE = "idle", "Idle"
    SAMPLED_REVIEW = "sampled_review", "Sampled review"
