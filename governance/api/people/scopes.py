"""Which scope each call takes: one table, for the permission and the published schema. What is not in it is refused."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from governance.domain.errors import ScopeMissing
from governance.domain.people.scopes import Scope
from governance.models import ApiToken

_READ = {"GET": Scope.READ}
_KEEP = {"POST": Scope.ADMIN}

SCOPES: dict[str, dict[str, Scope]] = {
    "RequestList": _READ | {"POST": Scope.REQUEST},
    "RequestDetail": _READ | {"PUT": Scope.REQUEST},
    "RequestPreview": {"POST": Scope.READ},
    "RequestSubmit": {"POST": Scope.REQUEST},
    "RequestWithdraw": {"POST": Scope.REQUEST},
    "RequestComments": _READ | {"POST": Scope.REQUEST},
    "StageDecide": {"POST": Scope.DECIDE},
    "EstimateList": _READ | {"POST": Scope.READ},
    "EstimateCompare": {"POST": Scope.READ},
    "EstimateDetail": _READ,
    "GrantList": _READ,
    "GrantDetail": _READ,
    "BudgetList": _READ,
    "VersionList": _READ | _KEEP,
    "VersionDetail": _READ,
    "VersionTest": _KEEP,
    "VersionDiff": _READ,
    "VersionExplain": _KEEP,
    "VersionShadow": _KEEP | {"DELETE": Scope.ADMIN},
    "VersionActivations": _KEEP,
    "ActivationAnswer": _KEEP,
    "ActivationWithdraw": _KEEP,
    "PolicyJudge": {"POST": Scope.READ},
    "PolicyReplay": {"POST": Scope.READ},
    "DecisionList": _READ,
    "DecisionDetail": _READ,
    "BacktestList": _READ | _KEEP,
    "BacktestDetail": _READ,
    "BacktestCancel": _KEEP,
    "TokenList": _READ | _KEEP,
    # Any token may end itself; the service says which others.
    "TokenDetail": {"DELETE": Scope.READ},
    "SpectacularAPIView": _READ,
}
"""View -> HTTP method -> the scope that a token needs for it."""


def scope_of(view: Any, method: str | None) -> Scope | None:
    """The scope that a token needs; None for what no token may do. HEAD is a GET without its body."""
    name = "GET" if method in ("HEAD", "OPTIONS") else str(method)
    return SCOPES.get(type(view).__name__, {}).get(name)


class Scoped(BasePermission):
    """Somebody who is signed in; with a token, as far as its scopes reach. Asked for every view."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user or not request.user.is_authenticated:
            return False
        token = request.auth
        if token is None:
            return True
        needed = scope_of(view, request.method)
        held = token.scopes if isinstance(token, ApiToken) else []
        if needed is None or needed not in held:
            raise ScopeMissing(
                f"this takes a token with the scope `{needed}`" if needed else "no token may do this: sign in",
                needed=str(needed) if needed else None,
                held=list(held),
            )
        return True
