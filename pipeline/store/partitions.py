"""Daily partitions of ``raw_events``: created ahead, dropped by retention.

Days are UTC days of the Kafka record time. Rows whose day has no partition land in the default partition; they are
never lost, only reported and, by retention, moved into days of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from psycopg2 import sql
from psycopg2.extensions import connection as PgConnection  # noqa: N812 - a class, despite its name

from pipeline.settings import Settings
from pipeline.store.db_connector import connect_owner
from pipeline.store.revisions import exclude_others

DAYS_BEHIND = 1
DAYS_AHEAD = 7
_LOCK_TIMEOUT_MS = 10_000
"""Attaching and dropping need an exclusive lock for an instant; better to fail than to queue all writers behind it."""
_NAME = re.compile(r"raw_events_p(\d{8})")
_DEFAULT = sql.Identifier("realtime", "raw_events_default")


@dataclass(frozen=True)
class RetentionReport:
    """What a run of retention did."""

    kept_from: datetime
    dropped: tuple[str, ...]
    created: tuple[str, ...]
    default_rows: int
    """Rows found in the default partition, all days together."""
    default_rows_moved: int
    default_rows_deleted: int


def partition_name(day: date) -> str:
    """Name of a day's partition, for example ``raw_events_p20261123``."""
    return f"raw_events_p{day:%Y%m%d}"


def partition_day(name: str) -> date | None:
    """The day of a partition's name; None for the default partition and anything foreign."""
    match = _NAME.fullmatch(name)
    return date.fromisoformat(match[1]) if match else None


def upcoming_days(today: date) -> list[date]:
    """The days that must have a partition: yesterday to a week ahead."""
    return [today + timedelta(days=offset) for offset in range(-DAYS_BEHIND, DAYS_AHEAD + 1)]


def expired_days(days: Iterable[date], kept_from: datetime) -> list[date]:
    """Days that lie wholly before ``kept_from``, oldest first."""
    return sorted(day for day in days if _start(day + timedelta(days=1)) <= kept_from)


def ensure_partitions(settings: Settings) -> list[str]:
    """Creates the missing day partitions around today; returns their names. Raises StoreUnavailable."""
    connection = connect_owner(settings)
    try:
        return ensure_partitions_on(connection)
    finally:
        connection.close()


def ensure_partitions_on(connection: PgConnection) -> list[str]:
    """As `ensure_partitions`, on an open connection of the owner."""
    today = datetime.now(UTC).date()
    existing = set(_existing_days(connection))
    missing = [day for day in upcoming_days(today) if day not in existing]
    for day in missing:
        _create_day(connection, day)
    return [partition_name(day) for day in missing]


def apply_retention(settings: Settings, keep: timedelta, now: datetime | None = None) -> RetentionReport:
    """Drops every day of ``raw_events`` that lies wholly before ``now - keep``; metrics are kept for good.

    Also creates the upcoming days and empties the default partition: into days of their own, or out of the database
    where they are older than what is kept. Raises StoreUnavailable, ValueError on a negative ``keep``.
    """
    if keep < timedelta(0):
        raise ValueError(f"keep={keep}: must not be negative")
    kept_from = _start(((now or datetime.now(UTC)) - keep).date())
    connection = connect_owner(settings)
    try:
        created = ensure_partitions_on(connection)
        stray = _default_days(connection)
        _record(connection, kept_from)
        dropped = expired_days(_existing_days(connection), kept_from)
        for day in dropped:
            _drop_day(connection, day)
        old = expired_days(stray, kept_from)
        deleted = sum(_delete_from_default(connection, day) for day in old)
        moved = sum(_create_day(connection, day) for day in stray if day not in set(old))
        return RetentionReport(
            kept_from=kept_from,
            dropped=tuple(partition_name(day) for day in dropped),
            created=tuple(created + [partition_name(day) for day in stray if day not in set(old)]),
            default_rows=sum(stray.values()),
            default_rows_moved=moved,
            default_rows_deleted=deleted,
        )
    finally:
        connection.close()


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _existing_days(connection: PgConnection) -> Sequence[date]:
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
            "WHERE i.inhparent = 'realtime.raw_events'::regclass"
        )
        days = (partition_day(name) for (name,) in cursor.fetchall())
        return [day for day in days if day is not None]


def _default_days(connection: PgConnection) -> dict[date, int]:
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT (record_time AT TIME ZONE 'UTC')::date AS day, count(*) "
            "FROM realtime.raw_events_default GROUP BY day ORDER BY day"
        )
        return dict(cursor.fetchall())


def _create_day(connection: PgConnection, day: date) -> int:
    """Creates a day's partition and moves its rows out of the default partition; returns how many there were.

    The rows have to move before the partition is attached, and nobody may add others in between: hence one
    transaction under a lock that keeps writers out of the default partition.
    """
    name = sql.Identifier("realtime", partition_name(day))
    bounds = (_start(day), _start(day + timedelta(days=1)))
    with connection, connection.cursor() as cursor:
        # A recount that waited for the locks below would look for the day's rows where they were.
        exclude_others(cursor)
        cursor.execute("SET LOCAL lock_timeout = %s", (_LOCK_TIMEOUT_MS,))
        cursor.execute("LOCK TABLE realtime.raw_events IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(_DEFAULT))
        cursor.execute(sql.SQL("CREATE TABLE {} (LIKE realtime.raw_events INCLUDING ALL)").format(name))
        cursor.execute(
            sql.SQL(
                "WITH moved AS (DELETE FROM {} WHERE record_time >= %s AND record_time < %s RETURNING *) "
                "INSERT INTO {} SELECT * FROM moved"
            ).format(_DEFAULT, name),
            bounds,
        )
        moved: int = cursor.rowcount
        cursor.execute(
            sql.SQL("ALTER TABLE realtime.raw_events ATTACH PARTITION {} FOR VALUES FROM (%s) TO (%s)").format(name),
            bounds,
        )
    return moved


def _drop_day(connection: PgConnection, day: date) -> None:
    with connection, connection.cursor() as cursor:
        exclude_others(cursor)
        cursor.execute("SET LOCAL lock_timeout = %s", (_LOCK_TIMEOUT_MS,))
        cursor.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier("realtime", partition_name(day))))


def _delete_from_default(connection: PgConnection, day: date) -> int:
    with connection, connection.cursor() as cursor:
        exclude_others(cursor)
        cursor.execute(
            sql.SQL("DELETE FROM {} WHERE record_time >= %s AND record_time < %s").format(_DEFAULT),
            (_start(day), _start(day + timedelta(days=1))),
        )
        deleted: int = cursor.rowcount
        return deleted


def _record(connection: PgConnection, kept_from: datetime) -> None:
    """Says what will be gone before it goes, so that a reader never takes dropped rows for lost ones."""
    with connection, connection.cursor() as cursor:
        exclude_others(cursor)  # a recount that has read the earlier moment still needs the rows
        cursor.execute(
            "INSERT INTO realtime.retention (table_name, kept_from) VALUES ('raw_events', %s) "
            "ON CONFLICT (table_name) DO UPDATE SET "
            "kept_from = greatest(retention.kept_from, excluded.kept_from), executed_at = now()",
            (kept_from,),
        )
