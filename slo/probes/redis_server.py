"""Redis itself: memory, keys, evictions, and window keys that would stay for ever."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from pipeline.contract.cache_schema import PREFIX
from pipeline.settings import Settings
from slo.probes.clients import redis_client
from slo.probes.probe import Probe, Sample
from slo.spec.model import Indicator

_SCAN_COUNT = 100
_NO_TTL = -1


class RedisServer(Probe):
    """Two round trips per look: INFO, DBSIZE and one step of a scan over the window keys, then their TTLs.

    Keys without TTL are a sample when a scan has been through all keys: ``_SCAN_COUNT`` per look, so that no look holds
    Redis up. SCAN may tell a key twice while a table grows, so one such key can count as two, but never as none.
    """

    name = "redis_server"
    indicators = (
        Indicator.REDIS_MEMORY,
        Indicator.REDIS_KEYS,
        Indicator.REDIS_KEYS_WITHOUT_TTL,
        Indicator.REDIS_EVICTIONS,
    )
    period_seconds = 1.0

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._client = redis_client(settings)
        self._clock = clock
        self._cursor = 0
        self._without_ttl = 0
        self._evicted: int | None = None

    def look(self) -> Iterable[Sample]:
        with self._client.pipeline(transaction=False) as pipe:
            pipe.info("memory")
            pipe.info("stats")
            pipe.dbsize()
            pipe.scan(self._cursor, match=f"{PREFIX}:{{*", count=_SCAN_COUNT)
            memory, stats, keys, (self._cursor, found) = pipe.execute()
            for key in found:
                pipe.pttl(key)
            self._without_ttl += sum(ttl == _NO_TTL for ttl in pipe.execute())
        at = self._clock()
        samples = [
            Sample(Indicator.REDIS_MEMORY, at, float(memory["used_memory"])),
            Sample(Indicator.REDIS_KEYS, at, float(keys)),
            Sample(Indicator.REDIS_EVICTIONS, at, float(self._newly_evicted(int(stats["evicted_keys"])))),
        ]
        if self._cursor == 0:
            samples.append(Sample(Indicator.REDIS_KEYS_WITHOUT_TTL, at, float(self._without_ttl)))
            self._without_ttl = 0
        return samples

    def close(self) -> None:
        self._client.close()

    def _newly_evicted(self, evicted: int) -> int:
        """Since the last look; a server that was started again counts from 0."""
        before, self._evicted = self._evicted, evicted
        if before is None:
            return 0
        return evicted - before if evicted >= before else evicted
