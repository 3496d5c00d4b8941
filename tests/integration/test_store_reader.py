"""The reader of PostgreSQL's counts outlives its connection."""

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
    """The server ends it, as a restart does; the second look after that has an answer."""
    with closing(StoreReader(settings)) as reader, closing(connect_owner(settings)) as owner:
        windows = open_windows(time.time())
        reader.read(windows)
        with owner.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", (reader._connection.info.backend_pid,))
        with pytest.raises(psycopg2.Error):
            reader.read(windows)
        at, _ = reader.read(windows)
        assert time.time() - at < 5
