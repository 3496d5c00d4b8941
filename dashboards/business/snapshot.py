"""What one refresh reads: newest minutes, windows of the range, sums per campaign.

What Redis keeps is read anew each time, in three round trips. What it no longer keeps comes from PostgreSQL, and once
it is final (`pipeline.contract.windows`) it never changes, so it is read once per window and not once per refresh.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from pipeline.cache.breakdown import Breakdown, CategoryWindow, joined
from pipeline.cache.cache_manager import MetricsUnavailableError
from pipeline.contract.cache_schema import Cell, Counts, Retention
from pipeline.contract.windows import WindowState
from pipeline.read_results import Reading, Source
from pipeline.settings import Settings

MINUTE, FIVE_MINUTES = 60, 300
MOST_MINUTES = 60
"""So many windows of a minute are drawn; more would be a smear, and cost a scan of every minute."""
FEWEST_MINUTES = 30
"""For the sparklines, however short the range."""
_MARGIN_SECONDS = 60
"""Windows that expire sooner are asked of PostgreSQL, so that none disappears between two reads."""
_MOST_PASTS = 64


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


@dataclass(frozen=True)
class Snapshot:
    """Everything that one refresh shows, of one moment.

    ``minutes`` are the newest windows of a minute, the last of them that of now; ``windows`` the 5-minute windows of
    the range; ``cells`` its sums per campaign and category. No partition's newest event is older than
    ``newest_event_seconds``.
    ``fallback_reason`` says why PostgreSQL had to answer for Redis, ``past_missing`` why the older part is not all
    there.
    """

    read_at_seconds: float
    read_seconds: float
    source: Source
    watermark_ms: int | None
    newest_event_seconds: float | None
    minutes: tuple[CategoryWindow, ...]
    windows: tuple[CategoryWindow, ...]
    cells: dict[Cell, Counts]
    fallback_reason: str | None = None
    past_missing: str | None = None


@dataclass(frozen=True)
class Unavailable:
    """Neither store answered."""

    tried_at_seconds: float
    reason: str


class SnapshotReader:
    """Takes snapshots. Safe to share between threads. ``clock`` gives unix seconds."""

    def __init__(self, reads: MetricsReads, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._reads = reads
        self._settings = settings
        self._clock = clock
        self._pasts: OrderedDict[tuple[int, int, int, str | None, bool], Breakdown] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, range_seconds: int, campaign_id: str | None) -> Snapshot | Unavailable:
        """The range that ends with the current window, of everything or of one campaign."""
        now = self._clock()
        try:
            return self._take(now, range_seconds, campaign_id)
        except MetricsUnavailableError as error:
            return Unavailable(now, str(error))

    def _take(self, now: float, range_seconds: int, campaign_id: str | None) -> Snapshot:
        retention = self._reads.retention()
        minutes = min(max(range_seconds // MINUTE, FEWEST_MINUTES), MOST_MINUTES)
        began = time.perf_counter()
        newest = self._recent(now, retention, MINUTE, minutes, campaign_id, campaigns=False)
        read_seconds = time.perf_counter() - began
        whole = self._recent(now, retention, FIVE_MINUTES, range_seconds // FIVE_MINUTES, campaign_id, campaigns=True)
        watermark = newest.watermark_ms
        older_minutes, missing = self._past(now, retention, MINUTE, minutes, campaign_id, watermark, campaigns=False)
        older, missing_too = self._past(
            now, retention, FIVE_MINUTES, range_seconds // FIVE_MINUTES, campaign_id, watermark, campaigns=True
        )
        everything = joined(older, whole.value)
        fallbacks = [each for each in (newest, whole) if each.source is Source.POSTGRES]
        return Snapshot(
            read_at_seconds=now,
            read_seconds=read_seconds,
            source=Source.POSTGRES if fallbacks else Source.REDIS,
            watermark_ms=watermark,
            newest_event_seconds=None
            if watermark is None
            else watermark / 1000 + self._settings.out_of_orderness_seconds,
            minutes=joined(older_minutes, newest.value).windows,
            windows=everything.windows,
            cells=dict(everything.cells),
            fallback_reason=fallbacks[0].fallback_reason if fallbacks else None,
            past_missing=missing or missing_too,
        )

    def _recent(
        self, now: float, retention: Retention, size: int, count: int, campaign_id: str | None, *, campaigns: bool
    ) -> Reading[Breakdown]:
        _, kept, end = _bounds(now, retention, size, count)
        return self._reads.breakdown(kept, end, size, campaign_id=campaign_id, campaigns=campaigns)

    def _past(
        self,
        now: float,
        retention: Retention,
        size: int,
        count: int,
        campaign_id: str | None,
        watermark_ms: int | None,
        *,
        campaigns: bool,
    ) -> tuple[Breakdown, str | None]:
        """What comes before that, and why it is not whole if it isn't: the newer part is worth showing without it.

        ``watermark_ms`` is the newer part's: where PostgreSQL is behind it and behind ``kept``, windows lack events.
        """
        first, kept, _ = _bounds(now, retention, size, count)
        if first >= kept:
            return Breakdown((), {}), None
        key = first, kept, size, campaign_id, campaigns
        with self._lock:
            if key in self._pasts:
                self._pasts.move_to_end(key)
                return self._pasts[key], None
        try:
            reading = self._reads.breakdown(first, kept, size, campaign_id=campaign_id, campaigns=campaigns)
        except MetricsUnavailableError as error:
            return Breakdown((), {}), str(error)
        # A recount of these is seen when the range has moved on by a window.
        if reading.state is WindowState.FINAL:
            with self._lock:
                self._pasts[key] = reading.value
                if len(self._pasts) > _MOST_PASTS:
                    self._pasts.popitem(last=False)
        known = reading.watermark_ms
        if known is not None and watermark_ms is not None and known < min(kept * 1000, watermark_ms):
            return reading.value, f"PostgreSQL is at {known} ms, before the windows that Redis keeps"
        return reading.value, None


def _bounds(now: float, retention: Retention, size: int, count: int) -> tuple[int, int, int]:
    """First window of the range, first that Redis keeps, end (exclusive); unix seconds."""
    end = int(now) // size * size + size
    first = end - count * size
    gone = max(int(now) + _MARGIN_SECONDS - retention.seconds, retention.kept_from_seconds) - size
    return first, min(max(first, (gone // size + 1) * size), end - size), end
