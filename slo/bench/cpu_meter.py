"""CPU time of some processes over a span of time that is known only afterwards."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import psutil

SAMPLE_SECONDS = 0.1


class CpuMeter:
    """Samples the summed CPU seconds (user and system) of processes in a thread."""

    def __init__(self, processes: Sequence[psutil.Process]) -> None:
        self._processes = processes
        self._samples: list[tuple[float, float]] = []
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
        """CPU seconds between two unix times, interpolated between the samples."""
        times, used = np.array(self._samples).T
        return float(np.interp(ended, times, used) - np.interp(began, times, used))

    def _run(self) -> None:
        while True:
            last = self._stop.wait(SAMPLE_SECONDS)
            with suppress(psutil.Error):  # a process that died: the drain notices by itself
                used = sum(sum(process.cpu_times()[:2]) for process in self._processes)
                self._samples.append((time.time(), used))
            if last:
                return
