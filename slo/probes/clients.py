"""Connections for probes: they wait a little longer than a reader would, and repeat nothing."""

from __future__ import annotations

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from pipeline.settings import Settings

REDIS_TIMEOUT_SECONDS = 2.0


def redis_client(settings: Settings) -> redis.Redis:
    """A client of the stack's Redis. Each command raises redis.RedisError at once where it fails."""
    return redis.Redis(
        host=settings.redis_host,
        port=settings.redis_port,
        password=settings.redis_password or None,
        socket_timeout=REDIS_TIMEOUT_SECONDS,
        socket_connect_timeout=REDIS_TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
        legacy_responses=False,
    )
