"""One effect per Idempotency-Key: the first answer is kept and given again."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from governance.domain.errors import InvalidInput
from governance.domain.record.canonical import digest
from governance.models import User
from governance.services.commit import BeforeCommit, nothing
from governance.services.record import idempotency

_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def once(
    request: Request,
    actor: User,
    service: Callable[..., Any],
    answer: Callable[[Any], idempotency.Answer],
    /,
    *,
    now: datetime,
    **fields: Any,
) -> Response:
    """Call one service with these fields, unless this key was answered before.

    Args:
        answer: turns what the service returns into status and plain JSON body.

    Raises:
        InvalidInput: a key that is not 1 to 255 printable ASCII characters.
        IdempotencyConflict: the key came with another body.
        IdempotencyInFlight: the first call with the key is still at work.
    """

    def act(before_commit: BeforeCommit) -> Any:
        return service(actor=actor, now=now, before_commit=before_commit, **fields)

    key = request.headers.get("Idempotency-Key")
    if key is None:
        status, body = answer(act(nothing))
        return Response(body, status=status)
    if not _KEY.fullmatch(key):
        raise InvalidInput({"Idempotency-Key": ["give 1 to 255 printable ASCII characters"]})
    body_digest = digest_of(request)
    answered = idempotency.run_once(user=actor, key=key, body_digest=body_digest, act=act, answer=answer, now=now)
    response = Response(answered.body, status=answered.status)
    if answered.is_replayed:
        response["Idempotency-Replayed"] = "true"
    return response


def digest_of(request: Request) -> str:
    """SHA-256 of the call: method, path and body, whatever the order of its fields.

    Canonical JSON has no word for an integer above 2^53, for 1e999 or for half of a character pair. Such a body is
    named by its plain text: whether it means anything is for the service to say, which names the field.
    """
    call = {"method": request.method, "path": request.path, "body": request.data}
    try:
        return digest(call)
    except ValueError:
        return hashlib.sha256(json.dumps(call, sort_keys=True).encode("ascii")).hexdigest()
