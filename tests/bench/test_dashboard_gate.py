"""What a refresh costs the server: 24 hours of 1,000 campaigns in both stores, asked for by a viewer.

The stack's jobs are stopped, and its stores filled as they would have filled them, so that the day is there at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from compose.stack.layout import Layout
from compose.stack.lifecycle import temporary_stack
from compose.stack.ports import PortChoice
from compose.stack.processes.supervision import Supervisor
from pipeline.cache.cache_access import CacheUser, impatient_client
from pipeline.contract.cache_schema import categories_key, cell_field, cells_key, watermark_key
from pipeline.settings import WINDOW_SIZES_SECONDS, Settings
from pipeline.store import connect_writer
from slo.probes.viewer import Viewer
from slo.recording import Recording, Series
from slo.spec.model import Indicator

CAMPAIGNS, CATEGORIES, HOURS = 1_000, 10, 24
ROUNDS = 200
SHARED_SECONDS = 0.6
"""Between two refreshes: longer than a read is shared, so that each one reads."""
TABLES = {60: "metrics_1min", 300: "metrics_5min"}
STOPPED = ("jobs", "canary", "taskmanager-live", "taskmanager-store", "jobmanager")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    directory: Path = tmp_path_factory.mktemp("bench") / "stack"
    with temporary_stack(directory, PortChoice.AUTO, historic=False, say=print, environ={}, dashboard=True) as settings:
        supervisor = Supervisor.find(Layout.of(directory))
        assert supervisor is not None
        supervisor.stop_processes(STOPPED, 60)
        now = int(time.time()) // 300 * 300 + 300
        fill_postgres(settings, now)
        fill_redis(settings, now)
        yield settings


def fill_postgres(settings: Settings, end: int) -> None:
    """Every campaign in every window."""
    connection = connect_writer(settings)
    with connection, connection.cursor() as cursor:
        for size, table in TABLES.items():
            cursor.execute(
                f"INSERT INTO {table} SELECT to_timestamp(w), 'campaign-' || c, 'category-' || c %% %s, "  # noqa: S608
                "10 + (c * 7919 + w / 60) %% 500, c %% 10 "
                "FROM generate_series(%s, %s - %s, %s) w, generate_series(0, %s - 1) c",
                (CATEGORIES, end - HOURS * 3600, end, size, size, CAMPAIGNS),
            )
            cursor.execute(
                "INSERT INTO watermarks VALUES (%s, %s) "
                "ON CONFLICT (job) DO UPDATE SET watermark_ms = excluded.watermark_ms",
                (f"store-{size}", end * 1000),
            )
    connection.close()


def fill_redis(settings: Settings, end: int) -> None:
    """Every window that it keeps, for a quarter of an hour longer than it does."""
    client = impatient_client(settings, CacheUser.ADMIN, connect_timeout_seconds=5, timeout_seconds=30)
    for size in WINDOW_SIZES_SECONDS:
        for start in range(end - settings.cache_retention_seconds - size, end, size):
            cells = {cell_field(f"campaign-{c}", f"category-{c % CATEGORIES}"): "400 7" for c in range(CAMPAIGNS)}
            client.hset(cells_key(size, start), mapping=cells)  # type: ignore[arg-type]
            per_category = f"{400 * CAMPAIGNS // CATEGORIES} {7 * CAMPAIGNS // CATEGORIES}"
            client.hset(categories_key(size, start), mapping={f"category-{c}": per_category for c in range(CATEGORIES)})
        client.set(watermark_key(size), end * 1000)
    client.close()


@pytest.mark.objective("dashboard_refresh_cost")
def test_a_refresh_of_a_day(settings: Settings, recorded: Callable[[Recording], None]) -> None:
    """From the viewer's request until the server has sent everything and said so: reads, figures, drawing."""
    viewer = Viewer(settings.dashboard_url, "range=24+h")
    viewer.open()
    times, took = [], []
    for _ in range(ROUNDS):
        time.sleep(SHARED_SECONDS)
        times.append(time.time())
        took.append(viewer.refresh_seconds())
    viewer.close()
    assert viewer.read_at_seconds is not None
    assert time.time() - viewer.read_at_seconds < 5
    series = Series(np.array(times), np.array(took))
    recorded(Recording(times[0], times[-1] + took[-1], {Indicator.BENCHMARK_ROUND: series}))
