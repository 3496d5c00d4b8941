"""The reader of PostgreSQL's counts outlives its connection, and reads a sample of cells where it is to."""

from __future__ import annotations

import time
from contextlib import closing

import psycopg2
import pytest

from pipeline.settings import Settings
from pipeline.store.db_connector import connect_owner
from slo.latency.poller import open_windows
from slo.latency.store_reader import StoreReader


def test_a_connection_that_breaks_costs_one_look(settings: Settings) -> None:
    """The server ends it, as a restart does; the second poll after that has an answer."""
    with closing(StoreReader(settings)) as reader, closing(connect_owner(settings)) as owner:
        windows = open_windows(time.time())
        reader.read(windows)
        with owner.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", (reader._connection.info.backend_pid,))
        with pytest.raises(psycopg2.Error):
            reader.read(windows)
        at, _ = reader.read(windows)
        assert time.time() - at < 5


def test_of_a_sample_nothing_else_is_read(settings: Settings) -> None:
    window = int(time.time()) // 60 * 60 - 86_400 * 400
    cells = [("sampled-1", "food"), ("sampled-2", "news"), ("not-there", "food")]
    with closing(connect_owner(settings)) as owner, owner.cursor() as cursor:
        for campaign, category in (*cells[:2], ("sampled-1", "news"), ("another", "food")):
            cursor.execute(
                "INSERT INTO metrics_1min (window_start, campaign_id, category, impressions, clicks) "
                "VALUES (to_timestamp(%s), %s, %s, 3, 1)",
                (window, campaign, category),
            )
        owner.commit()
        try:
            with closing(StoreReader(settings, cells)) as reader:
                _, found = reader.read([window - 60, window])
            assert sorted(found) == [((window, *cell), 4) for cell in cells[:2]]
        finally:
            cursor.execute("DELETE FROM metrics_1min WHERE window_start = to_timestamp(%s)", (window,))
            owner.commit()
