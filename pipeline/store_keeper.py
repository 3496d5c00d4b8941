"""Keeps PostgreSQL's days ahead and its disk bounded: a thread of the cache keeper, which runs with every stack.

At its start and every hour it creates the coming days of ``raw_events``, empties the default partition, drops what is
older than the settings say. An outage of PostgreSQL costs a retry, and the cache keeper nothing.
"""

from __future__ import annotations

import logging
import threading
import time

import psycopg2

from pipeline.settings import Settings
from pipeline.store import StoreUnavailable
from pipeline.store.retention import RetentionReport, maintain

LOG = logging.getLogger("adctr.store_keeper")
PERIOD_SECONDS = 3600.0
RETRY_SECONDS = 30.0


class StoreKeeper:
    """One thread uses it; the settings hold the keeper's password of PostgreSQL."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._last_error = ""

    def run(self) -> None:
        """Keeps forever."""
        while True:
            time.sleep(self.tick())

    def tick(self) -> float:
        """One round; returns after how many seconds the next is due. No error ends it."""
        try:
            report = maintain(self._settings)
        except (psycopg2.Error, StoreUnavailable) as error:
            if str(error) != self._last_error:
                self._last_error = str(error)
                LOG.warning("waiting for PostgreSQL: %s", self._last_error.strip())
            return RETRY_SECONDS
        except Exception:
            LOG.exception("the days of raw_events could not be kept")
            return RETRY_SECONDS
        self._last_error = ""
        for line in told(report):
            LOG.info("%s", line)
        return PERIOD_SECONDS


def told(report: RetentionReport) -> list[str]:
    """What a round did, a line each; none where there was nothing to do."""
    lines = []
    if report.created:
        lines.append(f"created {', '.join(report.created)}")
    if report.dropped:
        lines.append(f"dropped {', '.join(report.dropped)}")
    if report.default_rows:
        lines.append(
            f"{report.default_rows} rows had no day of their own: {report.default_rows_moved} moved to one, "
            f"{report.default_rows_deleted} were too old and deleted"
        )
    if report.metrics_rows_deleted:
        lines.append(f"deleted {report.metrics_rows_deleted} rows of windows before {report.metrics_kept_from}")
    return lines


def start_keeping(settings: Settings) -> None:
    """Keeps in a thread of this process. Not for a historic load, whose days all lie in the past, and are all kept."""
    if not settings.historic:
        threading.Thread(target=StoreKeeper(settings).run, name="store-keeper", daemon=True).start()
