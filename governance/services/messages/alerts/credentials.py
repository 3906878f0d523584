"""Promises mails to people whose credentials or roles change, and to those who share a role. Nobody can stop them.

Ids only: a link is made when its mail leaves, and stands nowhere before.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from governance.domain.states.messages import AlertKind
from governance.models import Delegation, RoleAssignment, User
from governance.selectors.people import roles
from governance.services.messages.alerts.promises import enqueue


def tell_password_link(user: User, *, why: str, now: datetime, by: int | None = None) -> None:
    """Mail 18: a link to set a password, to the account's own address.

    Args:
        why: `new`, `asked`, `sent` or `reactivated`.
        by: the person who sent it, where somebody did.
    """
    _tell(
        AlertKind.PASSWORD_LINK, [user.person_id], f"user:{user.pk}", {"user": user.pk, "why": why, "by": by}, now=now
    )


def tell_password_changed(user: User, *, how: str, now: datetime) -> None:
    """Mail 16: the password is another one.

    Args:
        how: `changed` with the present password, or by `link`.
    """
    payload = {"user": user.pk, "how": how, "at": _instant(now)}
    _tell(AlertKind.PASSWORD_CHANGED, [user.person_id], f"user:{user.pk}", payload, now=now)


def tell_address_confirm(user: User, address_id: int, *, now: datetime) -> None:
    """Mail 18 to a new address: the link that makes it the person's."""
    _tell(AlertKind.ADDRESS_CONFIRM, [user.person_id], f"address:{address_id}", {"address": address_id}, now=now)


def tell_address_changed(user: User, *, former_id: int, now: datetime) -> None:
    """Mail 16, twice: to the address that counts now, and to the one until now."""
    payload = {"user": user.pk, "at": _instant(now)}
    _tell(AlertKind.ADDRESS_CHANGED, [user.person_id], f"user:{user.pk}", payload, now=now)
    _tell(AlertKind.ADDRESS_LEFT, [user.person_id], f"user:{user.pk}", payload | {"address": former_id}, now=now)


def tell_token_made(user: User, *, name: str, scopes: list[str], expires_at: datetime, now: datetime) -> None:
    """Mail 16: a program can act for the account.

    Args:
        name: the first characters of the token, by which it is listed.
    """
    payload = {
        "user": user.pk, "token": name, "scopes": scopes, "expires_at": _instant(expires_at), "at": _instant(now),
    }  # fmt: skip
    _tell(AlertKind.TOKEN_MADE, [user.person_id], f"user:{user.pk}:{name}", payload, now=now)


def tell_role_changed(assignment: RoleAssignment, *, change: str, actor: User, now: datetime) -> None:
    """Mail 16: to whoever has the role, and, for a role that decides or watches, to everybody else who has it.

    Args:
        assignment: as it is after the change; for one that ends, before or after.
        change: `given`, `extended`, `shortened` or `ended`.
    """
    until = now if change == "ended" else assignment.valid_to
    payload = {
        "role": assignment.role_id,
        "team": assignment.team_id,
        "project": assignment.project_id,
        "until": _instant(until) if until else None,
        "from": _instant(assignment.valid_from),
        "change": change,
        "by": actor.person_id,
        "user": assignment.user_id,
        "at": _instant(now),
    }
    person = assignment.user.person_id
    subject = f"role:{assignment.pk}"
    _tell(AlertKind.ROLE_CHANGED, [person], subject, payload, now=now)
    others = roles.co_holders(assignment, now=now) - {person, actor.person_id}
    _tell(AlertKind.ROLE_ANNOUNCED, others, subject, payload | {"person": person}, now=now)


def tell_delegation_changed(delegation: Delegation, *, change: str, actor: User, now: datetime) -> None:
    """Mail 16: to both sides of a delegation.

    Args:
        change: `given` or `revoked`.
    """
    payload = {"delegation": delegation.pk, "change": change, "by": actor.person_id, "at": _instant(now)}
    both = [delegation.delegator_id, delegation.delegate_id]
    _tell(AlertKind.DELEGATION_CHANGED, both, f"delegation:{delegation.pk}:{change}", payload, now=now)


def _tell(kind: AlertKind, people: Any, subject: str, payload: dict[str, Any], *, now: datetime) -> None:
    # Each occasion is a mail of its own: its instant is part of the key.
    enqueue(
        kind, subject=f"{subject}:{now.astimezone(UTC):%Y%m%dT%H%M%S%f}", recipients=people, payload=payload, now=now
    )


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
