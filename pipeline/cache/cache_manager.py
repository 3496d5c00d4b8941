"""The one read API: current window, time series, categories, top campaigns.

Redis answers first, in one round trip; where it doesn't answer, isn't complete (it was emptied and is being restored),
no longer holds the range, or stands still while PostgreSQL is further, PostgreSQL does, and the reading says so.
Canaries never appear.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import psycopg2
import redis
from psycopg2 import extensions

from pipeline.cache.breakdown import Breakdown
from pipeline.cache.cache_commands import read_retention
from pipeline.cache.postgres_reader import PostgresReader
from pipeline.cache.redis_reader import NotInRedis, RedisReader
from pipeline.contract.cache_schema import ZERO, Counts, Retention, is_canary
from pipeline.contract.windows import window_state
from pipeline.read_results import Answer, NamedCounts, Order, Ranking, Reading, Source, WindowCounts
from pipeline.settings import Settings
from pipeline.store.db_connector import StoreUnavailable
from pipeline.store.metrics_queries import WindowRange, windows_of

SKIP_SECONDS = 1.0
"""Skip Redis for this long after a failure."""
STALE_SECONDS = 30.0
"""From this age of Redis's watermark on PostgreSQL is asked as well: Redis was down, or the job that writes it is."""

T = TypeVar("T")


class MetricsUnavailableError(ConnectionError):
    """Neither Redis nor PostgreSQL answered; the message has both reasons."""


class CacheManager:
    """Reads windowed counts. Ranges are in seconds since the epoch: ``from`` inclusive, ``to`` exclusive.

    ``connect_postgres`` opens a reader's connection (it is kept and reopened when it breaks); ``clock`` gives seconds
    since the epoch. Safe to share between threads. Every method raises MetricsUnavailableError when both stores fail,
    ValueError for a window size other than 60 and 300.
    """

    def __init__(
        self,
        client: redis.Redis,
        connect_postgres: Callable[[], extensions.connection],
        settings: Settings,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._settings = settings
        self._clock = clock
        self._redis = RedisReader(client, settings.cache_retention_seconds, clock)
        self._postgres = PostgresReader(connect_postgres)
        self._skip_until = 0.0
        self._skip_reason = ""

    def close(self) -> None:
        """Closes both connections."""
        self._client.close()
        self._postgres.close()

    def current_window(self, size_seconds: int = 60) -> Reading[WindowCounts]:
        """Everything counted so far in the window of now."""
        now = int(self._clock())
        series = self.time_series(now, now + 1, size_seconds)
        return series.map(lambda points: points[-1])

    def time_series(
        self,
        from_seconds: int,
        to_seconds: int,
        size_seconds: int = 60,
        *,
        campaign_id: str | None = None,
        category: str | None = None,
    ) -> Reading[tuple[WindowCounts, ...]]:
        """One entry per window of the range, empty ones included, in order of time."""
        windows = windows_of(from_seconds, to_seconds, size_seconds)
        found = self._read(windows, lambda store: store.series(windows, campaign_id, category))
        hidden = is_canary(category or "")

        def point(start: int, counts: dict[int, Counts]) -> WindowCounts:
            state = window_state(start, size_seconds, found.watermark_ms, self._settings.final_after_seconds)
            return WindowCounts(size_seconds, start, state, ZERO if hidden else counts.get(start, ZERO))

        return found.map(lambda counts: tuple(point(start, counts) for start in windows.starts))

    def per_category(
        self, from_seconds: int, to_seconds: int, size_seconds: int | None = None
    ) -> Reading[tuple[NamedCounts, ...]]:
        """Sums per category over the windows of a range, by name."""
        windows = windows_of(from_seconds, to_seconds, size_seconds)
        return self._read(windows, lambda store: store.categories(windows))

    def top_campaigns(
        self,
        from_seconds: int,
        to_seconds: int,
        size_seconds: int | None = None,
        *,
        category: str | None = None,
        order: Order = Order.IMPRESSIONS,
        lowest: bool = False,
        limit: int | None = 10,
        minimum_impressions: int = 0,
    ) -> Reading[tuple[NamedCounts, ...]]:
        """Campaigns by their sums over the windows of a range, highest (or lowest) first."""
        windows = windows_of(from_seconds, to_seconds, size_seconds)
        ranking = Ranking(order, lowest, limit, minimum_impressions)
        return self._read(windows, lambda store: store.campaigns(windows, category, ranking))

    def breakdown(
        self,
        from_seconds: int,
        to_seconds: int,
        size_seconds: int = 300,
        *,
        campaign_id: str | None = None,
        campaigns: bool = True,
    ) -> Reading[Breakdown]:
        """Counts per window and category, of everything or one campaign; ``campaigns``: also sums over the range."""
        windows = windows_of(from_seconds, to_seconds, size_seconds)
        return self._read(windows, lambda store: store.breakdown(windows, campaign_id, campaigns=campaigns))

    def retention(self) -> Retention:
        """What Redis keeps now; what it should keep by the settings where it does not say."""
        longest = self._settings.cache_retention_seconds
        if time.monotonic() >= self._skip_until:
            try:
                return read_retention(self._client, longest)
            except (redis.RedisError, ValueError) as error:
                self._skip_redis(error)
        return Retention(longest)

    def _read(self, windows: WindowRange, ask: Callable[[RedisReader | PostgresReader], Answer[T]]) -> Reading[T]:
        """Redis's answer, unless it has none or one that stands still: then PostgreSQL's, where that is further."""
        now = self._clock()
        cached: Reading[T] | None = None
        try:
            cached = self._reading(self._ask_redis(ask), Source.REDIS, windows, now)
            if not self._stands_still(cached):
                return cached
            reason = f"Redis stands still: its watermark is {cached.age_seconds:.0f} s old"
        except NotInRedis as absent:
            reason = str(absent)
        try:
            stored = self._reading(ask(self._postgres), Source.POSTGRES, windows, now, reason)
        except (psycopg2.Error, StoreUnavailable) as error:
            if cached is not None:
                return cached
            raise MetricsUnavailableError(f"{reason}; PostgreSQL: {str(error).strip()}") from error
        if cached is not None and (stored.watermark_ms or 0) <= (cached.watermark_ms or 0):
            return cached
        return stored

    def _ask_redis(self, ask: Callable[[RedisReader | PostgresReader], Answer[T]]) -> Answer[T]:
        """Raises NotInRedis also where Redis doesn't answer, or did not a moment ago."""
        if time.monotonic() < self._skip_until:
            raise NotInRedis(self._skip_reason)
        try:
            return ask(self._redis)
        except (redis.RedisError, ValueError) as error:
            raise NotInRedis(self._skip_redis(error)) from error

    def _stands_still(self, cached: Reading[T]) -> bool:
        return not self._settings.historic and (cached.age_seconds or 0.0) >= STALE_SECONDS

    def _reading(
        self, answer: Answer[T], source: Source, windows: WindowRange, now: float, reason: str | None = None
    ) -> Reading[T]:
        newest, watermark_ms = windows.starts[-1], answer.watermark_ms
        state = window_state(newest, windows.size_seconds, watermark_ms, self._settings.final_after_seconds)
        return Reading(answer.value, source, state, watermark_ms, now, reason)

    def _skip_redis(self, error: Exception) -> str:
        reason = f"Redis at {self._settings.redis_host}:{self._settings.redis_port}: {error}"
        self._skip_until, self._skip_reason = time.monotonic() + SKIP_SECONDS, reason
        return reason
