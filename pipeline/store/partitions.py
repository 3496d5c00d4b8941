"""Daily partitions of ``raw_events``: created ahead, dropped by retention.

Days are UTC days of the Kafka record time. Rows whose day has no partition land in the default partition; they are
never lost, only reported and moved into days of their own (`pipeline.store.default_partition`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial

from psycopg2 import errors, extensions, sql
from psycopg2.extensions import connection as PgConnection  # noqa: N812 - a class, despite its name

from pipeline.settings import Settings
from pipeline.store.db_connector import connect_keeper
from pipeline.store.default_partition import (
    Move,
    attach,
    default_days,
    one_mover,
    partition_name,
    remove_leftovers,
    start_of,
    table_of,
)
from pipeline.store.short_locks import run_step

DAYS_BEHIND = 1
DAYS_AHEAD = 7
MOST_DAYS_MOVED = 62
"""Stray days that one move gives a partition: each takes milliseconds of its last step, for which writers wait."""
_NAME = re.compile(r"raw_events_p(\d{8})")
_EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Days:
    """The outcome of keeping days: days created and dropped, and rows moved from the default partition."""

    created: tuple[str, ...] = ()
    default_rows: int = 0
    """Rows found in the default partition, all days together."""
    default_rows_moved: int = 0
    default_rows_deleted: int = 0


def partition_day(name: str) -> date | None:
    """The day of a partition's name; None for the default partition and anything foreign."""
    match = _NAME.fullmatch(name)
    return date.fromisoformat(match[1]) if match else None


def upcoming_days(today: date) -> list[date]:
    """The days that must have a partition: yesterday to a week ahead."""
    return [today + timedelta(days=offset) for offset in range(-DAYS_BEHIND, DAYS_AHEAD + 1)]


def expired_days(days: Iterable[date], kept_from: datetime) -> list[date]:
    """Days that lie wholly before ``kept_from``, oldest first."""
    return sorted(day for day in days if start_of(day + timedelta(days=1)) <= kept_from)


def ensure_partitions(settings: Settings, today: date | None = None) -> list[str]:
    """Creates the missing day partitions around today; returns their names.

    None where the default partition has rows, as those have to move first (`keep_ahead`). Raises StoreUnavailable, and
    StoreBusy where others hold ``raw_events``; psycopg2.Error.
    """
    with closing(connect_keeper(settings)) as connection, one_mover(connection):
        if _has_default_rows(connection):
            return []
        return _create_missing(connection, today or datetime.now(UTC).date())


def keep_ahead(connection: PgConnection, today: date, kept_from: datetime = _EVER) -> Days:
    """Creates the missing days around today and empties the default partition; inside `one_mover`.

    Rows of the default partition go to days of their own, or out of the database if their day lies wholly before
    ``kept_from``, a midnight (UTC). Raises StoreBusy, psycopg2.Error.
    """
    if not _has_default_rows(connection):
        with suppress(errors.CheckViolation):  # rows of a missing day have come meanwhile
            return Days(created=tuple(_create_missing(connection, today)))
    stray = default_days(connection)
    old = set(expired_days(stray, kept_from))
    moved = [day for day in stray if day not in old][:MOST_DAYS_MOVED]
    move = Move(connection, sorted({*_missing(connection, today), *moved}), kept_from)
    move.run()
    return Days(
        created=tuple(map(partition_name, move.days)),
        default_rows=sum(stray.values()),
        default_rows_moved=move.rows,
        default_rows_deleted=sum(stray[day] for day in old),
    )


def drop_expired(connection: PgConnection, kept_from: datetime) -> list[str]:
    """Drops the days that lie wholly before ``kept_from``; returns their names. Raises StoreBusy, psycopg2.Error."""
    expired = expired_days(existing_days(connection), kept_from)
    for day in expired:
        run_step(connection, partial(_drop_day, day=day))
    return [partition_name(day) for day in expired]


def existing_days(connection: PgConnection) -> Sequence[date]:
    """The days that have a partition."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
            "WHERE i.inhparent = 'realtime.raw_events'::regclass"
        )
        days = (partition_day(name) for (name,) in cursor.fetchall())
        return [day for day in days if day is not None]


def _create_missing(connection: PgConnection, today: date) -> list[str]:
    missing = _missing(connection, today)
    for day in missing:
        run_step(connection, partial(_create_day, day=day))
    return [partition_name(day) for day in missing]


def _missing(connection: PgConnection, today: date) -> list[date]:
    existing = set(existing_days(connection))
    return [day for day in upcoming_days(today) if day not in existing]


def _has_default_rows(connection: PgConnection) -> bool:
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM realtime.raw_events_default)")
        return cursor.fetchone() == (True,)


def _create_day(cursor: extensions.cursor, day: date) -> None:
    """Attaching it reads the default partition, which is empty, or CheckViolation says that it has rows of that day."""
    remove_leftovers(cursor)
    cursor.execute(sql.SQL("CREATE TABLE {} (LIKE realtime.raw_events INCLUDING ALL)").format(table_of(day)))
    attach(cursor, day)


def _drop_day(cursor: extensions.cursor, day: date) -> None:
    cursor.execute(sql.SQL("DROP TABLE {}").format(table_of(day)))
