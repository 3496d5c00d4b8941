"""A PostgreSQL with our tables, and the rows that a topic in memory must have in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pipeline.contract.codec import AdEvent
from pipeline.contract.rules import Fate, classify
from pipeline.store.db_connector import connect_owner
from pipeline.store.migrate import load_migrations
from tests.bare_postgres import bare_postgres
from tests.unit.slo.reconciliation.memory_topic import LATENESS_SECONDS, Topic, decoder

if TYPE_CHECKING:
    from psycopg2.extensions import connection as PgConnection  # noqa: N812 - a class, despite its name

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Row = tuple[object, ...]


@contextmanager
def migrated_postgres() -> Iterator[PgConnection]:
    """A connection of the owner to a database with all migrations."""
    with bare_postgres() as server, closing(connect_owner(server.settings)) as connection:
        with connection, connection.cursor() as cursor:
            cursor.execute("CREATE SCHEMA realtime; SET search_path = realtime")
        for migration in load_migrations():
            with connection, connection.cursor() as cursor:
                cursor.execute(migration.text)
        yield connection


def rows_of(topic: Topic) -> list[Row]:
    """What raw_events must hold."""
    found = []
    for partition, records in topic.partitions.items():
        for offset, record in enumerate(records):
            fate, event, _ = classify(record.value, record.time_ms, decoder(), LATENESS_SECONDS)
            if event is not None and fate in (Fate.COUNTED, Fate.LATE):
                found.append(row_of(partition, offset, record.time_ms, event, late=fate is Fate.LATE))
    return found


def row_of(partition: int, offset: int, record_time_ms: int, event: AdEvent, *, late: bool) -> Row:
    """One row, its columns in the table's order."""
    times = (_EPOCH + timedelta(milliseconds=ms) for ms in (record_time_ms, event.event_time))
    texts = (event.event_id, event.event_type, event.user_id, event.ad_id, event.campaign_id, event.category)
    return (partition, offset, *times, *texts, event.placement, event.device, event.impression_id, late)


def store(connection: PgConnection, rows: Sequence[Row]) -> None:
    """Puts these rows into raw_events, and no others."""
    with connection, connection.cursor() as cursor:
        cursor.execute("TRUNCATE realtime.raw_events")
        for row in rows:
            cursor.execute(f"INSERT INTO realtime.raw_events VALUES ({', '.join(['%s'] * len(row))})", row)  # noqa: S608
