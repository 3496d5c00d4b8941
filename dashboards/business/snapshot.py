"""What one refresh reads: newest minutes, windows of the range, sums per campaign, and the period compared with.

What Redis keeps is read anew each time, in three round trips. What it no longer keeps comes from PostgreSQL
(`dashboards.business.past`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dashboards.business.past import FIVE_MINUTES, MINUTE, MetricsReads, PastReads
from dashboards.business.selection import DAY_SECONDS, Compare
from pipeline.cache.breakdown import Breakdown, CategoryWindow, joined
from pipeline.cache.cache_manager import MetricsUnavailableError
from pipeline.contract.cache_schema import Cell, Counts, Retention
from pipeline.read_results import Reading, Source
from pipeline.settings import Settings

MOST_MINUTES = 60
"""So many windows of a minute are drawn; more would be a smear, and cost a scan of every minute."""
FEWEST_MINUTES = 30
"""For the sparklines, however short the range."""
_MARGIN_SECONDS = 60
"""Windows that expire sooner are asked of PostgreSQL, so that none disappears between two reads."""


@dataclass(frozen=True)
class Snapshot:
    """Everything that one refresh shows, of one moment.

    ``minutes`` are the newest windows of a minute, the last of them that of now; ``windows`` the 5-minute windows of
    the range; ``cells`` its sums per campaign and category. Of one campaign, ``everything`` are the range's windows of
    all campaigns. No partition's newest event is older than ``newest_event_seconds``.
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
    everything: tuple[CategoryWindow, ...] = ()
    fallback_reason: str | None = None
    past_missing: str | None = None


@dataclass(frozen=True)
class Earlier:
    """What a snapshot is compared with: as many 5-minute windows, ``offset_seconds`` before its own.

    ``minute`` is the current minute a day before, where that is what is compared. ``missing`` says why this is not all.
    """

    compare: Compare
    offset_seconds: int
    windows: tuple[CategoryWindow, ...]
    minute: CategoryWindow | None = None
    missing: str | None = None


@dataclass(frozen=True)
class Unavailable:
    """Neither store answered."""

    tried_at_seconds: float
    reason: str


class SnapshotReader:
    """Takes snapshots. Safe to share between threads. ``clock`` gives unix seconds."""

    def __init__(self, reads: MetricsReads, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._reads = reads
        self._past = PastReads(reads, clock)
        self._settings = settings
        self._clock = clock

    def take(self, range_seconds: int, campaign_id: str | None) -> Snapshot | Unavailable:
        """The range that ends with the current window, of everything or of one campaign."""
        now = self._clock()
        try:
            return self._take(now, range_seconds, campaign_id)
        except MetricsUnavailableError as error:
            return Unavailable(now, str(error))

    def earlier(self, shown: Snapshot, compare: Compare, campaign_id: str | None) -> Earlier:
        """The period that a snapshot of the same campaign is compared with."""
        first, end = shown.windows[0].start_seconds, shown.windows[-1].start_seconds + FIVE_MINUTES
        offset = compare.offset_seconds(end - first)
        watermark = shown.watermark_ms
        found, missing = self._past.read(
            (first - offset, end - offset, FIVE_MINUTES), campaign_id, watermark, campaigns=False
        )
        minute: Breakdown | None = None
        if compare is Compare.YESTERDAY and missing is None:
            start = shown.minutes[-1].start_seconds - DAY_SECONDS
            minute, missing = self._past.read((start, start + MINUTE, MINUTE), campaign_id, watermark, campaigns=False)
        return Earlier(
            compare, offset, found.windows, minute.windows[0] if minute and minute.windows else None, missing
        )

    def _take(self, now: float, range_seconds: int, campaign_id: str | None) -> Snapshot:
        retention = self._reads.retention()
        count = range_seconds // FIVE_MINUTES
        minutes = _bounds(now, retention, MINUTE, min(max(range_seconds // MINUTE, FEWEST_MINUTES), MOST_MINUTES))
        windows = _bounds(now, retention, FIVE_MINUTES, count)
        began = time.perf_counter()
        newest = self._recent(minutes, campaign_id, campaigns=False)
        read_seconds = time.perf_counter() - began
        whole = self._recent(windows, campaign_id, campaigns=True)
        everything = self._recent(windows, None, campaigns=False) if campaign_id is not None else None
        watermark = newest.watermark_ms
        older_minutes, *missing = self._past.read(minutes.past, campaign_id, watermark, campaigns=False)
        older, more_missing = self._past.read(windows.past, campaign_id, watermark, campaigns=True)
        missing.append(more_missing)
        older_everything = Breakdown((), {})
        if everything is not None:
            older_everything, more_missing = self._past.read(windows.past, None, watermark, campaigns=False)
            missing.append(more_missing)
        together = joined(older, whole.value)
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
            windows=together.windows,
            cells=dict(together.cells),
            everything=joined(older_everything, everything.value).windows if everything is not None else (),
            fallback_reason=fallbacks[0].fallback_reason if fallbacks else None,
            past_missing=_first(missing),
        )

    def _recent(self, bounds: _Bounds, campaign_id: str | None, *, campaigns: bool) -> Reading[Breakdown]:
        return self._reads.breakdown(bounds.kept, bounds.end, bounds.size, campaign_id=campaign_id, campaigns=campaigns)


@dataclass(frozen=True)
class _Bounds:
    """First window of a range, first that Redis keeps, end (exclusive): unix seconds; size of a window."""

    first: int
    kept: int
    end: int
    size: int

    @property
    def past(self) -> tuple[int, int, int]:
        """The part that Redis no longer keeps."""
        return self.first, self.kept, self.size


def _bounds(now: float, retention: Retention, size: int, count: int) -> _Bounds:
    end = int(now) // size * size + size
    first = end - count * size
    gone = max(int(now) + _MARGIN_SECONDS - retention.seconds, retention.kept_from_seconds) - size
    return _Bounds(first, min(max(first, (gone // size + 1) * size), end - size), end, size)


def _first(reasons: Sequence[str | None]) -> str | None:
    return next((reason for reason in reasons if reason is not None), None)
