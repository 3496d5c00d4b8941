"""What a refresh costs the server: 24 hours of 1,000 campaigns in both stores, asked for by a viewer.

The stack's jobs are stopped, and its stores filled as they would have filled them, so that the day is there at once.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
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
ROUNDS = 400
"""381 that are all good show 99 %."""
VIEWERS = 30
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
def test_a_refresh_of_a_day(
    settings: Settings, recorded: Callable[[Recording], None], capsys: pytest.CaptureFixture[str]
) -> None:
    recorded(refreshed(settings, "range=24+h", capsys))


@pytest.mark.objective("dashboard_comparison_cost")
def test_a_refresh_of_a_day_compared_with_the_day_before(
    settings: Settings, recorded: Callable[[Recording], None], capsys: pytest.CaptureFixture[str]
) -> None:
    recorded(refreshed(settings, "range=24+h&compare=previous+period", capsys))


def refreshed(settings: Settings, query: str, capsys: pytest.CaptureFixture[str]) -> Recording:
    """From the viewer's request until the server has sent everything and said so: reads, figures, drawing.

    About once in 300 s a refresh has a new 5-minute window and reads the day from PostgreSQL again; it counts as any
    other. Prints the percentiles.
    """
    viewer = Viewer(settings.dashboard_url, query)
    viewer.open()
    times, took = [], []
    for _ in range(ROUNDS):
        time.sleep(SHARED_SECONDS)
        times.append(time.time())
        took.append(viewer.refresh_seconds())
    viewer.close()
    assert viewer.read_at_seconds is not None
    assert time.time() - viewer.read_at_seconds < 5
    p50, p99, most = (float(each) * 1000 for each in np.quantile(took, [0.5, 0.99, 1.0]))
    with capsys.disabled():
        print(f"\n?{query}: {ROUNDS} refreshes, p50 {p50:.0f} ms, p99 {p99:.0f} ms, max {most:.0f} ms")
    return Recording(
        times[0], times[-1] + took[-1], {Indicator.BENCHMARK_ROUND: Series(np.array(times), np.array(took))}
    )


def test_thirty_viewers_leave_the_memory_level(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """Half of them compare. ADCTR_VIEWERS_MINUTES says how long; the last third is held against the middle one."""
    process = dashboard_process(settings)
    queries = (
        "range=1+h",
        "range=1+h&compare=previous+period",
        "range=6+h",
        "range=24+h&compare=previous+period",
        "range=30+min&campaign=campaign-7",
        "range=3+h&category=category-3&compare=same+time+yesterday",
    )
    viewers = [Viewer(settings.dashboard_url, queries[number % len(queries)]) for number in range(VIEWERS)]
    minutes = float(os.environ.get("ADCTR_VIEWERS_MINUTES", "3"))
    deadline = time.monotonic() + minutes * 60
    megabytes, next_sample = [], 0.0
    while time.monotonic() < deadline:
        for viewer in viewers:
            viewer.attend()
        if time.monotonic() >= next_sample:
            megabytes.append(process.memory_info().rss / 1e6)
            next_sample = time.monotonic() + 2.0
        time.sleep(0.05)
    refreshes = sum(len(viewer.refreshes) for viewer in viewers)
    for viewer in viewers:
        viewer.close()
    third = len(megabytes) // 3
    middle, last = float(np.median(megabytes[third : 2 * third])), float(np.median(megabytes[-third:]))
    with capsys.disabled():
        print(
            f"\n{VIEWERS} viewers, {minutes:g} min, {refreshes:,} refreshes: {megabytes[0]:.0f} MB at first, "
            f"{middle:.0f} MB in the middle third, {last:.0f} MB in the last, {max(megabytes):.0f} MB at most"
        )
    assert refreshes > VIEWERS * minutes * 3
    assert last < middle * 1.05 + 5


def dashboard_process(settings: Settings) -> psutil.Process:
    """Of the stack: the one that listens on the page's port."""
    port = int(settings.dashboard_url.rpartition(":")[2])
    for each in psutil.net_connections("tcp"):
        if each.laddr and each.laddr.port == port and each.status == psutil.CONN_LISTEN and each.pid:
            return psutil.Process(each.pid)
    raise AssertionError(f"nobody listens on {settings.dashboard_url}")
