"""What a delegation may be: for a time, to somebody else, and never in a circle."""

from __future__ import annotations

from collections.abc import Iterable

DELEGATION_DAYS_MAX = 90
"""A longer absence is a change of role, not a delegation."""


def closes_circle(given: Iterable[tuple[int, int]], *, delegator: int, delegate: int) -> bool:
    """Whether one more delegation would let authority come back to the person it started from.

    Args:
        given: (delegator, delegate) person ids of the delegations that stand.
    """
    takers: dict[int, set[int]] = {}
    for giver, taker in given:
        takers.setdefault(giver, set()).add(taker)
    reached, waiting = {delegate}, [delegate]
    # Bounded: a person enters `waiting` once.
    while waiting:
        for taker in takers.get(waiting.pop(), set()) - reached:
            reached.add(taker)
            waiting.append(taker)
    return delegator in reached
