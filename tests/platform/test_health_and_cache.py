"""What is down is named; only the database takes the traffic away."""

from __future__ import annotations

import re
import time
from typing import Any
from unittest.mock import patch

import pytest
from django.core.cache import cache
from django.db import OperationalError
from django.test import Client

from config.cache import ForgivingRedisCache
from config.celery import HEARTBEAT_KEY, HEARTBEAT_SECONDS_MAX
from config.http import health
from config.serve.processes import free_port

pytestmark = pytest.mark.django_db


@pytest.fixture
def no_redis() -> ForgivingRedisCache:
    """A cache whose server is not there."""
    return ForgivingRedisCache(f"redis://127.0.0.1:{free_port()}/0", {"OPTIONS": {"socket_connect_timeout": 0.5}})


def test_all_is_well() -> None:
    cache.set(HEARTBEAT_KEY, time.time())
    response = Client().get("/healthz")
    assert (response.status_code, response.json()) == (200, {"database": "ok", "queue": "ok", "workers": "ok"})


def test_without_a_database_there_is_no_traffic() -> None:
    with patch.object(health.connection, "cursor", side_effect=OperationalError("gone")):
        response = Client().get("/healthz")
    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert response.json()["database"] == "unreachable"


def test_without_a_queue_there_still_is(settings: Any) -> None:
    settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{free_port()}/0"
    response = Client().get("/healthz")
    assert (response.status_code, response.json()["queue"]) == (200, "unreachable")


def test_silent_workers_are_reported_with_their_silence() -> None:
    cache.set(HEARTBEAT_KEY, time.time() - HEARTBEAT_SECONDS_MAX - 5)
    said = Client().get("/healthz").json()["workers"]
    found = re.fullmatch(r"last seen (\d+) s ago", said)
    assert found, said
    assert int(found[1]) >= HEARTBEAT_SECONDS_MAX + 5
    cache.delete(HEARTBEAT_KEY)
    assert Client().get("/healthz").json()["workers"] == "not seen yet"


def test_health_is_only_read() -> None:
    assert Client().post("/healthz").status_code == 405


def test_an_absent_cache_is_a_miss(no_redis: ForgivingRedisCache) -> None:
    assert no_redis.get("key") is None
    assert no_redis.get("key", "fallback") == "fallback"
    assert no_redis.get("key", default="fallback") == "fallback"
    assert no_redis.get_many(["key"]) == {}
    assert no_redis.add("key", 1) is True
    assert no_redis.set_many({"key": 1}) == []
    assert "key" not in no_redis
    no_redis.set("key", 1)
    no_redis.delete("key")
    no_redis.delete_many(["key"])


def test_an_absent_cache_cannot_count(no_redis: ForgivingRedisCache) -> None:
    with pytest.raises(Exception, match="refused"):
        no_redis.incr("key")


def test_a_present_cache_works(settings: Any) -> None:
    cache.set("key", {"a": 1})
    assert cache.get("key") == {"a": 1}
    assert cache.add("key", 2) is False
    assert cache.incr_version("key") == 2


def test_the_icon_that_browsers_ask_for_by_themselves_is_there() -> None:
    response = Client().get("/favicon.ico")
    assert response.status_code == 302
    assert response["Location"].endswith(".svg")
