"""What a refresh costs the server: 24 hours of 1,000 campaigns, asked for by viewers. Takes 13 minutes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from compose.stack.lifecycle import temporary_stack
from compose.stack.ports import PortChoice
from pipeline.settings import Settings
from slo.probes.viewer import Viewer
from slo.recording import Recording
from tests.bench.full_day import fill, refreshed

pytestmark = pytest.mark.long

VIEWERS = 30


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    directory: Path = tmp_path_factory.mktemp("bench") / "stack"
    with temporary_stack(directory, PortChoice.AUTO, historic=False, say=print, environ={}, dashboard=True) as settings:
        fill(directory, settings)
        yield settings


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
