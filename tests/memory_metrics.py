"""The read API in memory, with the ways in which the real one lets the page down. Passes the same `read_contract`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pipeline.cache.breakdown import Breakdown, CategoryWindow, joined
from pipeline.cache.cache_manager import MetricsUnavailableError
from pipeline.contract.cache_schema import ZERO, Cell, Counts, Retention, is_canary
from pipeline.contract.windows import window_state
from pipeline.read_results import Reading, Source
from pipeline.settings import Settings


@dataclass
class MemoryMetrics:
    """``minutes`` are the cells of each window of a minute; longer windows are their sums."""

    clock: Callable[[], float]
    minutes: dict[int, dict[Cell, Counts]] = field(default_factory=dict)
    watermark_ms: int | None = None
    settings: Settings = field(default_factory=Settings)
    in_force: Retention | None = None
    """While memory is short."""
    redis_down: bool = False
    postgres_down: bool = False
    postgres_watermark_ms: int | None = None
    """Where the store job is not as far as the live one."""
    reads: int = 0

    def breakdown(
        self,
        from_seconds: int,
        to_seconds: int,
        size_seconds: int = 300,
        *,
        campaign_id: str | None = None,
        campaigns: bool = True,
    ) -> Reading[Breakdown]:
        """As `pipeline.cache.cache_manager.CacheManager.breakdown`."""
        self.reads += 1
        now = self.clock()
        kept = self.retention().holds(size_seconds, from_seconds // size_seconds * size_seconds, now + 2)
        reason = "Redis: connection refused" if self.redis_down else None if kept else "before what Redis keeps"
        if reason and self.postgres_down:
            raise MetricsUnavailableError(f"{reason}; PostgreSQL: connection refused")
        found = Breakdown((), {})
        for start in range(from_seconds // size_seconds * size_seconds, to_seconds, size_seconds):
            found = joined(found, _window(size_seconds, start, self._cells(start, size_seconds, campaign_id)))
        last = found.windows[-1].start_seconds
        watermark = self.postgres_watermark_ms if reason and self.postgres_watermark_ms else self.watermark_ms
        state = window_state(last, size_seconds, watermark, self.settings.final_after_seconds)
        value = found if campaigns else Breakdown(found.windows, {})
        source = Source.POSTGRES if reason else Source.REDIS
        return Reading(value, source, state, watermark, now, reason)

    def retention(self) -> Retention:
        """As `pipeline.cache.cache_manager.CacheManager.retention`."""
        return self.in_force or Retention(self.settings.cache_retention_seconds)

    def _cells(self, start: int, size: int, campaign_id: str | None) -> dict[Cell, Counts]:
        sums: dict[Cell, Counts] = {}
        for minute in range(start, start + size, 60):
            for (campaign, category), counts in self.minutes.get(minute, {}).items():
                if not is_canary(category) and campaign_id in (None, campaign):
                    sums[campaign, category] = sums.get((campaign, category), ZERO) + counts
        return sums


def _window(size: int, start: int, cells: Mapping[Cell, Counts]) -> Breakdown:
    by_category: dict[str, Counts] = {}
    for (_, category), counts in cells.items():
        by_category[category] = by_category.get(category, ZERO) + counts
    return Breakdown((CategoryWindow(size, start, by_category),), cells)
