"""Connections for probes: they wait a little longer than a reader would, and repeat nothing."""

from __future__ import annotations

import redis

from pipeline.cache.cache_access import CacheUser, impatient_client
from pipeline.settings import Settings

REDIS_TIMEOUT_SECONDS = 2.0


def redis_client(settings: Settings) -> redis.Redis:
    """A client of the stack's Redis. Each command raises redis.RedisError at once where it fails."""
    return impatient_client(
        settings,
        CacheUser.READER,
        connect_timeout_seconds=REDIS_TIMEOUT_SECONDS,
        timeout_seconds=REDIS_TIMEOUT_SECONDS,
    )
