"""What a register says of an outside party and of a model family."""

from __future__ import annotations

from governance.domain.states.life import Labelled


class ScreeningState(Labelled):
    """What the screening of an outside party said."""

    NOT_NEEDED = "not_needed", "Not needed"
    CLEAR = "clear", "Clear"
    HIT = "hit", "Hit"
    PENDING = "pending", "Pending"


class NotificationState(Labelled):
    """Where the notification of an authority about a model family stands."""

    NONE = "none", "None"
    DUE = "due", "Due"
    SENT = "sent", "Sent"
    ACKNOWLEDGED = "acknowledged", "Acknowledged"
