"""Reads the counts of some windows from PostgreSQL's ``metrics_1min`` with the readers' role."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import psycopg2
from psycopg2 import extensions

from pipeline.contract.cache_schema import CANARY_PREFIX
from pipeline.settings import Settings
from pipeline.store import connect_reader
from slo.latency.sightings import CellKey

_QUERY = """
    SELECT extract(epoch FROM window_start)::bigint, campaign_id, category, impressions + clicks
    FROM metrics_1min
    WHERE window_start >= to_timestamp(%s) AND window_start <= to_timestamp(%s)
"""


class StoreReader:
    """One connection, opened again after an error. Raises StoreUnavailable and psycopg2.Error."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection: extensions.connection | None = connect_reader(settings)
        self._last: dict[CellKey, int] = {}

    def read(self, windows: Sequence[int]) -> tuple[float, list[tuple[CellKey, int]]]:
        """When the answer was there (unix seconds), and the counts that changed since the last read.

        ``windows`` are starts in unix seconds, in order. Canaries are left out.
        """
        rows = self._rows(windows)
        at = time.time()
        now: dict[CellKey, int] = {
            (start, campaign, category): count
            for start, campaign, category, count in rows
            if not campaign.startswith(CANARY_PREFIX)
        }
        last, self._last = self._last, now
        return at, [(key, count) for key, count in now.items() if last.get(key) != count]

    def _rows(self, windows: Sequence[int]) -> list[tuple[Any, ...]]:
        try:
            if self._connection is None:
                self._connection = connect_reader(self._settings)
            with self._connection.cursor() as cursor:
                cursor.execute(_QUERY, (windows[0], windows[-1]))
                return cursor.fetchall()
        except psycopg2.Error:
            self.close()
            raise

    def close(self) -> None:
        """Ends the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
