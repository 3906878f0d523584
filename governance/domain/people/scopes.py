"""How far an API token reaches: never further than the account that it acts for."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """What a token may be used for. A person at the pages is bound by no scope."""

    READ = "read"
    REQUEST = "request"
    DECIDE = "decide"
    ADMIN = "admin"


DESCRIPTIONS: dict[Scope, str] = {
    Scope.READ: "read what the account may see; size workloads and preview requests without storing anything",
    Scope.REQUEST: "make, change, submit, comment on and withdraw requests",
    Scope.DECIDE: "decide approval stages",
    Scope.ADMIN: "keep policies, and make tokens that reach no further and live no longer",
}

OF_PROGRAMS = frozenset({Scope.READ, Scope.REQUEST})
"""What a service account's token may have: a program decides nothing and keeps no rules."""
