"""A cache whose absence is a miss, not an error.

Sessions and throttles use the cache, and both have something to fall back on: the
database and the next request. So a stopped Redis slows the product down a little and
refuses nobody.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")

UNREACHABLE = (RedisConnectionError, RedisTimeoutError, OSError)


def _forgiving(method: Callable[..., Answer], miss: Callable[[dict[str, Any]], Answer]) -> Callable[..., Answer]:
    """Give `miss` when Redis cannot be reached; every other error is passed on."""

    @wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Answer:
        try:
            return method(self, *args, **kwargs)
        except UNREACHABLE as error:
            logger.warning("cache unreachable, going on without it: %s", error)
            bound = dict(zip(("key", "default"), args, strict=False)) | kwargs
            return miss(bound)

    return call


class ForgivingRedisCache(RedisCache):
    """Django's Redis cache with connection errors and timeouts read as misses.

    `incr` still raises: its caller needs a number, and there is none.
    """

    get = _forgiving(RedisCache.get, lambda given: given.get("default"))
    get_many = _forgiving(RedisCache.get_many, lambda given: {})
    has_key = _forgiving(RedisCache.has_key, lambda given: False)
    set = _forgiving(RedisCache.set, lambda given: None)
    set_many = _forgiving(RedisCache.set_many, lambda given: [])
    # True: "added". A guard that lets one caller through must not shut everybody out.
    add = _forgiving(RedisCache.add, lambda given: True)
    touch = _forgiving(RedisCache.touch, lambda given: False)
    delete = _forgiving(RedisCache.delete, lambda given: False)
    delete_many = _forgiving(RedisCache.delete_many, lambda given: None)
