"""Rows that lie in no day's partition, and how full the disk is."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family

from pipeline.settings import Settings
from pipeline.store.db_connector import connect_reader
from slo.spec.metrics import DEFAULT_PARTITION_ROWS, DISK_FREE, DISK_SIZE

MOST_ROWS = 10_000
"""No more are counted: a full default partition would be read again and again."""


def default_partition(settings: Settings) -> Sequence[Family]:
    """Rows of ``raw_events`` outside every day. Raises StoreUnavailable, psycopg2.Error."""
    with closing(connect_reader(settings)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM (SELECT FROM realtime.raw_events_default LIMIT %s) AS found", (MOST_ROWS,))
        (rows,) = cursor.fetchone() or (0,)
    text = f"Rows of raw_events that lie in no day's partition; {MOST_ROWS}: that many or more."
    return [GaugeMetricFamily(DEFAULT_PARTITION_ROWS, text, value=rows)]


def disk(checkpoint_dir: str) -> Sequence[Family]:
    """Of the file system that has the directory; nothing where it is in an object store. Raises OSError."""
    if "://" in checkpoint_dir:
        return []
    path = Path(checkpoint_dir).resolve()
    there = next(each for each in (path, *path.parents) if each.exists())
    usage = shutil.disk_usage(there)
    # What an ordinary user can still write, against what he could in all: root's reserve is neither.
    return [
        GaugeMetricFamily(DISK_FREE, "Free for an ordinary user.", value=usage.free),
        GaugeMetricFamily(DISK_SIZE, "Used and free.", value=usage.used + usage.free),
    ]
