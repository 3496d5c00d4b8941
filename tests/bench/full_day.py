"""24 hours of 1,000 campaigns in both stores, and a viewer of the dashboard that asks for them.

The stack's jobs are stopped, and its stores filled as they would have filled them, so that the day is there at once.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from compose.stack.layout import Layout
from compose.stack.processes.supervision import Supervisor
from pipeline.cache.cache_access import CacheUser, impatient_client
from pipeline.contract.cache_schema import categories_key, cell_field, cells_key, watermark_key
from pipeline.settings import WINDOW_SIZES_SECONDS, Settings
from pipeline.store import connect_writer
from slo.probes.viewer import Viewer
from slo.recording import Recording, Series
from slo.spec.model import Indicator

CAMPAIGNS, CATEGORIES, HOURS = 1_000, 10, 24
ROUNDS = 400
"""381 that are all good show 99 %."""
SHARED_SECONDS = 0.6
"""Between two refreshes: longer than a read is shared, so that each one reads."""
TABLES = {60: "metrics_1min", 300: "metrics_5min"}
STOPPED = ("jobs", "canary", "taskmanager-live", "taskmanager-store", "jobmanager")


def fill(directory: Path, settings: Settings) -> None:
    """Stops the jobs of the stack there and puts the day into its stores."""
    supervisor = Supervisor.find(Layout.of(directory))
    assert supervisor is not None
    supervisor.stop_processes(STOPPED, 60)
    now = int(time.time()) // 300 * 300 + 300
    _fill_postgres(settings, now)
    _fill_redis(settings, now)


def _fill_postgres(settings: Settings, end: int) -> None:
    """Every campaign in every window; of 5 minutes for twice as long, to be compared with."""
    connection = connect_writer(settings)
    with connection, connection.cursor() as cursor:
        for size, table in TABLES.items():
            cursor.execute(
                f"INSERT INTO {table} SELECT to_timestamp(w), 'campaign-' || c, 'category-' || c %% %s, "  # noqa: S608
                "10 + (c * 7919 + w / 60) %% 500, c %% 10 "
                "FROM generate_series(%s, %s - %s, %s) w, generate_series(0, %s - 1) c",
                (CATEGORIES, end - HOURS * 3600 * (2 if size == 300 else 1), end, size, size, CAMPAIGNS),
            )
            cursor.execute(
                "INSERT INTO watermarks VALUES (%s, %s) "
                "ON CONFLICT (job) DO UPDATE SET watermark_ms = excluded.watermark_ms",
                (f"store-{size}", end * 1000),
            )
    connection.close()


def _fill_redis(settings: Settings, end: int) -> None:
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


def refreshed(settings: Settings, query: str, capsys: pytest.CaptureFixture[str], rounds: int = ROUNDS) -> Recording:
    """From the viewer's request until the server has sent everything and said so: reads, figures, drawing.

    About once in 300 s a refresh has a new 5-minute window and reads the day from PostgreSQL again; it counts as any
    other. Prints the percentiles.
    """
    viewer = Viewer(settings.dashboard_url, query)
    viewer.open()
    times, took = [], []
    for _ in range(rounds):
        time.sleep(SHARED_SECONDS)
        times.append(time.time())
        took.append(viewer.refresh_seconds())
    viewer.close()
    assert viewer.read_at_seconds is not None
    assert time.time() - viewer.read_at_seconds < 5
    p50, p99, most = (float(each) * 1000 for each in np.quantile(took, [0.5, 0.99, 1.0]))
    with capsys.disabled():
        print(f"\n?{query}: {rounds} refreshes, p50 {p50:.0f} ms, p99 {p99:.0f} ms, max {most:.0f} ms")
    return Recording(
        times[0], times[-1] + took[-1], {Indicator.BENCHMARK_ROUND: Series(np.array(times), np.array(took))}
    )
