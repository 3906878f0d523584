"""The life of a grant."""

from __future__ import annotations

from enum import StrEnum

from governance.domain.states.life import Labelled, Life


class GrantKind(Labelled):
    """Whether a grant is for one workload or for many within its limits."""

    SINGLE = "single", "Single"
    ENVELOPE = "envelope", "Envelope"


class GrantState(Labelled):
    """Where a grant stands."""

    ACTIVE = "active", "Active"
    ENDED = "ended", "Ended"
    RETURNED = "returned", "Returned"
    REVOKED = "revoked", "Revoked"


class GrantEvent(StrEnum):
    """What ends a grant."""

    END = "end"
    RETURN = "return"
    REVOKE = "revoke"


GRANT_LIFE = Life(
    "the grant",
    GrantState.ACTIVE,
    {
        (GrantState.ACTIVE, GrantEvent.END): GrantState.ENDED,
        (GrantState.ACTIVE, GrantEvent.RETURN): GrantState.RETURNED,
        (GrantState.ACTIVE, GrantEvent.REVOKE): GrantState.REVOKED,
    },
    {GrantEvent.RETURN: "only a running grant can be returned"},
)
