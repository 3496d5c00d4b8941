"""The exporter counts the rows of the default partition with the reader's rights, and not forever."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime

import pytest

from pipeline.settings import Settings
from pipeline.store.db_connector import connect_writer
from slo.exporter import storage


def rows(settings: Settings) -> float:
    (family,) = storage.default_partition(settings)
    return float(family.samples[0].value)


def test_rows_outside_every_day_are_counted_up_to_a_limit(store: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert rows(store) == 0
    long_ago = datetime(2001, 1, 1, tzinfo=UTC)
    with closing(connect_writer(store)) as connection, connection, connection.cursor() as cursor:
        for offset in range(30):
            cursor.execute(
                "INSERT INTO raw_events "
                "VALUES (0, %s, %s, %s, 'e', 'CLICK', 'u', 'a', 'c', 'k', 'p', 'd', NULL, false)",
                (offset, long_ago, long_ago),
            )
    assert rows(store) == 30
    monkeypatch.setattr(storage, "MOST_ROWS", 10)
    assert rows(store) == 10
