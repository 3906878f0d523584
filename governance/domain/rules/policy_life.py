"""Numbers that bound the life of a policy version, an activation and an exception. Its moves: `domain.states.rules`."""

from __future__ import annotations

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
