"""`/healthz`: whether this process should get traffic, and what around it is not well.

Only a database that does not answer makes it 503. Without the queue, requests are still
accepted and mails wait in the outbox, so that is reported but keeps the traffic.
"""

from __future__ import annotations

import logging
import time

from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config.celery import HEARTBEAT_KEY, HEARTBEAT_SECONDS_MAX

logger = logging.getLogger(__name__)


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer with one word per part: `ok`, or what is wrong with it."""
    parts = {"database": _database(), "queue": _queue(), "workers": _workers()}
    status = 200 if parts["database"] == "ok" else 503
    response = JsonResponse(parts, status=status)
    if status == 503:
        response["Retry-After"] = "5"
    return response


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        logger.error("the database does not answer: %s", error)
        return "unreachable"
    return "ok"


def _queue() -> str:
    from redis import Redis
    from redis.exceptions import RedisError

    if not settings.CELERY_BROKER_URL.startswith("redis"):
        return "not configured"
    try:
        with Redis.from_url(settings.CELERY_BROKER_URL, socket_connect_timeout=0.5, socket_timeout=0.5) as client:
            client.ping()
    except (RedisError, OSError):
        return "unreachable"
    return "ok"


def _workers() -> str:
    seen = cache.get(HEARTBEAT_KEY)
    if not isinstance(seen, int | float):
        return "not seen yet"
    age_seconds = time.time() - seen
    return "ok" if age_seconds <= HEARTBEAT_SECONDS_MAX else f"last seen {age_seconds:.0f} s ago"
