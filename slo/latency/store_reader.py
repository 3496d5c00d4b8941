"""Reads the counts of some windows from PostgreSQL's ``metrics_1min`` with the readers' role."""

from __future__ import annotations

import time
from collections.abc import Sequence

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
    """One connection. Raises StoreUnavailable when it is made, psycopg2.Error afterwards."""

    def __init__(self, settings: Settings) -> None:
        self._connection = connect_reader(settings)
        self._last: dict[CellKey, int] = {}

    def read(self, windows: Sequence[int]) -> tuple[float, list[tuple[CellKey, int]]]:
        """When the answer was there (unix seconds), and the counts that changed since the last read.

        ``windows`` are starts in unix seconds, in order. Canaries are left out.
        """
        with self._connection.cursor() as cursor:
            cursor.execute(_QUERY, (windows[0], windows[-1]))
            rows = cursor.fetchall()
        at = time.time()
        now: dict[CellKey, int] = {
            (start, campaign, category): count
            for start, campaign, category, count in rows
            if not campaign.startswith(CANARY_PREFIX)
        }
        last, self._last = self._last, now
        return at, [(key, count) for key, count in now.items() if last.get(key) != count]

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()
