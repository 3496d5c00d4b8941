"""CPU time and memory of named processes and their descendants, over a span that is known only afterwards."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import psutil

from slo.bench.cpu_meter import ProcessGone, tree_cpu_seconds

SAMPLE_SECONDS = 0.25


@dataclass
class _Samples:
    times: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    memory_bytes: list[int] = field(default_factory=list)


class ProcessMeter:
    """Samples each tree of processes in a thread. Use as a context manager.

    Memory is the proportional set size, so pages that processes share (PostgreSQL's buffers) are counted once.
    """

    def __init__(self, roots: Mapping[str, psutil.Process]) -> None:
        self._roots = roots
        self._samples = {name: _Samples() for name in roots}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="process-meter", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def cpu_seconds(self, began: float, ended: float) -> dict[str, float]:
        """CPU seconds between two unix times, interpolated. Raises ProcessGone for one that was not seen all along."""
        return {name: _cpu(name, samples, began, ended) for name, samples in self._samples.items()}

    def peak_bytes(self, began: float, ended: float) -> dict[str, int]:
        """The most memory that was seen between two unix times; 0 where nothing was seen."""
        return {name: max(_within(samples, began, ended), default=0) for name, samples in self._samples.items()}

    def _run(self) -> None:
        while True:
            last = self._stop.wait(SAMPLE_SECONDS)
            for name, root in self._roots.items():
                with suppress(psutil.Error):  # it ended just now
                    self._sample(self._samples[name], root)
            if last:
                return

    @staticmethod
    def _sample(samples: _Samples, root: psutil.Process) -> None:
        if not root.is_running():
            return
        cpu, memory = tree_cpu_seconds(root), tree_memory_bytes(root)
        samples.times.append(time.time())
        samples.cpu_seconds.append(cpu)
        samples.memory_bytes.append(memory)


def _within(samples: _Samples, began: float, ended: float) -> list[int]:
    return [size for at, size in zip(samples.times, samples.memory_bytes, strict=True) if began <= at <= ended]


def _cpu(name: str, samples: _Samples, began: float, ended: float) -> float:
    slack = 4 * SAMPLE_SECONDS
    if not samples.times or samples.times[0] > began + slack or samples.times[-1] < ended - slack:
        raise ProcessGone(f"{name} was not there all the time while it was measured")
    at = np.interp([began, ended], samples.times, samples.cpu_seconds)
    return float(at[1] - at[0])


def tree_memory_bytes(root: psutil.Process) -> int:
    """Proportional set size of a process and its descendants. Raises psutil.Error if the process is gone."""
    size = int(root.memory_full_info().pss)
    for child in root.children(recursive=True):
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            size += int(child.memory_full_info().pss)
    return size
