"""Moves rows out of the default partition of ``raw_events``, while others read and write it.

The rows are copied in batches into the days of a second table, ``raw_events_moving``, which nobody reads; a trigger
copies what arrives meanwhile. Then one short transaction makes these days partitions of ``raw_events`` and puts an
empty default partition in the place of the old one. Until it commits, every row stands in the old one alone for all who
read and write; a move that ends before it leaves a table behind that the next move removes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from psycopg2 import extensions, sql
from psycopg2.extensions import connection as PgConnection  # noqa: N812 - a class, despite its name

from pipeline.store.db_connector import MENDER, WRITER
from pipeline.store.short_locks import run_step, wait_for_older_transactions

BATCH_ROWS = 20_000
_LOCK_KEY = 0x6D6F7665
"""Advisory lock of a move ("move"); any constant does that nobody else takes."""
_TREE = sql.Identifier("realtime", "raw_events_moving")
_REST = sql.Identifier("realtime", "raw_events_moving_default")
_DEFAULT = sql.Identifier("realtime", "raw_events_default")
_BEGINNING = (-1, -1, datetime.min.replace(tzinfo=UTC))


def partition_name(day: date) -> str:
    """Name of a day's partition, for example ``raw_events_p20261123``."""
    return f"raw_events_p{day:%Y%m%d}"


def start_of(day: date) -> datetime:
    """Midnight, UTC."""
    return datetime.combine(day, time(), UTC)


def table_of(day: date) -> sql.Identifier:
    """A day's partition in a statement."""
    return sql.Identifier("realtime", partition_name(day))


def bounds_of(day: date) -> tuple[datetime, datetime]:
    """From, and up to but without."""
    return start_of(day), start_of(day + timedelta(days=1))


@contextmanager
def one_mover(connection: PgConnection) -> Iterator[None]:
    """Within the block no other session creates, moves or drops days. Waits for one that does."""
    _session_lock(connection, "pg_advisory_lock")
    try:
        yield
    finally:
        if not connection.closed:
            connection.rollback()
            _session_lock(connection, "pg_advisory_unlock")


def _session_lock(connection: PgConnection, function: str) -> None:
    with connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT {}(%s)").format(sql.Identifier(function)), (_LOCK_KEY,))


@dataclass
class Move:
    """A move under way, inside `one_mover`; ``connection`` is the keeper's.

    ``days`` get a partition, and the rows that are theirs. Rows before ``kept_from`` are left out, and so deleted;
    those of other days are in the default partition afterwards as before.
    """

    connection: PgConnection
    days: Sequence[date]
    kept_from: datetime
    rows: int = 0
    """How many rows of the default partition have been copied into their day so far."""
    _after: tuple[int, int, datetime] = field(default=_BEGINNING, init=False)

    def run(self) -> None:
        """All steps. Raises StoreBusy, psycopg2.Error; the default partition is then as it was."""
        run_step(self.connection, self.begin)
        while self.copy_batch():
            pass
        # A snapshot from before the copies were committed would find the rows neither there nor here.
        wait_for_older_transactions(self.connection)
        run_step(self.connection, self.swap)

    def begin(self, cursor: extensions.cursor) -> None:
        """Creates the days, and the trigger: what arrives later is copied by the transaction that brings it.

        The trigger's lock waits until no transaction writes to the default partition; such writers wait for this one.
        """
        remove_leftovers(cursor)
        cursor.execute(
            sql.SQL("CREATE TABLE {} (LIKE realtime.raw_events INCLUDING ALL) PARTITION BY RANGE (record_time)").format(
                _TREE
            )
        )
        for day in self.days:
            # The constraint proves that the rows belong there, so that to attach the day takes no time. An autovacuum
            # would hold a lock that the swap needs.
            cursor.execute(
                sql.SQL(
                    "CREATE TABLE {} PARTITION OF {} "
                    "(CONSTRAINT its_day CHECK (record_time >= %s AND record_time < %s)) "
                    "FOR VALUES FROM (%s) TO (%s) WITH (autovacuum_enabled = off)"
                ).format(table_of(day), _TREE),
                bounds_of(day) * 2,
            )
        cursor.execute(
            sql.SQL("CREATE TABLE {} PARTITION OF {} DEFAULT WITH (autovacuum_enabled = off)").format(_REST, _TREE)
        )
        cursor.execute(
            sql.SQL("GRANT INSERT ON {} TO {}, {}").format(_TREE, sql.Identifier(WRITER), sql.Identifier(MENDER))
        )
        cursor.execute(sql.SQL("ALTER TABLE {} SET (autovacuum_enabled = off)").format(_DEFAULT))
        cursor.execute(
            sql.SQL(
                "CREATE TRIGGER copy_to_moving AFTER INSERT ON {} FOR EACH ROW "
                "EXECUTE FUNCTION realtime.copy_to_moving()"
            ).format(_DEFAULT)
        )

    def copy_batch(self) -> bool:
        """Copies the next rows in a transaction of its own, under locks that stop nobody; False when there are none."""
        with self.connection, self.connection.cursor() as cursor:
            return self.copy_rows(cursor)

    def copy_rows(self, cursor: extensions.cursor) -> bool:
        """As `copy_batch`, in the caller's transaction."""
        cursor.execute(
            sql.SQL(
                "WITH batch AS MATERIALIZED (SELECT * FROM {default} "
                "WHERE (kafka_partition, kafka_offset, record_time) > (%s, %s, %s) "
                "ORDER BY kafka_partition, kafka_offset, record_time LIMIT %s), "
                "copied AS (INSERT INTO {tree} SELECT * FROM batch WHERE record_time >= %s ON CONFLICT DO NOTHING) "
                "SELECT kafka_partition, kafka_offset, record_time, (SELECT count(*) FROM batch "
                "WHERE record_time >= %s AND (record_time AT TIME ZONE 'UTC')::date = ANY(%s::date[])) "
                "FROM batch ORDER BY 1 DESC, 2 DESC, 3 DESC LIMIT 1"
            ).format(default=_DEFAULT, tree=_TREE),
            (*self._after, BATCH_ROWS, self.kept_from, self.kept_from, list(self.days)),
        )
        last = cursor.fetchone()
        if last is None:
            return False
        self._after, self.rows = (last[0], last[1], last[2]), self.rows + int(last[3])
        return True

    def swap(self, cursor: extensions.cursor) -> None:
        """The days become partitions of ``raw_events``, and what is left its default partition. Copies no row."""
        cursor.execute("LOCK TABLE ONLY realtime.raw_events IN ACCESS EXCLUSIVE MODE")
        cursor.execute(sql.SQL("ALTER TABLE realtime.raw_events DETACH PARTITION {}").format(_DEFAULT))
        cursor.execute(sql.SQL("DROP TABLE {}").format(_DEFAULT))
        for day in self.days:
            table = table_of(day)
            cursor.execute(sql.SQL("ALTER TABLE {} DETACH PARTITION {}").format(_TREE, table))
            attach(cursor, day)
            cursor.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT its_day, RESET (autovacuum_enabled)").format(table))
        cursor.execute(sql.SQL("ALTER TABLE {} DETACH PARTITION {}").format(_TREE, _REST))
        cursor.execute(sql.SQL("ALTER TABLE {} RENAME TO raw_events_default").format(_REST))
        cursor.execute(sql.SQL("ALTER TABLE {} RESET (autovacuum_enabled)").format(_DEFAULT))
        cursor.execute(sql.SQL("ALTER TABLE realtime.raw_events ATTACH PARTITION {} DEFAULT").format(_DEFAULT))
        cursor.execute(sql.SQL("DROP TABLE {}").format(_TREE))


def attach(cursor: extensions.cursor, day: date) -> None:
    """Makes a day's table a partition of ``raw_events``."""
    cursor.execute(
        sql.SQL("ALTER TABLE realtime.raw_events ATTACH PARTITION {} FOR VALUES FROM (%s) TO (%s)").format(
            table_of(day)
        ),
        bounds_of(day),
    )


def remove_leftovers(cursor: extensions.cursor) -> None:
    """Removes what a move that was killed has left: copies alone, the rows stand in the default partition."""
    cursor.execute("SELECT to_regclass('realtime.raw_events_moving')")
    if cursor.fetchone() == (None,):
        return
    # In the order in which writers take their locks.
    cursor.execute(sql.SQL("DROP TRIGGER IF EXISTS copy_to_moving ON {}").format(_DEFAULT))
    cursor.execute(sql.SQL("DROP TABLE {}").format(_TREE))


def default_days(connection: PgConnection) -> dict[date, int]:
    """Rows in the default partition by their day (UTC), in order of time. Reads all of them."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "SELECT (record_time AT TIME ZONE 'UTC')::date AS day, count(*) FROM {} GROUP BY day ORDER BY day"
            ).format(_DEFAULT)
        )
        return dict(cursor.fetchall())
