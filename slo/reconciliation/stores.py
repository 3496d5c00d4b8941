"""Reads PostgreSQL in full, window by window, into the shapes that ``compare`` takes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg2
from psycopg2 import extensions, sql

from pipeline.contract.cache_schema import Counts
from pipeline.contract.codec import AdEvent
from pipeline.settings import WINDOW_SIZES_SECONDS, Settings
from pipeline.store import StoreUnavailable
from pipeline.store.metrics_queries import METRICS_TABLES
from slo.reconciliation.mended import Mending, Replayed
from slo.reconciliation.tally import CellCounts

_FETCH_ROWS = 50_000


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
    """(window start in seconds, window) of a metrics table, in order of time; see also `misaligned_windows`.

    A recount adds cells that no job counted; they are no cells of the jobs.
    """
    with connection.cursor(name=f"metrics_{size_seconds}") as cursor:
        cursor.itersize = _FETCH_ROWS
        cursor.execute(
            sql.SQL(
                "SELECT extract(epoch FROM window_start)::bigint, campaign_id, category, impressions, clicks, "
                "recounted_impressions, recounted_clicks, recount_revision FROM realtime.{} WHERE {} "
                "ORDER BY window_start"
            ).format(sql.Identifier(METRICS_TABLES[size_seconds]), _is_aligned(size_seconds))
        )
        for start, rows in itertools.groupby(cursor, key=lambda row: row[0]):
            yield start, _metric_window(list(rows))


def misaligned_windows(connection: extensions.connection, size_seconds: int) -> list[tuple[str, int]]:
    """Start, as PostgreSQL prints it, and rows of what begins at no multiple of its length: at no window's start."""
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("SELECT window_start::text, count(*) FROM realtime.{} WHERE NOT {} GROUP BY 1 ORDER BY 1").format(
                sql.Identifier(METRICS_TABLES[size_seconds]), _is_aligned(size_seconds)
            )
        )
        return cursor.fetchall()


def _is_aligned(size_seconds: int) -> sql.Composable:
    size = sql.Literal(f"{size_seconds} seconds")
    return sql.SQL("(isfinite(window_start) AND window_start = date_bin({}, window_start, 'epoch'))").format(size)


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


def tombstones(connection: extensions.connection) -> dict[int, set[int]]:
    """Offsets stored as tombstones, per partition."""
    found: dict[int, set[int]] = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT kafka_partition, kafka_offset FROM realtime.tombstones")
        for partition, offset in cursor:
            found.setdefault(partition, set()).add(offset)
    return found


def window_name(start_seconds: Any) -> str:
    """A window's start for people and JSON, e.g. 2026-11-23T23:00:00Z."""
    return str(np.datetime64(int(start_seconds), "s")) + "Z"
