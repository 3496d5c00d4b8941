"""What Redis says about how long it keeps windows."""

from __future__ import annotations

from dataclasses import dataclass

import redis

from pipeline.cache.cache_access import CacheUser, impatient_client
from pipeline.cache.cache_commands import read_retention
from pipeline.settings import Settings

_TIMEOUT_SECONDS = 1.0


@dataclass(frozen=True)
class Cache:
    """Memory in bytes, its maximum 0 where there is none; retention in seconds, in force and by the setting.

    No window that ended by ``kept_from_seconds`` (unix time) is in Redis.
    """

    used_bytes: int
    maximum_bytes: int
    retention_seconds: int
    longest_retention_seconds: int
    kept_from_seconds: int


def cache(settings: Settings) -> Cache | None:
    """None if Redis does not answer."""
    longest = settings.cache_retention_seconds
    timeouts = {"connect_timeout_seconds": _TIMEOUT_SECONDS, "timeout_seconds": _TIMEOUT_SECONDS}
    try:
        with impatient_client(settings, CacheUser.READER, **timeouts) as client:
            memory = client.info("memory")
            retention = read_retention(client, longest)
    except (redis.RedisError, ValueError):
        return None
    used, maximum = int(memory["used_memory"]), int(memory["maxmemory"])
    return Cache(used, maximum, retention.seconds, longest, retention.kept_from_seconds)
