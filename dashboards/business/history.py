"""Marks and the beginning of the counts, read beside the refreshes, so that none of them waits for PostgreSQL."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import closing

import psycopg2
from psycopg2 import extensions

from dashboards.business.selection import DAY_SECONDS
from pipeline.store.db_connector import StoreUnavailable
from pipeline.store.history import History, read_history

POLL_SECONDS = 5.0
STALE_SECONDS = 30.0
_REACH_SECONDS = DAY_SECONDS + 3600

log = logging.getLogger("adctr.dashboard")


class HistoryPoller:
    """Keeps the newest history. ``connect`` opens a reader's connection; a new one for each poll needs no repair."""

    def __init__(
        self,
        connect: Callable[[], extensions.connection],
        clock: Callable[[], float] = time.time,
        newest: History | None = None,
    ) -> None:
        self._connect = connect
        self._clock = clock
        self._newest = newest

    def start(self) -> None:
        """Polls for as long as the process runs."""
        threading.Thread(target=self._run, name="history", daemon=True).start()

    def newest(self) -> History | None:
        """None where nothing could be read for `STALE_SECONDS`."""
        newest = self._newest
        if newest is None or self._clock() - newest.read_at_seconds > STALE_SECONDS:
            return None
        return newest

    def poll(self) -> None:
        """Reads once. What fails leaves the newest as it is."""
        now = self._clock()
        try:
            with closing(self._connect()) as connection:
                self._newest = read_history(connection, now - _REACH_SECONDS, now)
        except (psycopg2.Error, StoreUnavailable) as error:
            log.info("marks could not be read: %s", str(error).strip())

    def _run(self) -> None:
        while True:
            try:
                self.poll()
            except Exception:
                log.exception("marks could not be read")
            time.sleep(POLL_SECONDS)
