"""Reads PostgreSQL and Redis in full, window by window, into the shapes that ``compare`` takes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg2
import redis
from psycopg2 import extensions, sql

from pipeline.cache.cache_access import CacheUser, patient_client
from pipeline.contract.cache_schema import (
    RETENTION_FIELDS,
    WINDOW_PATTERN,
    Counts,
    Retention,
    categories_key,
    cells_key,
    complete_key,
    parse_cell_field,
    parse_counts,
    parse_window_key,
    retention_key,
    watermark_key,
)
from pipeline.contract.codec import AdEvent
from pipeline.settings import WINDOW_SIZES_SECONDS, Settings
from pipeline.store import StoreUnavailable
from pipeline.store.metrics_queries import METRICS_TABLES
from pipeline.topic_reader import OffsetRange
from slo.reconciliation.compare import ContentRow, StoredOrigins
from slo.reconciliation.mended import Mending, Replayed
from slo.reconciliation.tally import Cell, CellCounts

_REDIS_TIMEOUT_SECONDS = 30.0
_EXPIRY_MARGIN_SECONDS = 5
_FETCH_ROWS = 50_000


class RedisUnavailable(ConnectionError):
    """Redis doesn't answer; the message names the address."""


@contextmanager
def reading_postgres(settings: Settings) -> Iterator[None]:
    """Turns a failing read into StoreUnavailable."""
    try:
        yield
    except psycopg2.Error as error:
        where = f"{settings.postgres_host}:{settings.postgres_port}"
        raise StoreUnavailable(f"PostgreSQL at {where} failed while it was read: {str(error).strip()}") from error


@dataclass(frozen=True)
class MetricWindow:
    """One window of a metrics table: what the jobs counted, and what a recount found, of one or several revisions."""

    counted: CellCounts
    recounted: CellCounts
    revisions: frozenset[int]


def metric_windows(connection: extensions.connection, size_seconds: int) -> Iterator[tuple[int, MetricWindow]]:
    """(window start in seconds, window) of a metrics table, in order of time.

    A recount adds cells that no job counted; they are no cells of the jobs.
    """
    with connection.cursor(name=f"metrics_{size_seconds}") as cursor:
        cursor.itersize = _FETCH_ROWS
        cursor.execute(
            sql.SQL(
                "SELECT extract(epoch FROM window_start)::bigint, campaign_id, category, impressions, clicks, "
                "recounted_impressions, recounted_clicks, recount_revision FROM realtime.{} ORDER BY window_start"
            ).format(sql.Identifier(METRICS_TABLES[size_seconds]))
        )
        for start, rows in itertools.groupby(cursor, key=lambda row: row[0]):
            yield start, _metric_window(list(rows))


def _metric_window(rows: list[tuple[Any, ...]]) -> MetricWindow:
    return MetricWindow(
        {(row[1], row[2]): Counts(row[3], row[4]) for row in rows if row[7] is None or row[3] or row[4]},
        {(row[1], row[2]): Counts(row[5], row[6]) for row in rows if row[7] is not None},
        frozenset(row[7] for row in rows if row[7] is not None),
    )


def watermarks(connection: extensions.connection) -> dict[int, int | None]:
    """What the store job has published for each window size in seconds, in unix milliseconds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT job, watermark_ms FROM realtime.watermarks")
        published = dict(cursor.fetchall())
    return {size: published.get(f"store-{size}") for size in WINDOW_SIZES_SECONDS}


def mending(connection: extensions.connection) -> Mending:
    """Every replay, and the newest revision of every recounted window."""
    found = Mending()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT kafka_partition, kafka_offset, (extract(epoch FROM record_time) * 1000)::bigint, event, late, "
            "revision FROM realtime.replayed_events"
        )
        found.replays = [Replayed(row[0], row[1], int(row[2]), AdEvent(**row[3]), row[4], row[5]) for row in cursor]
        for size, table in METRICS_TABLES.items():
            cursor.execute(
                sql.SQL(
                    "SELECT extract(epoch FROM window_start)::bigint, max(recount_revision) FROM realtime.{} "
                    "WHERE recount_revision IS NOT NULL GROUP BY 1"
                ).format(sql.Identifier(table))
            )
            found.recounted |= {(size, int(start)): revision for start, revision in cursor}
    return found


def missing_rows_of_replays(connection: extensions.connection) -> list[tuple[int, int]]:
    """Origins of replays without a row in raw_events under the same record time; those that retention dropped aside."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.kafka_partition, p.kafka_offset FROM realtime.replayed_events p "
            "LEFT JOIN realtime.raw_events r USING (kafka_partition, kafka_offset, record_time) "
            "WHERE r.event_id IS DISTINCT FROM p.event->>'event_id' AND p.record_time >= coalesce("
            "(SELECT kept_from FROM realtime.retention WHERE table_name = 'raw_events'), '-infinity')"
        )
        return cursor.fetchall()


def kept_from_ms(connection: extensions.connection, table: str = "raw_events") -> int:
    """Record time (of metrics: start of the window) before which retention has dropped rows; 0 if it never did."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (extract(epoch FROM kept_from) * 1000)::bigint FROM realtime.retention WHERE table_name = %s",
            (table,),
        )
        row = cursor.fetchone()
        return int(row[0]) if row else 0


_ORIGIN_ROW = np.dtype(
    [
        ("columns", ">i2"),
        ("partition_size", ">i4"),
        ("partition", ">i4"),
        ("offset_size", ">i4"),
        ("offset", ">i8"),
        ("late_size", ">i4"),
        ("late", "u1"),
    ]
)
"""One row of ``COPY … (FORMAT binary)`` of (int, bigint, boolean)."""
_COPY_HEADER_BYTES = 19


class _OriginReader:
    """File-like target of a binary COPY that sorts rows into their partitions as they come."""

    def __init__(self, ranges: Mapping[int, OffsetRange]) -> None:
        self.ranges = ranges
        self.stored = {partition: StoredOrigins.empty(offsets) for partition, offsets in ranges.items()}
        self.foreign_partitions = 0
        self._rest = bytearray()  # psycopg2 calls `write` for each row: bytes would be copied for each
        self._header_left = _COPY_HEADER_BYTES

    def write(self, data: bytes) -> None:
        skipped = min(self._header_left, len(data))
        self._header_left -= skipped
        self._rest += data[skipped:]
        if len(self._rest) > 1 << 20:
            self.flush()

    def flush(self) -> None:
        """Takes in the complete rows; what remains in the end is COPY's two-byte trailer."""
        complete = len(self._rest) // _ORIGIN_ROW.itemsize * _ORIGIN_ROW.itemsize
        rows = np.frombuffer(self._rest[:complete], dtype=_ORIGIN_ROW)
        del self._rest[:complete]
        known = 0
        for partition, offsets in self.ranges.items():
            ours = rows[rows["partition"] == partition]
            known += len(ours)
            at = ours["offset"].astype(np.int64) - offsets.start
            inside = (at >= 0) & (at < len(offsets))
            self.stored[partition].add(at[inside], ours["late"][inside] != 0)
        self.foreign_partitions += len(rows) - known


def raw_event_origins(
    connection: extensions.connection, ranges: Mapping[int, OffsetRange]
) -> tuple[dict[int, StoredOrigins], int]:
    """Which origins raw_events holds within the ranges, and how many rows name a partition outside of them."""
    reader = _OriginReader(ranges)
    with connection.cursor() as cursor:
        cursor.copy_expert(
            "COPY (SELECT kafka_partition, kafka_offset, late FROM realtime.raw_events) TO STDOUT (FORMAT binary)",
            reader,
        )
    reader.flush()
    return reader.stored, reader.foreign_partitions


Minute = tuple[int, bool]
"""(start in seconds, late) of events in raw_events"""


def raw_event_contents(
    connection: extensions.connection, ranges: Mapping[int, OffsetRange]
) -> Iterator[tuple[Minute, dict[tuple[Cell, bool], ContentRow]]]:
    """Events and bytes of their texts per minute, lateness, cell and type, of the rows within the ranges."""
    inside = sql.SQL(" OR ").join(
        sql.SQL("(kafka_partition = {} AND kafka_offset >= {} AND kafka_offset < {})").format(
            sql.Literal(partition), sql.Literal(offsets.start), sql.Literal(offsets.end)
        )
        for partition, offsets in ranges.items()
    )
    query = sql.SQL(
        "SELECT extract(epoch FROM minute)::bigint, late, campaign_id, category, click, events, bytes FROM ("
        "SELECT date_bin('1 minute', event_time, 'epoch') AS minute, late, campaign_id, category, "
        "event_type = 'CLICK' AS click, count(*) AS events, sum(octet_length(event_id) + octet_length(user_id) + "
        "octet_length(ad_id) + octet_length(placement) + octet_length(device) + "
        "coalesce(octet_length(impression_id), 0)) AS bytes "
        "FROM realtime.raw_events WHERE {} GROUP BY 1, 2, 3, 4, 5) AS cells ORDER BY minute, late"
    ).format(inside)
    with connection.cursor() as cursor:
        # Every row is wanted, so a plan that has the first ones soon is no use; and the cells fit into memory.
        cursor.execute("SET LOCAL cursor_tuple_fraction = 1; SET LOCAL work_mem = '256MB'")
    with connection.cursor(name="raw_event_contents") as cursor:
        cursor.itersize = _FETCH_ROWS
        cursor.execute(query)
        for minute, rows in itertools.groupby(cursor, key=lambda row: (int(row[0]), bool(row[1]))):
            yield minute, {((row[2], row[3]), bool(row[4])): (int(row[5]), int(row[6])) for row in rows}


def tombstones(connection: extensions.connection) -> dict[int, set[int]]:
    """Offsets stored as tombstones, per partition."""
    found: dict[int, set[int]] = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT kafka_partition, kafka_offset FROM realtime.tombstones")
        for partition, offset in cursor:
            found.setdefault(partition, set()).add(offset)
    return found


@dataclass(frozen=True)
class CachedWindow:
    """Both hashes of one window as they were at one instant; None for a key that didn't exist."""

    cells: CellCounts | None
    categories: CellCounts | None
    kept: bool
    """Whether the window can't have expired yet: a missing key is then a difference."""
    let_go: bool
    """Whether it would be kept, had memory not been short."""


class Cache:
    """Redis, read with patience: no probe times this."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = patient_client(
            settings, CacheUser.READER, timeout_seconds=_REDIS_TIMEOUT_SECONDS, legacy_responses=False
        )

    def close(self) -> None:
        """Gives the connection back."""
        self._client.close()

    def complete(self) -> bool:
        """Whether Redis says that it holds every window. Raises RedisUnavailable."""
        with self._answering():
            return bool(self._client.exists(complete_key()))

    def watermarks(self) -> dict[int, int | None]:
        """What the live job has published for each window size, as `watermarks`. Raises RedisUnavailable."""
        with self._answering():
            published = self._client.mget([watermark_key(size) for size in WINDOW_SIZES_SECONDS])
        marks = (None if mark is None else int(mark) for mark in published)
        return dict(zip(WINDOW_SIZES_SECONDS, marks, strict=True))

    def windows(self) -> set[tuple[int, int]]:
        """(size, start) of every window that has a key. Raises RedisUnavailable."""
        with self._answering():
            keys = self._client.scan_iter(match=WINDOW_PATTERN, count=1000)
            return {found[:2] for key in keys if (found := parse_window_key(key))}

    def window(self, size_seconds: int, start_seconds: int) -> CachedWindow:
        """One window. Raises RedisUnavailable, ValueError for a field or value that breaks the key schema."""
        with self._answering(), self._client.pipeline(transaction=True) as pipe:
            pipe.hgetall(cells_key(size_seconds, start_seconds))
            pipe.hgetall(categories_key(size_seconds, start_seconds))
            pipe.time()
            pipe.hmget(retention_key(), RETENTION_FIELDS)
            cells, categories, (now, _), stored = pipe.execute()
        setting = Retention(self._settings.cache_retention_seconds)
        retention = Retention.of(stored, setting.seconds)
        # A window that is not final is let go by no rule, whatever the key says.
        needed = Retention(self._settings.final_after_seconds)
        at = now + _EXPIRY_MARGIN_SECONDS
        kept = any(each.holds(size_seconds, start_seconds, at) for each in (retention, needed))
        return CachedWindow(
            {parse_cell_field(key): parse_counts(value) for key, value in cells.items()} or None,
            {("", key.decode()): parse_counts(value) for key, value in categories.items()} or None,
            kept=kept,
            let_go=not kept and setting.holds(size_seconds, start_seconds, at),
        )

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except redis.RedisError as error:
            where = f"{self._settings.redis_host}:{self._settings.redis_port}"
            raise RedisUnavailable(f"Redis at {where} doesn't answer: {error}") from error


def window_name(start_seconds: Any) -> str:
    """A window's start for people and JSON, e.g. 2026-11-23T23:00:00Z."""
    return str(np.datetime64(int(start_seconds), "s")) + "Z"
