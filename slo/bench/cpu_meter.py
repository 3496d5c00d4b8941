"""CPU time of some processes over a span of time that is known only afterwards, or between two moments."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import psutil

SAMPLE_SECONDS = 0.1


class ProcessGone(RuntimeError):
    """A process ended while its CPU time was measured, so what it and its successor used is not known."""


class CpuMeter:
    """Samples the summed CPU seconds (user and system) of processes in a thread."""

    def __init__(self, processes: Sequence[psutil.Process]) -> None:
        self._processes = processes
        self._samples: list[tuple[float, float]] = []
        self._gone: set[int] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cpu-meter", daemon=True)

    def start(self) -> None:
        """Begins to sample."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread, after a last sample."""
        self._stop.set()
        self._thread.join()

    def between(self, began: float, ended: float) -> float:
        """CPU seconds between two unix times, interpolated between the samples. Raises ProcessGone."""
        if self._gone:
            raise ProcessGone(f"processes {sorted(self._gone)} ended while their CPU time was measured")
        times, used = np.array(self._samples).T
        return float(np.interp(ended, times, used) - np.interp(began, times, used))

    def _run(self) -> None:
        while True:
            last = self._stop.wait(SAMPLE_SECONDS)
            self._gone.update(process.pid for process in self._processes if not process.is_running())
            with suppress(psutil.Error):  # it ended just now
                used = sum(sum(process.cpu_times()[:2]) for process in self._processes)
                self._samples.append((time.time(), used))
            if last:
                return


def tree_cpu_seconds(root: psutil.Process) -> float:
    """CPU seconds so far of a process and its descendants, those that have ended included. Raises psutil.Error.

    PostgreSQL has a process per connection; of one that has ended, its parent keeps the CPU time.
    """
    used = sum(root.cpu_times()[:4])
    for child in root.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            used += sum(child.cpu_times()[:4])
    return float(used)
