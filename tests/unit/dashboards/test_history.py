"""Marks are read beside the refreshes: what cannot be read is not there, and not what was read long ago."""

from __future__ import annotations

from psycopg2 import extensions

from dashboards.business.history import STALE_SECONDS, HistoryPoller
from pipeline.store.db_connector import StoreUnavailable
from pipeline.store.history import History


def refused() -> extensions.connection:
    raise StoreUnavailable("PostgreSQL at 127.0.0.1:1 refuses adctr_reader or doesn't answer")


def test_without_a_database_there_is_no_history_and_no_error() -> None:
    poller = HistoryPoller(refused)
    poller.poll()
    assert poller.newest() is None


def test_a_history_that_is_no_longer_read_is_given_up() -> None:
    now = [1000.0]
    poller = HistoryPoller(refused, lambda: now[0], History(1000.0, 0, ()))
    now[0] += STALE_SECONDS
    poller.poll()
    assert poller.newest() is not None
    now[0] += 0.1
    assert poller.newest() is None
