"""How often somebody may try: per address on the network, per account and address, and per account from anywhere.

Counted in the cache by django-allauth. A browser in which an account signed in before counts for itself, so a stranger
who tries from elsewhere does not lock the account's owner out (the device cookies of OWASP's authentication guide).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal import ratelimit
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from governance.models import User
from governance.selectors.people import accounts
from governance.services.people import credentials
from governance.web import errors

SIGN_IN: Mapping[str, str] = {
    "network_address": "20/m/ip",
    "account_and_place": "5/5m/key",
    "account": "50/h/key",
}
"""Failed sign-ins. `account` does not count for browsers that the account knows."""

LINKS: Mapping[str, str] = {"network_address": "20/h/ip", "account": "4/h/key"}
"""Links asked for, whether or not somebody has the address."""

NEW_ADDRESSES: Mapping[str, str] = {"account": "5/d/key"}

KNOWN_COOKIE = "comptroller_known"
KNOWN_DAYS = 180
NOTED_SECONDS = 3600
"""An account that is tried too often is noted in the audit log once in so long."""


class Usage:
    """What one try used up; taken back when it succeeds."""

    def __init__(self) -> None:
        self.parts: list[ratelimit.RateLimitUsage] = []

    def rollback(self) -> None:
        for part in self.parts:
            part.rollback()


def count(request: HttpRequest, limits: Mapping[str, str], keys: Mapping[str, str]) -> Usage:
    """Count one try against each limit.

    Args:
        keys: what is counted by, for each limit that counts by a key; a limit without one is left out.

    Raises:
        ImmediateHttpResponse: a page that says how long to wait, with `Retry-After`; nothing was counted then.
    """
    usage = Usage()
    for name, rate in limits.items():
        key = keys.get(name)
        if key is None and rate.endswith("/key"):
            continue
        found = ratelimit.consume(request, app="comptroller", action=name, config={name: rate}, key=key)
        if found is None:
            usage.rollback()
            raise ImmediateHttpResponse(errors.too_many(request, wait_seconds=_wait(request, name, rate, key)))
        usage.parts.append(found)
    return usage


def count_sign_in(request: HttpRequest, address: str) -> Usage:
    """Count one try to sign in, before the password is looked at.

    Raises:
        ImmediateHttpResponse: too many failed; an account that somebody has is noted in the audit log.
    """
    address = address.strip().lower()
    known = _known_as(request, address)
    keys = {"account_and_place": f"{address} {known or ratelimit.get_ip(request)}"}
    if known is None:
        keys["account"] = address
    try:
        return count(request, SIGN_IN, keys)
    except ImmediateHttpResponse:
        _note(address)
        raise


def remember(request: HttpRequest, response: HttpResponse, user: User) -> None:
    """Let this browser count for itself when the account is tried from elsewhere."""
    mark = f"{user.pk}:{secrets.token_urlsafe(9)}"
    response.set_signed_cookie(
        KNOWN_COOKIE, mark, salt=KNOWN_COOKIE, max_age=KNOWN_DAYS * 86_400, httponly=True, samesite="Lax",
        secure=request.is_secure(),
    )  # fmt: skip


def _known_as(request: HttpRequest, address: str) -> str | None:
    mark = request.get_signed_cookie(KNOWN_COOKIE, default="", salt=KNOWN_COOKIE, max_age=KNOWN_DAYS * 86_400)
    if not mark:
        return None
    user = accounts.account_at(address)
    return mark if user is not None and mark.split(":")[0] == str(user.pk) else None


def _note(address: str) -> None:
    user = accounts.account_at(address)
    if user is not None and cache.add(f"sign-in-throttled:{user.pk}", True, NOTED_SECONDS):
        credentials.note_throttled(user=user, limit="sign_in", now=timezone.now())


def _wait(request: HttpRequest, name: str, rate: str, key: str | None) -> int:
    """Seconds until the oldest try that counts is forgotten."""
    parsed: Any = ratelimit.parse_rate(rate)
    history = cache.get(ratelimit.get_cache_key(request, app="comptroller", action=name, rate=parsed, key=key), [])
    return max(1, int(history[-1] + parsed.duration - time.time()) + 1) if history else int(parsed.duration)
