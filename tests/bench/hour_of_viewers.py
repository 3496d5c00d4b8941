"""Does the dashboard's memory stay level while many people have it open?

``python -m tests.bench.hour_of_viewers [VIEWERS [MINUTES]]``, on a stack of its own with 200 events a second. Memory
is the process's own (RSS), every ten seconds. The growth is that after the first ten minutes, in which Python and Arrow
fill their pools.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil

from compose.experiment.load_process import LoadProcess
from compose.stack.layout import Layout
from compose.stack.lifecycle import temporary_stack
from compose.stack.ports import PortChoice
from compose.stack.processes.supervision import Supervisor
from pipeline.settings import Settings
from slo.probes.viewer import Viewer
from slo.statistics.growth import growth

RATE = 200.0
QUERIES = ("", "range=3+h&compare=previous+period", "range=24+h")
LOOK_SECONDS = 0.1
SAMPLE_SECONDS = 10.0
WARM_UP_SECONDS = 600.0
MEGABYTE = 1e6


@contextmanager
def watching(settings: Settings, viewers: int) -> Iterator[list[Viewer]]:
    """As many viewers as are asked for, each of whom refreshes when the page says so."""
    stop = threading.Event()
    watchers = [Viewer(settings.dashboard_url, QUERIES[number % len(QUERIES)]) for number in range(viewers)]

    def attend() -> None:
        while not stop.wait(LOOK_SECONDS):
            for viewer in watchers:
                viewer.attend()

    for viewer in watchers:
        viewer.open()
    thread = threading.Thread(target=attend)
    thread.start()
    try:
        yield watchers
    finally:
        stop.set()
        thread.join()
        for viewer in watchers:
            viewer.close()


def measure(layout: Layout, settings: Settings, viewers: int, seconds: float) -> None:
    supervisor = Supervisor.find(layout)
    assert supervisor is not None
    (pid,) = (each.pid for each in supervisor.processes() if each.name == "dashboard")
    process, times, values = psutil.Process(pid), list[float](), list[float]()
    with watching(settings, viewers) as watchers:
        began = time.monotonic()
        while (now := time.monotonic() - began) < seconds:
            times.append(now)
            values.append(process.memory_info().rss / MEGABYTE)
            if len(times) % 30 == 1:
                seen = sum(len(viewer.refreshes) for viewer in watchers)
                print(f"{now / 60:4.0f} min  {values[-1]:7.1f} MB  {seen:,} refreshes", flush=True)
            time.sleep(SAMPLE_SECONDS)
    late = np.asarray(times) >= WARM_UP_SECONDS
    found = growth(np.asarray(times)[late], np.asarray(values)[late])
    print(f"{viewers} viewers, {seconds / 60:.0f} min: {values[0]:.1f} MB at first, {max(values):.1f} MB at most")
    print(f"after the first {WARM_UP_SECONDS / 60:.0f} min: {found} MB/h")


def main() -> None:
    viewers, minutes = (int(each) for each in (sys.argv[1:] + ["30", "70"][len(sys.argv) - 1 :]))
    with tempfile.TemporaryDirectory(prefix="adctr-viewers-") as directory:
        layout = Layout.of(Path(directory))
        with (
            temporary_stack(layout.root, PortChoice.AUTO, historic=False, say=print, dashboard=True) as settings,
            LoadProcess(layout.root, layout.root / "viewers.ledger", RATE, None),
        ):
            measure(layout, settings, viewers, minutes * 60.0)


if __name__ == "__main__":
    main()
