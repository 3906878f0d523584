"""Remembers the answer to a keyed call, so that a retried client causes one effect."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, connection, transaction

from governance.domain.errors import IdempotencyConflict, IdempotencyInFlight
from governance.models import IdempotencyKey, User


def run_once(
    *, user: User, key: str, body_digest: str, act: Callable[[], tuple[int, dict[str, Any]]], now: datetime
) -> tuple[int, dict[str, Any], bool]:
    """Run `act` once per account and key; later calls get the first answer.

    A session lock keeps a second call with the same key out while the first works: it is told so at once. Refusals are
    not remembered, so that a mended call may use its key again.

    Returns:
        status, body, and whether the answer is a repeated one.

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
            return _run(user=user, key=key, body_digest=body_digest, act=act, now=now)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [lock_name])


def _run(
    *, user: User, key: str, body_digest: str, act: Callable[[], tuple[int, dict[str, Any]]], now: datetime
) -> tuple[int, dict[str, Any], bool]:
    known = IdempotencyKey.objects.filter(user=user, key=key).first()
    if known is not None:
        if known.body_digest != body_digest:
            raise IdempotencyConflict(f"the key `{key[:40]}` was used before with another body: choose a new one")
        return known.status, known.body, True
    status, body = act()
    plain = json.loads(json.dumps(body, cls=DjangoJSONEncoder))
    try:
        with transaction.atomic():
            IdempotencyKey.objects.create(
                user=user, key=key, body_digest=body_digest, status=status, body=plain, created_at=now
            )
    except IntegrityError:
        raise IdempotencyInFlight(f"the key `{key[:40]}` was used at the same moment") from None
    return status, plain, False
