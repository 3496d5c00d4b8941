"""Reads the counts of some windows from PostgreSQL's ``metrics_1min`` with the readers' role."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import psycopg2
from psycopg2 import extensions

from pipeline.contract.cache_schema import is_canary
from pipeline.settings import Settings
from pipeline.store import connect_reader
from slo.latency.sample import Cell
from slo.latency.sightings import CellKey

_ALL = """
    SELECT extract(epoch FROM window_start)::bigint, campaign_id, category, impressions + clicks
    FROM metrics_1min
    WHERE window_start >= to_timestamp(%(first)s) AND window_start <= to_timestamp(%(last)s)
"""
# OFFSET 0 keeps each cell a look-up in the primary key: of a hundred thousand rows per window two hundred are wanted.
_OF_CELLS = """
    SELECT start, cell.campaign_id, cell.category, found.events
    FROM unnest(%(windows)s) AS start,
      unnest(%(campaigns)s, %(categories)s) AS cell (campaign_id, category),
      LATERAL (
        SELECT impressions + clicks AS events FROM metrics_1min AS row
        WHERE (row.window_start, row.campaign_id, row.category)
          = (to_timestamp(start), cell.campaign_id, cell.category)
        OFFSET 0
      ) AS found
"""


class StoreReader:
    """One connection, opened again after an error. Raises StoreUnavailable and psycopg2.Error.

    With ``cells`` it reads those alone.
    """

    def __init__(self, settings: Settings, cells: Sequence[Cell] | None = None) -> None:
        self._settings = settings
        self._names: dict[str, list[str]] = {}
        if cells is not None:
            campaigns, categories = map(list, zip(*cells, strict=True))
            self._names = {"campaigns": campaigns, "categories": categories}
        self._connection: extensions.connection | None = connect_reader(settings)
        self._last: dict[CellKey, int] = {}

    def read(self, windows: Sequence[int]) -> tuple[float, list[tuple[CellKey, int]]]:
        """When the answer was there (unix seconds), and the counts that changed since the last read.

        ``windows`` are starts in unix seconds, in order. Canaries are left out.
        """
        rows = self._rows(windows)
        at = time.time()
        now: dict[CellKey, int] = {
            (start, campaign, category): count for start, campaign, category, count in rows if not is_canary(category)
        }
        last, self._last = self._last, now
        return at, [(key, count) for key, count in now.items() if last.get(key) != count]

    def _rows(self, windows: Sequence[int]) -> list[tuple[Any, ...]]:
        try:
            if self._connection is None:
                self._connection = connect_reader(self._settings)
            with self._connection.cursor() as cursor:
                cursor.execute(
                    _OF_CELLS if self._names else _ALL,
                    {
                        "first": windows[0],
                        "last": windows[-1],
                        "windows": list(windows),
                        **self._names,
                    },
                )
                return cursor.fetchall()
        except psycopg2.Error:
            self.close()
            raise

    def close(self) -> None:
        """Ends the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
