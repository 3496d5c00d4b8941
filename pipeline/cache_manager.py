"""The one read API: current window, time series, categories, top campaigns.

Redis answers first, in one round trip; where it doesn't answer, isn't complete (it was emptied and is being restored),
no longer holds the range, or stands still while PostgreSQL is further, PostgreSQL does, and the reading says so.
Canaries never appear.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg2
import redis
from psycopg2 import extensions

from pipeline.breakdown import Breakdown, ask_breakdown, from_replies, from_rows
from pipeline.cache_access import CacheUser, impatient_client
from pipeline.cache_commands import ask_counts, per_campaign, per_category, read_retention, sums_of
from pipeline.contract.cache_schema import (
    RETENTION_FIELDS,
    ZERO,
    Counts,
    Retention,
    categories_key,
    cells_key,
    complete_key,
    is_canary,
    retention_key,
    watermark_key,
)
from pipeline.contract.windows import window_state
from pipeline.readings import NamedCounts, Order, Reading, Source, WindowCounts, ranked
from pipeline.settings import Settings
from pipeline.store.db_connector import StoreUnavailable
from pipeline.store.metrics_queries import (
    Query,
    WindowRange,
    breakdown_query,
    campaigns_query,
    categories_query,
    series_query,
    windows_of,
)

CONNECT_TIMEOUT_SECONDS = 0.2
READ_TIMEOUT_SECONDS = 0.5
SKIP_SECONDS = 1.0
"""After Redis failed, so long nobody waits for it again."""
STALE_SECONDS = 30.0
"""From this age of Redis's watermark on PostgreSQL is asked as well: Redis was away, or the job that writes it is."""
_EXPIRY_MARGIN_SECONDS = 2

T = TypeVar("T")
Row = tuple[Any, ...]


class MetricsUnavailableError(ConnectionError):
    """Neither Redis nor PostgreSQL answered; the message has both reasons."""


def cache_client(settings: Settings) -> redis.Redis:
    """A client that waits for nothing for long: no retries, short timeouts."""
    return impatient_client(
        settings,
        CacheUser.READER,
        connect_timeout_seconds=CONNECT_TIMEOUT_SECONDS,
        timeout_seconds=READ_TIMEOUT_SECONDS,
    )


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
        self._connect_postgres = connect_postgres
        self._postgres: extensions.connection | None = None
        self._lock = threading.Lock()
        self._skip_until = 0.0
        self._skip_reason = ""

    def close(self) -> None:
        """Closes both connections."""
        self._client.close()
        with self._lock:
            self._forget_postgres()

    def current_window(self, size_seconds: int = 60) -> Reading[WindowCounts]:
        """Everything counted so far in the window of now."""
        now = int(self._clock())
        series = self.time_series(now, now + 1, size_seconds)
        return Reading(
            series.value[-1],
            series.source,
            series.state,
            series.watermark_ms,
            series.read_at_seconds,
            series.fallback_reason,
        )

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
        hidden = is_canary(campaign_id or "") or is_canary(category or "")

        def ask(pipe: Any) -> None:
            for start in windows.starts:
                ask_counts(pipe, size_seconds, start, campaign_id, category)

        def points(counts: dict[int, Counts], watermark_ms: int | None) -> tuple[WindowCounts, ...]:
            return tuple(
                WindowCounts(
                    size_seconds,
                    start,
                    window_state(start, size_seconds, watermark_ms, self._settings.final_after_seconds),
                    ZERO if hidden else counts.get(start, ZERO),
                )
                for start in windows.starts
            )

        return self._read(
            windows,
            ask,
            lambda replies, mark: points(dict(zip(windows.starts, sums_of(replies), strict=True)), mark),
            lambda: series_query(windows, campaign_id, category),
            lambda rows, mark: points({row[0]: Counts(row[1], row[2]) for row in rows}, mark),
        )

    def per_category(
        self, from_seconds: int, to_seconds: int, size_seconds: int | None = None
    ) -> Reading[tuple[NamedCounts, ...]]:
        """Sums per category over the windows of a range, by name."""
        windows = windows_of(from_seconds, to_seconds, size_seconds)

        def ask(pipe: Any) -> None:
            for start in windows.starts:
                pipe.hgetall(categories_key(windows.size_seconds, start))

        return self._read(
            windows,
            ask,
            lambda replies, _: tuple(NamedCounts(*item) for item in sorted(per_category(replies).items())),
            lambda: categories_query(windows),
            lambda rows, _: tuple(sorted(_named(rows), key=lambda row: row.name)),
        )

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

        def ask(pipe: Any) -> None:
            for start in windows.starts:
                pipe.hgetall(cells_key(windows.size_seconds, start))

        def best(replies: list[dict[bytes, bytes]]) -> tuple[NamedCounts, ...]:
            rows = [NamedCounts(*item) for item in per_campaign(replies, category).items()]
            return ranked(rows, order, lowest=lowest, limit=limit, minimum_impressions=minimum_impressions)

        def query() -> Query:
            return campaigns_query(
                windows, category, order, lowest=lowest, limit=limit, minimum_impressions=minimum_impressions
            )

        return self._read(windows, ask, lambda replies, _: best(replies), query, lambda rows, _: tuple(_named(rows)))

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
        return self._read(
            windows,
            lambda pipe: ask_breakdown(pipe, windows, campaign_id, campaigns=campaigns),
            lambda replies, _: from_replies(windows, replies, campaign_id, campaigns=campaigns),
            lambda: breakdown_query(windows, campaign_id, campaigns=campaigns),
            lambda rows, _: from_rows(windows, rows),
        )

    def retention(self) -> Retention:
        """What Redis keeps now; what it should keep by the settings where it does not say."""
        now, longest = self._clock(), self._settings.cache_retention_seconds
        if now >= self._skip_until:
            try:
                return read_retention(self._client, longest)
            except (redis.RedisError, ValueError) as error:
                self._skip_redis(error, now)
        return Retention(longest)

    # --- both stores -----------------------------------------------------------------------------------------------

    def _read(
        self,
        windows: WindowRange,
        ask: Callable[[Any], None],
        from_replies: Callable[[list[Any], int | None], T],
        query: Callable[[], Query],
        from_rows: Callable[[list[Row], int | None], T],
    ) -> Reading[T]:
        now = self._clock()
        reason = self._why_not_redis(windows, now)
        stale: Reading[T] | None = None
        if reason is None:
            try:
                complete, watermark_ms, retention, replies = self._ask_redis(ask, windows.size_seconds)
                reason = _why_not_in(retention, windows, now)
                if not complete:
                    reason = "Redis is not complete: it is being restored"
                elif watermark_ms is None:
                    reason = "Redis holds no watermark"
                elif reason is None:
                    value = from_replies(replies, watermark_ms)
                    stale = self._reading(value, Source.REDIS, windows, watermark_ms, now, None)
                    age = stale.age_seconds or 0.0
                    if self._settings.historic or age < STALE_SECONDS:
                        return stale
                    reason = f"Redis stands still: its watermark is {age:.0f} s old"
            except (redis.RedisError, ValueError) as error:
                reason = self._skip_redis(error, now)
        try:
            rows = self._ask_postgres(query())
        except (psycopg2.Error, StoreUnavailable) as error:
            if stale is not None:
                return stale
            raise MetricsUnavailableError(f"{reason}; PostgreSQL: {str(error).strip()}") from error
        watermark_ms = rows[0][0]
        if stale is not None and (watermark_ms or 0) <= (stale.watermark_ms or 0):
            return stale
        found = [row[1:] for row in rows if row[1] is not None]
        return self._reading(from_rows(found, watermark_ms), Source.POSTGRES, windows, watermark_ms, now, reason)

    def _reading(
        self, value: T, source: Source, windows: WindowRange, watermark_ms: int | None, now: float, reason: str | None
    ) -> Reading[T]:
        state = window_state(windows.starts[-1], windows.size_seconds, watermark_ms, self._settings.final_after_seconds)
        return Reading(value, source, state, watermark_ms, now, reason)

    def _skip_redis(self, error: Exception, now: float) -> str:
        reason = f"Redis at {self._settings.redis_host}:{self._settings.redis_port}: {error}"
        self._skip_until, self._skip_reason = now + SKIP_SECONDS, reason
        return reason

    def _why_not_redis(self, windows: WindowRange, now: float) -> str | None:
        reason = _why_not_in(Retention(self._settings.cache_retention_seconds), windows, now)
        return reason or (self._skip_reason if now < self._skip_until else None)

    def _ask_redis(
        self, ask: Callable[[Any], None], size_seconds: int
    ) -> tuple[bool, int | None, Retention, list[Any]]:
        """Whether Redis is complete, the watermark, the retention and the replies, of one instant: a transaction."""
        with self._client.pipeline(transaction=True) as pipe:
            pipe.exists(complete_key())
            pipe.get(watermark_key(size_seconds))
            pipe.hmget(retention_key(), RETENTION_FIELDS)
            ask(pipe)
            complete, watermark, kept, *replies = pipe.execute()
        retention = Retention.of(kept, self._settings.cache_retention_seconds)
        return bool(complete), (None if watermark is None else int(watermark)), retention, replies

    def _ask_postgres(self, query: Query) -> list[Row]:
        """Tries once more on a new connection: the kept one may have died with a server that is back by now."""
        with self._lock:
            had_connection = self._postgres is not None
            try:
                return self._run(query)
            except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
                self._forget_postgres()
                if not had_connection or isinstance(error, extensions.QueryCanceledError):
                    raise
                return self._run(query)

    def _run(self, query: Query) -> list[Row]:
        if self._postgres is None:
            self._postgres = self._connect_postgres()
        with self._postgres.cursor() as cursor:
            cursor.execute(query.statement, query.arguments)
            return cursor.fetchall()

    def _forget_postgres(self) -> None:
        if self._postgres is not None:
            self._postgres.close()
            self._postgres = None


def _why_not_in(retention: Retention, windows: WindowRange, now: float) -> str | None:
    if retention.holds(windows.size_seconds, windows.first, now + _EXPIRY_MARGIN_SECONDS):
        return None
    return f"the range begins before what Redis keeps ({retention.seconds} s)"


def _named(rows: list[Row]) -> list[NamedCounts]:
    return [NamedCounts(row[0], Counts(row[1], row[2])) for row in rows]
