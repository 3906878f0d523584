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


class AlertKind(Labelled):
    """What a mail tells. `channels.email` has the letter of each."""

    STAGE_OPENED = "stage_opened", "Stage opened"
    STAGE_REMINDED = "stage_reminded", "Stage reminded"
    STAGE_ESCALATED = "stage_escalated", "Stage escalated"
    REQUEST_DENIED = "request_denied", "Request denied"
    REQUEST_REJECTED = "request_rejected", "Request rejected"
    REQUEST_EXPIRED = "request_expired", "Request expired"
    CHANGES_WANTED = "changes_wanted", "Changes requested"
    GRANT_ISSUED = "grant_issued", "Grant issued"
    BUDGET_THRESHOLD = "budget_threshold", "Budget threshold"
    REGISTER_UNREAD = "register_unread", "Register unread"
    DIGEST = "digest", "Digest"
    ACTIVATION_ASKED = "activation_asked", "Activation requested"
    ACTIVATION_LAPSED = "activation_lapsed", "Activation lapsed"
    ACTIVATION_LATE = "activation_late", "Activation late"
    PASSWORD_LINK = "password_link", "Password link"
    PASSWORD_CHANGED = "password_changed", "Password changed"
    ADDRESS_CONFIRM = "address_confirm", "Address confirm"
    ADDRESS_CHANGED = "address_changed", "Address changed"
    ADDRESS_LEFT = "address_left", "Address left"
    TOKEN_MADE = "token_made", "Token made"
    ROLE_CHANGED = "role_changed", "Role changed"
    ROLE_ANNOUNCED = "role_announced", "Role announced"
    DELEGATION_CHANGED = "delegation_changed", "Delegation changed"
    ACTIVATION_IN_YOUR_NAME = "activation_in_your_name", "Activation in your name"
    POLICY_IN_FORCE = "policy_in_force", "Policy in force"
    EXCEPTION_IN_FORCE = "exception_in_force", "Exception in force"
    PUBLICATION_IN_FORCE = "publication_in_force", "Publication in force"
    PUBLICATION_ASKED = "publication_asked", "Publication requested"
    AUP_PUBLISHED = "aup_published", "Acceptable use published"
    CONSENT_DUE_SOON = "consent_due_soon", "Consent due soon"
    CONSENT_DUE = "consent_due", "Consent due"
    COMMENTS = "comments", "Comments"


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
