"""Reads the cells of some windows from Redis, as cheaply as can be: one script call per look.

A script joins the fields and values of each window with NUL bytes, which no name contains; so the client
splits one string in C instead of parsing thousands of replies, and a window that has not changed costs one comparison.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from pipeline.cache_access import CacheUser, credentials
from pipeline.contract.cache_schema import CANARY_PREFIX, cells_key, complete_key, parse_counts
from pipeline.settings import Settings
from slo.latency.sightings import CellKey

TIMEOUT_SECONDS = 2.0
_JOIN_WINDOWS = """
if ARGV[1] and redis.call('EXISTS', ARGV[1]) == 0 then return false end
local joined = {}
for i, key in ipairs(KEYS) do joined[i] = table.concat(redis.call('HGETALL', key), '\\0') end
return joined
"""


class CacheIncomplete(redis.RedisError):
    """Redis has lost data and is being restored: readers go elsewhere, so nothing is visible in it."""


class CacheReader:
    """One connection. Every read raises redis.RedisError where Redis does not answer; none is repeated.

    With ``complete_only`` they also raise it where Redis is not complete, as readers then don't look at it.
    """

    def __init__(self, settings: Settings, size_seconds: int, *, complete_only: bool = False) -> None:
        self._size = size_seconds
        self._marker = [complete_key()] if complete_only else []
        self._client = redis.Redis(
            host=settings.redis_host,
            port=settings.redis_port,
            **credentials(settings, CacheUser.READER),
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        self._script = self._client.register_script(_JOIN_WINDOWS)
        self._last: dict[int, list[bytes]] = {}

    def read(self, windows: Sequence[int]) -> tuple[float, list[tuple[CellKey, int]]]:
        """When the answer was there (unix seconds), and the counts that changed since the last read of their window.

        ``windows`` are starts in unix seconds. Canaries are left out.
        """
        keys = [cells_key(self._size, start) for start in windows]
        texts: list[bytes] | None = self._script(keys=keys, args=self._marker)
        at = time.time()
        if texts is None:
            raise CacheIncomplete("Redis is not complete: it is being restored")
        changed = [row for start, text in zip(windows, texts, strict=True) for row in self._changes(start, text)]
        for start in self._last.keys() - set(windows):
            del self._last[start]
        return at, changed

    def _changes(self, start: int, text: bytes) -> Iterator[tuple[CellKey, int]]:
        last = self._last.get(start)
        parts = text.split(b"\0") if text else []
        if parts == last:
            return
        self._last[start] = parts
        # A hash keeps its fields in place until one is added; then everything is looked at once.
        same_fields = last is not None and len(last) == len(parts)
        for at in range(0, len(parts), 3):
            if same_fields and last is not None and parts[at : at + 3] == last[at : at + 3]:
                continue
            campaign = parts[at].decode()
            if not campaign.startswith(CANARY_PREFIX):
                yield (start, campaign, parts[at + 1].decode()), parse_counts(parts[at + 2]).total

    def close(self) -> None:
        """Ends the connection."""
        self._client.close()
