"""The read API's questions to PostgreSQL, on one connection that is kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg2
from psycopg2 import extensions

from pipeline.cache.breakdown import Breakdown, from_rows
from pipeline.contract.cache_schema import Counts
from pipeline.read_results import Answer, NamedCounts, Ranking
from pipeline.store.db_connector import StoreUnavailable
from pipeline.store.deadline import DeadlineExceeded
from pipeline.store.metrics_queries import (
    Query,
    WindowRange,
    breakdown_query,
    campaigns_query,
    categories_query,
    series_query,
)

LOCK_SECONDS = 3.0
"""How long a read waits for the one before it."""
_ASKED_FOR_LONG_ENOUGH = (extensions.QueryCanceledError, DeadlineExceeded)

T = TypeVar("T")
Row = tuple[Any, ...]


class PostgresReader:
    """Reads windows from PostgreSQL, without canaries; ``connect`` opens a reader's connection.

    The connection is reopened when it breaks. Each question raises psycopg2.Error or StoreUnavailable; so it does where
    an earlier one still waits for a server that hangs.
    """

    def __init__(self, connect: Callable[[], extensions.connection]) -> None:
        self._connect = connect
        self._connection: extensions.connection | None = None
        self._lock = threading.Lock()

    def close(self) -> None:
        """Closes the connection."""
        if self._lock.acquire(timeout=LOCK_SECONDS):
            try:
                self._forget()
            finally:
                self._lock.release()

    def series(self, windows: WindowRange, campaign_id: str | None, category: str | None) -> Answer[dict[int, Counts]]:
        """Counts by window start; windows that hold nothing are not there."""
        query = series_query(windows, campaign_id, category)
        return self._ask(query, lambda rows: {row[0]: Counts(row[1], row[2]) for row in rows})

    def categories(self, windows: WindowRange) -> Answer[tuple[NamedCounts, ...]]:
        """Sums per category, by name."""
        # Sorted here: the database's collation need not be that of Python.
        return self._ask(categories_query(windows), lambda rows: tuple(sorted(_named(rows), key=lambda row: row.name)))

    def campaigns(
        self, windows: WindowRange, category: str | None, ranking: Ranking
    ) -> Answer[tuple[NamedCounts, ...]]:
        """Sums per campaign, as ranked."""
        return self._ask(campaigns_query(windows, category, ranking), _named)

    def breakdown(self, windows: WindowRange, campaign_id: str | None, *, campaigns: bool) -> Answer[Breakdown]:
        """Counts per window and category, and per cell over the range."""
        query = breakdown_query(windows, campaign_id, campaigns=campaigns)
        return self._ask(query, lambda rows: from_rows(windows, rows))

    def _ask(self, query: Query, answer: Callable[[list[Row]], T]) -> Answer[T]:
        rows = self._rows(query)
        return Answer(answer([row[1:] for row in rows if row[1] is not None]), rows[0][0])

    def _rows(self, query: Query) -> list[Row]:
        """Tries once more on a new connection: the kept one may have died with a server that is back by now."""
        if not self._lock.acquire(timeout=LOCK_SECONDS):
            raise StoreUnavailable(f"PostgreSQL has kept another read waiting for {LOCK_SECONDS:g} s")
        try:
            had_connection = self._connection is not None
            try:
                return self._run(query)
            except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
                self._forget()
                if not had_connection or isinstance(error, _ASKED_FOR_LONG_ENOUGH):
                    raise
                return self._run(query)
        finally:
            self._lock.release()

    def _run(self, query: Query) -> list[Row]:
        if self._connection is None:
            self._connection = self._connect()
        with self._connection.cursor() as cursor:
            cursor.execute(query.statement, query.arguments)
            return cursor.fetchall()

    def _forget(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _named(rows: list[Row]) -> tuple[NamedCounts, ...]:
    return tuple(NamedCounts(row[0], Counts(row[1], row[2])) for row in rows)
