"""What PostgreSQL's tables take beyond their live rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import psycopg2
from psycopg2 import extensions

from pipeline.settings import Settings
from pipeline.store.db_connector import StoreUnavailable, connect_reader
from slo.probes.probe import Probe, Sample
from slo.spec.model import Indicator

UPDATED = ("metrics_1min", "metrics_5min", "watermarks")
"""Tables whose rows the jobs change again and again."""
RAW_EVENTS = "raw_events"
TABLES = (*UPDATED, RAW_EVENTS)

_BEYOND_LIVE_ROWS = """
    SELECT pg_total_relation_size('{table}'::regclass) - coalesce(sum(pg_column_size(t.*) + 4), 0) FROM {table} t
"""
_DEAD_SHARE = """
    SELECT coalesce(sum(n_dead_tup::float8 / (n_live_tup + n_dead_tup) * pg_total_relation_size(relid)), 0)
    FROM pg_stat_user_tables
    WHERE n_dead_tup > 0 AND coalesce(pg_partition_root(relid), relid) = 'raw_events'::regclass
"""


class PostgresBloat(Probe):
    """One sample per table and poll: bytes that would be free, had the live rows just been written.

    Of tables that are updated, that is their size with indexes, less the bytes of the live rows and their pointers.
    What is left grows a little by design: with each live row its index entries and the free space beside it.
    raw_events grows with every event and is too large to be read again and again, so of it the dead rows count alone,
    by PostgreSQL's own statistics and at the mean size of a row.
    """

    name = "postgres_bloat"
    indicators = (Indicator.POSTGRES_BLOAT,)
    period_seconds = 5.0

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._clock = clock
        self._connection: extensions.connection | None = None

    def look(self) -> Iterable[Sample]:
        queries = {table: _BEYOND_LIVE_ROWS.format(table=table) for table in UPDATED} | {RAW_EVENTS: _DEAD_SHARE}
        return [
            Sample(Indicator.POSTGRES_BLOAT, self._clock(), self._ask(query), table) for table, query in queries.items()
        ]

    def subjects(self) -> tuple[str, ...]:
        return (*UPDATED, RAW_EVENTS)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(self, query: str) -> float:
        try:
            if self._connection is None:
                self._connection = connect_reader(self._settings)
            with self._connection.cursor() as cursor:
                cursor.execute(query)
                row = cursor.fetchone()
        except (psycopg2.Error, StoreUnavailable):
            self.close()
            raise
        assert row is not None
        return float(row[0])
