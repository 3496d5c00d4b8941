"""Rows of ``raw_events`` as the store job writes them, and where they stand."""

from __future__ import annotations

import io
import time as clock
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, date, datetime, time

from psycopg2.extensions import connection as PgConnection  # noqa: N812 - a class, despite its name

from pipeline.settings import Settings
from pipeline.store.db_connector import KEEPER, connect_owner, connect_reader, connect_writer

Row = tuple[int, datetime]
"""(offset, record time)"""


def at(day: date, hour: int = 12) -> datetime:
    return datetime.combine(day, time(hour), UTC)


def copy_rows(connection: PgConnection, rows: Iterable[Row]) -> None:
    """As the sink does, in the caller's transaction."""
    lines = (f"0\t{offset}\t{when}\t{when}\te\tCLICK\tu\ta\tc\tk\tp\td\t\\N\tf\n" for offset, when in rows)
    with connection.cursor() as cursor:
        cursor.copy_expert("COPY realtime.raw_events FROM STDIN", io.StringIO("".join(lines)))


def write(settings: Settings, rows: Iterable[Row]) -> None:
    with closing(connect_writer(settings)) as connection, connection:
        copy_rows(connection, rows)


def stored(settings: Settings) -> list[tuple[int, str]]:
    """(offset, partition's table) of every raw event, in order; what a reader sees."""
    with closing(connect_reader(settings)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT kafka_offset, tableoid::regclass::text FROM raw_events ORDER BY kafka_offset, 2")
        return [(offset, name.removeprefix("realtime.")) for offset, name in cursor.fetchall()]


def statements(settings: Settings) -> list[str]:
    """The last statement of each session of the keeper."""
    with closing(connect_owner(settings)) as look, look.cursor() as cursor:
        cursor.execute(
            "SELECT query FROM pg_stat_activity WHERE usename = %s AND datname = current_database()", (KEEPER,)
        )
        return [query for (query,) in cursor.fetchall()]


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = clock.monotonic() + 60
    while not condition():
        assert clock.monotonic() < deadline, "not within a minute"
        clock.sleep(0.02)
