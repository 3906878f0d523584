"""Remembers the answer to a keyed call, so that a retried client causes one effect."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection

from governance.domain.errors import IdempotencyConflict, IdempotencyInFlight
from governance.models import IdempotencyKey, User
from governance.services.commit import BeforeCommit

Answer = tuple[int, dict[str, Any]]
"""HTTP status and JSON body."""
Act = Callable[[BeforeCommit], Any]
"""Calls one service, which calls back with its result right before COMMIT."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to a keyed call, and whether it was given before."""

    status: int
    body: dict[str, Any]
    is_replayed: bool


def run_once(
    *, user: User, key: str, body_digest: str, act: Act, answer: Callable[[Any], Answer], now: datetime
) -> Answered:
    """Run `act` once per account and key; later calls get the first answer, byte for byte.

    The answer is stored in the transaction of the effect: a server that is killed leaves both or neither. A session
    lock keeps a second call with the same key out while the first works. Refusals are not remembered, so that a mended
    call may use its key again.

    Args:
        answer: turns what the service returns into status and plain body, inside the service's transaction.

    Raises:
        IdempotencyConflict: the key was used with another body.
        IdempotencyInFlight: the first call with the key is still at work.
    """
    lock_name = f"idempotency:{user.pk}:{key}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [lock_name])
        if not cursor.fetchone()[0]:
            raise IdempotencyInFlight(f"the key `{key[:40]}` is being worked on: ask again in a moment")
        try:
            known = _known(user, key, body_digest)
            if known is None:
                act(lambda result: _remember(user, key, body_digest, answer(result), now))
                known = _known(user, key, body_digest)
                assert known is not None
                return Answered(known.status, json.loads(known.body), is_replayed=False)
            return Answered(known.status, json.loads(known.body), is_replayed=True)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [lock_name])


def _known(user: User, key: str, body_digest: str) -> IdempotencyKey | None:
    known = IdempotencyKey.objects.filter(user=user, key=key).first()
    if known is not None and known.body_digest != body_digest:
        raise IdempotencyConflict(f"the key `{key[:40]}` was used before with another body: choose a new one")
    return known


def _remember(user: User, key: str, body_digest: str, answer: Answer, now: datetime) -> None:
    status, body = answer
    # As text: PostgreSQL would give a JSON object back with its fields in another order.
    text = json.dumps(body, cls=DjangoJSONEncoder)
    IdempotencyKey.objects.create(user=user, key=key, body_digest=body_digest, status=status, body=text, created_at=now)
