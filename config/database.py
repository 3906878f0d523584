"""How each database role connects, and how long it may keep others waiting."""

from __future__ import annotations

from typing import Any

from config.env import DatabaseUrl

STATEMENT_TIMEOUT_MS = 10_000
LOCK_TIMEOUT_MS = 3_000
IDLE_IN_TRANSACTION_TIMEOUT_MS = 15_000


def postgres(url: DatabaseUrl, *, pool_size: int = 0, patient: bool = False) -> dict[str, Any]:
    """Connection settings for one role.

    A stuck client must not sit on a budget row, so the app role's statements, locks and idle
    transactions end by themselves; `patient` is for migrations and loading, which take longer.
    """
    limits = {
        "statement_timeout": 0 if patient else STATEMENT_TIMEOUT_MS,
        "lock_timeout": LOCK_TIMEOUT_MS,
        "idle_in_transaction_session_timeout": 0 if patient else IDLE_IN_TRANSACTION_TIMEOUT_MS,
    }
    options: dict[str, Any] = {
        "connect_timeout": 5,
        "application_name": "comptroller",
        "options": " ".join(f"-c {name}={value}" for name, value in limits.items()),
        **dict(url.parameters),
    }
    if pool_size:
        options["pool"] = {"min_size": 1, "max_size": pool_size, "timeout": 5}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": url.host,
        "PORT": url.port,
        "NAME": url.name,
        "USER": url.user,
        "PASSWORD": url.password,
        "OPTIONS": options,
        "CONN_MAX_AGE": 0 if pool_size else 60,  # a pool keeps the connections itself
        "CONN_HEALTH_CHECKS": True,
        "ATOMIC_REQUESTS": False,  # services draw their own transaction boundaries
    }
