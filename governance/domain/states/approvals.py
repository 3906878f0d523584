"""The life of an approval stage, what an approver can say, and why an approval stops counting."""

from __future__ import annotations

from enum import StrEnum

from governance.domain.states.life import Labelled, Life


class StageState(Labelled):
    """Where a stage stands."""

    WAITING = "waiting", "Waiting"
    OPEN = "open", "Open"
    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"
    CHANGES_REQUESTED = "changes_requested", "Changes requested"
    CANCELLED = "cancelled", "Cancelled"


class StageEvent(StrEnum):
    """What can happen to a stage."""

    OPEN = "open"
    APPROVE = "approve"
    REJECT = "reject"
    ASK_FOR_CHANGES = "ask_for_changes"
    CANCEL = "cancel"
    RETIRE = "retire"
    WANT_AGAIN = "want_again"


_S, _E = StageState, StageEvent

STAGE_LIFE = Life(
    "the stage",
    _S.WAITING,
    {
        (_S.WAITING, _E.OPEN): _S.OPEN,
        (_S.OPEN, _E.APPROVE): _S.APPROVED,
        (_S.OPEN, _E.REJECT): _S.REJECTED,
        (_S.OPEN, _E.ASK_FOR_CHANGES): _S.CHANGES_REQUESTED,
        (_S.WAITING, _E.CANCEL): _S.CANCELLED,
        (_S.OPEN, _E.CANCEL): _S.CANCELLED,
        # Its approvals lapsed, and the role passed to its fallback.
        (_S.APPROVED, _E.RETIRE): _S.CANCELLED,
        # The last check wants it after all, or wants it again.
        (_S.APPROVED, _E.WANT_AGAIN): _S.WAITING,
        (_S.CANCELLED, _E.WANT_AGAIN): _S.WAITING,
    },
)
STAGE_UNDECIDED = (StageState.WAITING.value, StageState.OPEN.value)
"""Stages that somebody may still have to decide."""


class Verdict(Labelled):
    """What one person says on a stage."""

    APPROVE = "approve", "Approve"
    REJECT = "reject", "Reject"
    CHANGES = "changes", "Request changes"


class LapseReason(Labelled):
    """Why an approval stopped counting. A role or delegation that ends by its own date afterwards is none of these."""

    PERSON_DEACTIVATED = "person_deactivated", "the account was deactivated"
    ROLE_REMOVED = "role_removed", "the role was removed"
    DELEGATION_REVOKED = "delegation_revoked", "the delegation was revoked"
    LIMIT_LOWERED = "limit_lowered", "the approval limit was lowered"
    BENEFITS = "benefits", "the person owns the lineage or benefits by now"
