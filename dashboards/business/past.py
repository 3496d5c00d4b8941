"""Reads of what Redis no longer keeps. Once final it never changes, so it is read once and not with each refresh."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

from pipeline.cache.breakdown import Breakdown
from pipeline.cache.cache_manager import MetricsUnavailableError
from pipeline.contract.cache_schema import Retention
from pipeline.contract.windows import WindowState
from pipeline.read_results import Reading

MINUTE, FIVE_MINUTES = 60, 300
KEPT_SECONDS = 2 * FIVE_MINUTES
"""After its last use: every window that ends begins new ranges, and nobody asks for the old ones again."""
_MOST_KEPT = 256
"""Up to five per selection and window that anybody looks at; half a megabyte each for a day of 1,000 campaigns."""
_Key = tuple[int, int, int, str | None, bool]


class MetricsReads(Protocol):
    """The part of `pipeline.cache.cache_manager.CacheManager` that the page needs."""

    def breakdown(
        self,
        from_seconds: int,
        to_seconds: int,
        size_seconds: int = FIVE_MINUTES,
        *,
        campaign_id: str | None = None,
        campaigns: bool = True,
    ) -> Reading[Breakdown]:
        """See there. Raises MetricsUnavailableError."""

    def retention(self) -> Retention:
        """See there."""


class PastReads:
    """Safe to share between threads."""

    def __init__(self, reads: MetricsReads, clock: Callable[[], float] = time.monotonic) -> None:
        self._reads = reads
        self._clock = clock
        self._final: OrderedDict[_Key, tuple[float, Breakdown]] = OrderedDict()
        """With the time of the last use, the longest unused first."""
        self._lock = threading.Lock()

    def read(
        self,
        windows: tuple[int, int, int],
        campaign_id: str | None,
        watermark_ms: int | None,
        *,
        campaigns: bool,
    ) -> tuple[Breakdown, str | None]:
        """``windows`` are first start, end (exclusive; unix seconds) and size in seconds.

        With the breakdown comes why it is not complete, if it isn't: the rest of a page is worth showing without it.
        ``watermark_ms`` is that of the newest windows: where PostgreSQL is behind it and behind ``end``, events lack.
        """
        first, end, size = windows
        if first >= end:
            return Breakdown((), {}), None
        key = first, end, size, campaign_id, campaigns
        kept = self._kept(key)
        if kept is not None:
            return kept, None
        try:
            reading = self._reads.breakdown(first, end, size, campaign_id=campaign_id, campaigns=campaigns)
        except MetricsUnavailableError as error:
            return Breakdown((), {}), str(error)
        # A recount of these is seen when the range has moved on by a window.
        if reading.state is WindowState.FINAL:
            self._keep(key, reading.value)
        known = reading.watermark_ms
        if known is not None and watermark_ms is not None and known < min(end * 1000, watermark_ms):
            return reading.value, f"PostgreSQL is at {known} ms, before the windows that Redis keeps"
        return reading.value, None

    def _kept(self, key: _Key) -> Breakdown | None:
        with self._lock:
            if key not in self._final:
                return None
            _, found = self._final.pop(key)
            self._final[key] = self._clock(), found
            return found

    def _keep(self, key: _Key, value: Breakdown) -> None:
        """Drops what is too old or too much."""
        now = self._clock()
        with self._lock:
            self._final.pop(key, None)
            self._final[key] = now, value
            while len(self._final) > _MOST_KEPT or next(iter(self._final.values()))[0] < now - KEPT_SECONDS:
                self._final.popitem(last=False)
