"""Redis itself: memory, keys, evictions, and window keys that would stay forever."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable

from pipeline.contract.cache_schema import PREFIX
from pipeline.settings import Settings
from slo.probes.clients import redis_client
from slo.probes.probe import Probe, Sample
from slo.spec.model import Indicator

_SCAN_COUNT = 100
_LARGEST_SCAN_COUNT = 1000
_SCAN_LOOKS = 60
_NO_TTL = -1


class RedisServer(Probe):
    """Two round trips per poll: INFO, DBSIZE and one step of a scan over the window keys, then their TTLs.

    A scan takes a step of ``_SCAN_COUNT`` keys per look. It takes larger ones, up to ``_LARGEST_SCAN_COUNT``, where it
    would need more than ``_SCAN_LOOKS`` polls, so that no poll holds Redis up. After the first complete scan, each poll
    tells the keys without TTL: those of the last complete scan, or of the present one where it has found more. So the
    sample does not come and go with the length of a scan. SCAN may tell a key twice while a table grows, so one such
    key can count as two, but never as none.
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
        self._step = _SCAN_COUNT
        self._found = 0
        self._without_ttl: int | None = None
        """Of the last complete scan; None before it."""
        self._evicted: int | None = None

    def look(self) -> Iterable[Sample]:
        with self._client.pipeline(transaction=False) as pipe:
            pipe.info("memory")
            pipe.info("stats")
            pipe.dbsize()
            pipe.scan(self._cursor, match=f"{PREFIX}:{{*", count=self._step)
            memory, stats, keys, (self._cursor, found) = pipe.execute()
            for key in found:
                pipe.pttl(key)
            self._found += sum(ttl == _NO_TTL for ttl in pipe.execute())
        self._step = min(max(_SCAN_COUNT, math.ceil(keys / _SCAN_LOOKS)), _LARGEST_SCAN_COUNT)
        at = self._clock()
        samples = [
            Sample(Indicator.REDIS_MEMORY, at, float(memory["used_memory"])),
            Sample(Indicator.REDIS_KEYS, at, float(keys)),
            Sample(Indicator.REDIS_EVICTIONS, at, float(self._newly_evicted(int(stats["evicted_keys"])))),
        ]
        if self._cursor == 0:
            self._without_ttl, self._found = self._found, 0
        if self._without_ttl is not None:
            worst = float(max(self._without_ttl, self._found))
            samples.append(Sample(Indicator.REDIS_KEYS_WITHOUT_TTL, at, worst))
        return samples

    def close(self) -> None:
        self._client.close()

    def _newly_evicted(self, evicted: int) -> int:
        """Since the last poll; a server that was started again counts from 0."""
        before, self._evicted = self._evicted, evicted
        if before is None:
            return 0
        return evicted - before if evicted >= before else evicted
