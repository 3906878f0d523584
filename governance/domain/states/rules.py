"""The lives of a policy version, its activation, an exception, a publication and a backtest."""

from __future__ import annotations

from enum import StrEnum

from governance.domain.states.life import Labelled, Life


class VersionState(Labelled):
    """Where a policy version stands."""

    DRAFT = "draft", "Draft"
    TESTED = "tested", "Tested, not active"
    SHADOW = "shadow", "In shadow"
    ACTIVE = "active", "In force"
    RETIRED = "retired", "Retired"


class VersionEvent(StrEnum):
    """What can happen to a version. INSTALL is the first version of an installation that has no rules yet."""

    PASS = "pass"  # noqa: S105 - not a password
    FAIL = "fail"
    START_SHADOW = "start_shadow"
    END_SHADOW = "end_shadow"
    PUT_IN_FORCE = "put_in_force"
    INSTALL = "install"
    REPLACE = "replace"


_V, _VE = VersionState, VersionEvent

VERSION_LIFE = Life(
    "the version",
    _V.DRAFT,
    {
        (_V.DRAFT, _VE.PASS): _V.TESTED,
        (_V.DRAFT, _VE.FAIL): _V.DRAFT,
        (_V.DRAFT, _VE.INSTALL): _V.ACTIVE,
        (_V.TESTED, _VE.PASS): _V.TESTED,
        (_V.TESTED, _VE.FAIL): _V.DRAFT,
        (_V.TESTED, _VE.START_SHADOW): _V.SHADOW,
        (_V.TESTED, _VE.PUT_IN_FORCE): _V.ACTIVE,
        (_V.TESTED, _VE.INSTALL): _V.ACTIVE,
        (_V.SHADOW, _VE.PASS): _V.SHADOW,
        (_V.SHADOW, _VE.FAIL): _V.DRAFT,
        (_V.SHADOW, _VE.END_SHADOW): _V.TESTED,
        (_V.SHADOW, _VE.PUT_IN_FORCE): _V.ACTIVE,
        (_V.SHADOW, _VE.INSTALL): _V.ACTIVE,
        (_V.ACTIVE, _VE.REPLACE): _V.RETIRED,
        # A version that ruled once may rule again; testing it says whether it still can.
        (_V.RETIRED, _VE.PASS): _V.RETIRED,
        (_V.RETIRED, _VE.FAIL): _V.RETIRED,
        (_V.RETIRED, _VE.PUT_IN_FORCE): _V.ACTIVE,
        (_V.RETIRED, _VE.INSTALL): _V.ACTIVE,
    },
    {
        _VE.PASS: "its cases can be run again when another version has taken its place",
        _VE.START_SHADOW: "run its cases first, so that it is tested",
        _VE.END_SHADOW: "it is not in shadow",
        _VE.PUT_IN_FORCE: "run its cases first, so that it is tested",
    },
)


class ActivationState(Labelled):
    """What has become of the wish to put a version in force."""

    ASKED = "asked", "Requested"
    AGREED = "agreed", "Approved"
    IN_FORCE = "in_force", "In force"
    REFUSED = "refused", "Rejected"
    WITHDRAWN = "withdrawn", "Withdrawn"
    LAPSED = "lapsed", "Lapsed"


class ActivationEvent(StrEnum):
    """What can happen to an activation. PUT_IN_FORCE: a second officer agreed, and its instant has come."""

    AGREE = "agree"
    PUT_IN_FORCE = "put_in_force"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    LAPSE = "lapse"


_A, _AE = ActivationState, ActivationEvent

ACTIVATION_LIFE = Life(
    "the activation",
    _A.ASKED,
    {
        (_A.ASKED, _AE.AGREE): _A.AGREED,
        (_A.ASKED, _AE.PUT_IN_FORCE): _A.IN_FORCE,
        (_A.ASKED, _AE.REFUSE): _A.REFUSED,
        (_A.ASKED, _AE.WITHDRAW): _A.WITHDRAWN,
        (_A.AGREED, _AE.PUT_IN_FORCE): _A.IN_FORCE,
        (_A.AGREED, _AE.WITHDRAW): _A.WITHDRAWN,
        (_A.AGREED, _AE.LAPSE): _A.LAPSED,
    },
)
ACTIVATION_OPEN = (ActivationState.ASKED.value, ActivationState.AGREED.value)
"""Activations that may still come into force; a set has one at most."""


class ExceptionState(Labelled):
    """What has become of the wish to take one rule's effect away for a while."""

    ASKED = "asked", "Requested"
    APPROVED = "approved", "Approved"
    REFUSED = "refused", "Rejected"
    WITHDRAWN = "withdrawn", "Withdrawn"


class ExceptionEvent(StrEnum):
    """What can happen to an exception. One that has begun is not withdrawn: its end is brought forward."""

    APPROVE = "approve"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"


_X, _XE = ExceptionState, ExceptionEvent

EXCEPTION_LIFE = Life(
    "the exception",
    _X.ASKED,
    {
        (_X.ASKED, _XE.APPROVE): _X.APPROVED,
        (_X.ASKED, _XE.REFUSE): _X.REFUSED,
        (_X.ASKED, _XE.WITHDRAW): _X.WITHDRAWN,
        (_X.APPROVED, _XE.WITHDRAW): _X.WITHDRAWN,
    },
)
EXCEPTION_OPEN = (ExceptionState.ASKED.value, ExceptionState.APPROVED.value)
"""Exceptions that hold or may come to hold."""


class PublicationState(Labelled):
    """What has become of the wish to publish an acceptable-use text."""

    ASKED = "asked", "Requested"
    PUBLISHED = "published", "Published"
    REFUSED = "refused", "Rejected"
    WITHDRAWN = "withdrawn", "Withdrawn"


class PublicationEvent(StrEnum):
    """What can happen to a publication."""

    PUBLISH = "publish"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"


_P, _PE = PublicationState, PublicationEvent

PUBLICATION_LIFE = Life(
    "the publication",
    _P.ASKED,
    {
        (_P.ASKED, _PE.PUBLISH): _P.PUBLISHED,
        (_P.ASKED, _PE.REFUSE): _P.REFUSED,
        (_P.ASKED, _PE.WITHDRAW): _P.WITHDRAWN,
    },
)


class BacktestState(Labelled):
    """Where a backtest stands."""

    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


class BacktestEvent(StrEnum):
    """What can happen to a backtest."""

    START = "start"
    FINISH = "finish"
    FAIL = "fail"
    CANCEL = "cancel"
    RESUME = "resume"


_B, _BE = BacktestState, BacktestEvent

BACKTEST_LIFE = Life(
    "the backtest",
    _B.QUEUED,
    {
        (_B.QUEUED, _BE.START): _B.RUNNING,
        **{(live, _BE.FINISH): _B.DONE for live in (_B.QUEUED, _B.RUNNING)},
        **{(live, _BE.FAIL): _B.FAILED for live in (_B.QUEUED, _B.RUNNING)},
        **{(live, _BE.CANCEL): _B.CANCELLED for live in (_B.QUEUED, _B.RUNNING)},
        # The months that were judged are kept.
        (_B.CANCELLED, _BE.RESUME): _B.QUEUED,
        (_B.FAILED, _BE.RESUME): _B.QUEUED,
    },
)
BACKTEST_LIVE = (BacktestState.QUEUED.value, BacktestState.RUNNING.value)
"""Backtests that a worker still has to go on with; a version has one at most."""
