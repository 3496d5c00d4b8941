"""Does the dashboard's memory stay level while many people have it open?

``python -m tests.bench.hour_of_viewers [VIEWERS [MINUTES]]``, on a stack of its own with 200 events a second and two
days of counts behind it, so that what the page shows does not grow. Memory is the process's own (RSS), every ten
seconds. The growth is that after the first ten minutes, in which Python and Arrow fill their pools.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

from compose.experiment.load_process import LoadProcess
from compose.stack.layout import Layout
from compose.stack.lifecycle import temporary_stack
from compose.stack.ports import PortChoice
from compose.stack.processes.supervision import Supervisor
from pipeline.settings import Settings
from slo.statistics.growth import growth
from tests.browser.earlier_counts import write_two_days
from tests.browser.watchers import Watchers

RATE = 200.0
CAMPAIGNS = 200
QUERIES = ("", "range=3+h&compare=previous+period", "range=24+h")
SAMPLE_SECONDS = 10.0
WARM_UP_SECONDS = 600.0
MEGABYTE = 1e6


def measure(layout: Layout, settings: Settings, viewers: int, seconds: float) -> None:
    supervisor = Supervisor.find(layout)
    assert supervisor is not None
    (pid,) = (each.pid for each in supervisor.processes() if each.name == "dashboard")
    process, times, values = psutil.Process(pid), list[float](), list[float]()
    with Watchers(settings, viewers, QUERIES) as watchers:
        began = time.monotonic()
        while (now := time.monotonic() - began) < seconds:
            times.append(now)
            values.append(process.memory_info().rss / MEGABYTE)
            if len(times) % 30 == 1:
                seen = sum(len(viewer.refreshes) for viewer in watchers.viewers)
                print(f"{now / 60:4.0f} min  {values[-1]:7.1f} MB  {seen:,} refreshes", flush=True)
            time.sleep(SAMPLE_SECONDS)
    late = np.asarray(times) >= WARM_UP_SECONDS
    found = growth(np.asarray(times)[late], np.asarray(values)[late])
    print(f"{viewers} viewers, {seconds / 60:.0f} min: {values[0]:.1f} MB at first, {max(values):.1f} MB at most")
    if found is not None:
        grown = f"{found.per_hour:.1f} MB/h [{found.low:.1f}, {found.high:.1f}]"
        print(f"after the first {WARM_UP_SECONDS / 60:.0f} min: {grown}")


def main() -> None:
    viewers, minutes = (int(each) for each in (sys.argv[1:] + ["30", "70"][len(sys.argv) - 1 :]))
    with tempfile.TemporaryDirectory(prefix="adctr-viewers-") as directory:
        layout = Layout.of(Path(directory))
        with (
            temporary_stack(layout.root, PortChoice.AUTO, historic=False, say=print, dashboard=True) as settings,
            LoadProcess(layout.root, layout.root / "viewers.ledger", RATE, None),
        ):
            write_two_days(settings, CAMPAIGNS)
            measure(layout, settings, viewers, minutes * 60.0)


if __name__ == "__main__":
    main()
