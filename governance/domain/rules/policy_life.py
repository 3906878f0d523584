"""The life of a policy version: which state follows from which event. Used by the services and by the documents."""

from __future__ import annotations

from enum import StrEnum

from governance.domain.errors import IllegalTransition

EFFECTIVE_DAYS_MAX = 180
"""How far ahead an activation may be agreed: what was looked at grows old."""
EXCEPTION_DAYS_MAX = 366
EMPTY_STAGE_DAYS_MAX = 90
"""For how long an officer may let a stage stand that nobody could fill."""
EMPTY_STAGE_REASON_CHARS_MIN = 20
RULE_REF_CHARS_MAX = 81
"""A rule of its own has 40 characters; a row of a table has its table's 40, a dot, and 40 more."""
SHADOWS_MAX = 4
"""Versions in shadow at a time: each is judged beside every submission."""


class VersionState(StrEnum):
    DRAFT = "draft"
    TESTED = "tested"
    SHADOW = "shadow"
    ACTIVE = "active"
    RETIRED = "retired"


class VersionEvent(StrEnum):
    """What can happen to a version. INSTALL is the first version of an installation that has no rules yet."""

    PASS = "pass"  # noqa: S105 - not a password
    FAIL = "fail"
    START_SHADOW = "start_shadow"
    END_SHADOW = "end_shadow"
    PUT_IN_FORCE = "put_in_force"
    INSTALL = "install"
    REPLACE = "replace"


_S, _E = VersionState, VersionEvent

TRANSITIONS: dict[tuple[VersionState, VersionEvent], VersionState] = {
    (_S.DRAFT, _E.PASS): _S.TESTED,
    (_S.DRAFT, _E.FAIL): _S.DRAFT,
    (_S.DRAFT, _E.INSTALL): _S.ACTIVE,
    (_S.TESTED, _E.PASS): _S.TESTED,
    (_S.TESTED, _E.FAIL): _S.DRAFT,
    (_S.TESTED, _E.START_SHADOW): _S.SHADOW,
    (_S.TESTED, _E.PUT_IN_FORCE): _S.ACTIVE,
    (_S.SHADOW, _E.PASS): _S.SHADOW,
    (_S.SHADOW, _E.FAIL): _S.DRAFT,
    (_S.SHADOW, _E.END_SHADOW): _S.TESTED,
    (_S.SHADOW, _E.PUT_IN_FORCE): _S.ACTIVE,
    (_S.ACTIVE, _E.REPLACE): _S.RETIRED,
    # A version that ruled once may rule again; testing it says whether it still can.
    (_S.RETIRED, _E.PASS): _S.RETIRED,
    (_S.RETIRED, _E.FAIL): _S.RETIRED,
    (_S.RETIRED, _E.PUT_IN_FORCE): _S.ACTIVE,
    (_S.RETIRED, _E.INSTALL): _S.ACTIVE,
}

_WANTS: dict[VersionEvent, str] = {
    _E.PASS: "its cases can be run again when another version has taken its place",
    _E.START_SHADOW: "run its cases first, so that it is tested",
    _E.END_SHADOW: "it is not in shadow",
    _E.PUT_IN_FORCE: "run its cases first, so that it is tested",
    _E.INSTALL: "a second officer puts it in force",
}


def next_state(state: str, event: VersionEvent) -> VersionState:
    """The state after the event.

    Raises:
        IllegalTransition: a version in this state cannot do that.
    """
    found = TRANSITIONS.get((VersionState(state), event))
    if found is None:
        raise IllegalTransition(f"the version is `{state}`: {_WANTS.get(event, 'nothing was changed')}", state=state)
    return found
