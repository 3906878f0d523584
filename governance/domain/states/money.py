"""The life of a budget hold. Why money moves between the accounts of a budget is in `domain.money.ledger`."""

from __future__ import annotations

from enum import StrEnum

from governance.domain.states.life import Labelled, Life


class HoldState(Labelled):
    """Where the money stands that was set aside for one request."""

    OPEN = "open", "Open"
    CAPTURED = "captured", "Captured"
    RELEASED = "released", "Released"
    EXPIRED = "expired", "Expired"


class HoldEvent(StrEnum):
    """What ends a hold, once."""

    CAPTURE = "capture"
    RELEASE = "release"
    EXPIRE = "expire"


HOLD_LIFE = Life(
    "the hold",
    HoldState.OPEN,
    {
        (HoldState.OPEN, HoldEvent.CAPTURE): HoldState.CAPTURED,
        (HoldState.OPEN, HoldEvent.RELEASE): HoldState.RELEASED,
        (HoldState.OPEN, HoldEvent.EXPIRE): HoldState.EXPIRED,
    },
)
