"""Counts final windows again, from ``raw_events``: what replayed dead letters add to them.

A window is final when both jobs' watermarks have passed its end by all that can still change it; only then does
``raw_events`` hold every event that it will ever hold, but for replays. The recounted values have columns of their own
(`pipeline/store/migrations/0005_replay_and_recount.sql`) and a revision, by which Redis tells them from the jobs'.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import redis
from psycopg2 import extensions, sql

from pipeline.cache.cache_rebuild import begin, finish, is_complete, oldest_cached_start
from pipeline.cache.cache_writer import CacheWriter
from pipeline.contract.cache_schema import Counts, watermark_key
from pipeline.contract.rules import MAX_AHEAD_MS
from pipeline.settings import WINDOW_SIZES_SECONDS, Settings
from pipeline.store.db_connector import connect_mender, connect_reader
from pipeline.store.metrics_queries import METRICS_TABLES, WindowRange
from pipeline.store.revisions import next_revision

_RECORD_TIME_MARGIN = timedelta(days=1)
"""Only keeps the search within some day partitions; generous, should the allowed lateness have been larger once."""


class RawEventsDropped(ValueError):
    """Retention has dropped events of the range; the message says from when on they are kept."""


@dataclass(frozen=True)
class Recounted:
    """What a recount did. ``changed`` are cells whose value is another one than before."""

    revision: int
    windows: dict[int, int]
    cells: int
    changed: int
    cached_windows: int


def windows_of(from_seconds: int, to_seconds: int) -> list[WindowRange]:
    """The windows of every size that overlap a range; each is counted as a whole."""
    return [WindowRange(size, from_seconds // size * size, to_seconds) for size in WINDOW_SIZES_SECONDS]


def not_final(settings: Settings, windows: WindowRange, client: redis.Redis) -> str | None:
    """Why the windows aren't final yet, or None. Raises StoreUnavailable, psycopg2.Error, redis.RedisError."""
    needed_ms = (windows.starts[-1] + windows.size_seconds + settings.final_after_seconds) * 1000
    with closing(connect_reader(settings)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT watermark_ms FROM realtime.watermarks WHERE job = %s", (f"store-{windows.size_seconds}",)
        )
        row = cursor.fetchone()
    cached = client.get(watermark_key(windows.size_seconds))
    for job, watermark in (("store", row[0] if row else None), ("live", cached)):
        if watermark is None or int(watermark) < needed_ms:
            behind = "" if watermark is None else f", {(needed_ms - int(watermark)) / 1000:.0f} s to go"
            return f"job {job} has not made the {windows.size_seconds // 60}-minute windows final{behind}"
    return None


def recount(settings: Settings, ranges: list[WindowRange], client: redis.Redis) -> Recounted:
    """Recounts final windows in PostgreSQL, in one transaction, and then raises them in Redis.

    Between the two readers are kept from Redis, by its marker; if this ends there, the cache keeper restores Redis from
    PostgreSQL. ``client`` is a writer's. Raises RawEventsDropped, StoreUnavailable, psycopg2.Error, redis.RedisError.
    """
    cached_ranges = [windows for each in ranges if (windows := _possibly_cached(settings, each, client))]
    connection = connect_mender(settings)
    try:
        with connection, connection.cursor() as cursor:
            revision = next_revision(cursor)
            first, end = min(each.first for each in ranges), max(each.starts[-1] + each.size_seconds for each in ranges)
            _refuse_dropped(cursor, first)
            cursor.execute("INSERT INTO realtime.recounts VALUES (%s, %s, %s)", (revision, _time(first), _time(end)))
            found = [_recount_size(cursor, settings, windows, revision) for windows in ranges]
            if cached_ranges:
                was_complete, token = is_complete(client), begin(client)
        cached = 0
        writer = CacheWriter(client, settings.cache_retention_seconds)
        for windows in cached_ranges:
            for start, cells in recounted_windows(connection, windows, revision):
                cached += writer.raise_window(windows.size_seconds, start, cells, revision)
        if cached_ranges and was_complete:
            finish(client, token)
        counts = {windows.size_seconds: number for windows, (number, _, _) in zip(ranges, found, strict=True)}
        return Recounted(revision, counts, sum(each[1] for each in found), sum(each[2] for each in found), cached)
    finally:
        connection.close()


def _possibly_cached(settings: Settings, windows: WindowRange, client: redis.Redis) -> WindowRange | None:
    """Those of the windows that Redis may still hold."""
    oldest = oldest_cached_start(client, windows.size_seconds, settings.cache_retention_seconds)
    first = max(windows.first, oldest // windows.size_seconds * windows.size_seconds)
    return WindowRange(windows.size_seconds, first, windows.end) if first < windows.end else None


def _refuse_dropped(cursor: extensions.cursor, first_seconds: int) -> None:
    cursor.execute("SELECT kept_from FROM realtime.retention WHERE table_name = 'raw_events'")
    row = cursor.fetchone()
    if row and row[0] > _time(first_seconds) - timedelta(milliseconds=MAX_AHEAD_MS):
        raise RawEventsDropped(
            f"retention has dropped raw events before {row[0]:%Y-%m-%dT%H:%M:%SZ}: windows that may have held some "
            "can't be counted again"
        )


_RECOUNT = """
WITH counted AS (
    SELECT date_bin(%(size)s, event_time, 'epoch') AS window_start, campaign_id, category,
        count(*) FILTER (WHERE event_type = 'IMPRESSION') AS impressions,
        count(*) FILTER (WHERE event_type = 'CLICK') AS clicks
    FROM realtime.raw_events
    WHERE NOT late AND event_time >= %(from)s AND event_time < %(to)s
        AND record_time >= %(recorded_from)s AND record_time < %(recorded_to)s
    GROUP BY 1, 2, 3
), before AS (
    SELECT window_start, campaign_id, category, coalesce(recounted_impressions, impressions) AS impressions,
        coalesce(recounted_clicks, clicks) AS clicks
    FROM realtime.{table} WHERE window_start >= %(from)s AND window_start < %(to)s
), cells AS (
    SELECT window_start, campaign_id, category,
        coalesce(counted.impressions, 0) AS impressions, coalesce(counted.clicks, 0) AS clicks,
        (counted.impressions, counted.clicks) IS DISTINCT FROM (before.impressions, before.clicks) AS is_changed
    FROM counted FULL JOIN before USING (window_start, campaign_id, category)
), written AS (
    INSERT INTO realtime.{table} (window_start, campaign_id, category, impressions, clicks,
        recounted_impressions, recounted_clicks, recount_revision)
    SELECT window_start, campaign_id, category, 0, 0, impressions, clicks, %(revision)s FROM cells
    ON CONFLICT (window_start, campaign_id, category) DO UPDATE SET
        recounted_impressions = excluded.recounted_impressions, recounted_clicks = excluded.recounted_clicks,
        recount_revision = excluded.recount_revision
)
SELECT count(DISTINCT window_start), count(*), count(*) FILTER (WHERE is_changed) FROM cells
"""


def _recount_size(
    cursor: extensions.cursor, settings: Settings, windows: WindowRange, revision: int
) -> tuple[int, int, int]:
    """(windows, cells, changed cells)"""
    end = windows.starts[-1] + windows.size_seconds
    cursor.execute(
        sql.SQL(_RECOUNT).format(table=sql.Identifier(METRICS_TABLES[windows.size_seconds])),
        {
            "size": timedelta(seconds=windows.size_seconds),
            "from": _time(windows.first),
            "to": _time(end),
            "recorded_from": _time(windows.first) - timedelta(milliseconds=MAX_AHEAD_MS),
            "recorded_to": _time(end + settings.allowed_lateness_seconds) + _RECORD_TIME_MARGIN,
            "revision": revision,
        },
    )
    row = cursor.fetchone()
    assert row is not None
    return int(row[0]), int(row[1]), int(row[2])


def recounted_windows(
    connection: extensions.connection, windows: WindowRange, revision: int
) -> Iterator[tuple[int, dict[tuple[str, str], Counts]]]:
    """(window start in seconds, counts) of a revision."""
    with connection, connection.cursor(name="recounted") as cursor:
        cursor.execute(
            sql.SQL(
                "SELECT extract(epoch FROM window_start)::bigint, campaign_id, category, recounted_impressions, "
                "recounted_clicks FROM realtime.{} WHERE recount_revision = %s AND window_start >= %s "
                "AND window_start < %s ORDER BY window_start"
            ).format(sql.Identifier(METRICS_TABLES[windows.size_seconds])),
            (revision, _time(windows.first), _time(windows.end)),
        )
        for start, rows in itertools.groupby(cursor, key=lambda row: int(row[0])):
            yield start, {(row[1], row[2]): Counts(row[3], row[4]) for row in rows}


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
