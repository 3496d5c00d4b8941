"""How long PostgreSQL keeps what it has: raw events by the day, windows by the minute."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from psycopg2 import sql
from psycopg2.extensions import connection as PgConnection  # noqa: N812 - a class, despite its name

from pipeline.settings import Settings
from pipeline.store.db_connector import connect_keeper
from pipeline.store.default_partition import one_mover, start_of
from pipeline.store.metrics_queries import METRICS_TABLES
from pipeline.store.partitions import Days, drop_expired, existing_days, expired_days, keep_ahead
from pipeline.store.revisions import exclude_others
from pipeline.store.short_locks import wait_for_older_transactions

RAW_EVENTS = "raw_events"
DELETE_ROWS = 10_000
"""Rows of one statement; their locks stop nobody."""


@dataclass(frozen=True)
class RetentionReport(Days):
    """What a run of retention did. ``kept_from`` and ``metrics_kept_from`` are None where all is kept."""

    kept_from: datetime | None = None
    dropped: tuple[str, ...] = ()
    metrics_kept_from: datetime | None = None
    metrics_rows_deleted: int = 0


def apply_retention(
    settings: Settings, keep: timedelta | None, now: datetime | None = None, *, keep_metrics: timedelta | None = None
) -> RetentionReport:
    """Drops every day of ``raw_events`` that lies wholly before ``now - keep``, and such days of the metrics.

    Also creates the upcoming days and empties the default partition: into days of their own, or out of the database
    where they are older than what is kept. None keeps all. Raises StoreUnavailable, StoreBusy, psycopg2.Error;
    ValueError on a negative period.
    """
    now = now or datetime.now(UTC)
    raw, metrics = _kept_from("keep", now, keep), _kept_from("keep_metrics", now, keep_metrics)
    with closing(connect_keeper(settings)) as connection:
        return _apply(connection, now, raw, metrics)


def maintain(settings: Settings, now: datetime | None = None) -> RetentionReport:
    """As `apply_retention`, by the settings and by what the store job has reached: no clock alone deletes anything.

    A store job that is behind has its backlog kept; one that has published nothing, all.
    """
    now = now or datetime.now(UTC)
    raw, metrics = None, None
    with closing(connect_keeper(settings)) as connection:
        reached = _reached(connection)
        if reached is not None:
            before = min(now, reached)
            raw = _kept_from("keep", before, days_or_ever(settings.raw_events_retention_days))
            metrics = _kept_from("keep_metrics", before, days_or_ever(settings.metrics_retention_days))
        return _apply(connection, now, raw, metrics)


def days_or_ever(days: int) -> timedelta | None:
    """A retention of the settings; 0 is forever."""
    return timedelta(days=days) if days else None


def _kept_from(name: str, now: datetime, keep: timedelta | None) -> datetime | None:
    if keep is None:
        return None
    if keep < timedelta(0):
        raise ValueError(f"{name}={keep}: must not be negative")
    return start_of((now - keep).date())


def _apply(connection: PgConnection, now: datetime, raw: datetime | None, metrics: datetime | None) -> RetentionReport:
    with one_mover(connection):
        dropped: list[str] = []
        if raw is not None:
            _record(connection, RAW_EVENTS, raw)
            if expired_days(existing_days(connection), raw):
                # Who reads on in a snapshot from before would find neither the rows nor the reason.
                wait_for_older_transactions(connection)
            dropped = drop_expired(connection, raw)
        days = keep_ahead(connection, now.date(), *([] if raw is None else [raw]))
        deleted = (
            0 if metrics is None else sum(_delete_windows(connection, t, metrics) for t in METRICS_TABLES.values())
        )
        return RetentionReport(
            **vars(days),
            kept_from=raw,
            dropped=tuple(dropped),
            metrics_kept_from=metrics,
            metrics_rows_deleted=deleted,
        )


def _reached(connection: PgConnection) -> datetime | None:
    """The store job's watermark: of its window sizes the one that is behind."""
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT min(watermark_ms) FROM realtime.watermarks WHERE job LIKE 'store-%'")
        row = cursor.fetchone()
    return datetime.fromtimestamp(row[0] / 1000, UTC) if row and row[0] is not None else None


def _delete_windows(connection: PgConnection, table: str, kept_from: datetime) -> int:
    """Deletes the windows that start before ``kept_from``, some at a time; returns how many rows there were."""
    _record(connection, table, kept_from)
    statement = sql.SQL(
        "DELETE FROM realtime.{0} WHERE ctid = ANY(ARRAY("
        "SELECT ctid FROM realtime.{0} WHERE window_start < %s ORDER BY window_start LIMIT %s))"
    ).format(sql.Identifier(table))
    deleted = 0
    while True:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement, (kept_from, DELETE_ROWS))
            if cursor.rowcount == 0:
                return deleted
            deleted += cursor.rowcount


def _record(connection: PgConnection, table: str, kept_from: datetime) -> None:
    """Says what will be gone before it goes, so that a reader never takes dropped rows for lost ones."""
    with connection, connection.cursor() as cursor:
        exclude_others(cursor)  # a recount that has read the earlier moment still needs the rows
        cursor.execute(
            "INSERT INTO realtime.retention (table_name, kept_from) VALUES (%s, %s) "
            "ON CONFLICT (table_name) DO UPDATE SET "
            "kept_from = greatest(retention.kept_from, excluded.kept_from), executed_at = now()",
            (table, kept_from),
        )
