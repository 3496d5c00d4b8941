"""CPU time and memory of named processes and their descendants, over a span that is known only afterwards."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import psutil

from slo.bench.cpu_meter import ProcessGone
from slo.probes.processes import children_by_parent, descendants

SAMPLE_SECONDS = 0.25
MEMORY_SECONDS = 1.0
"""Between two polls of memory and at who has which children: for the one the kernel walks through all pages of a
process, for the other we walk through all processes. Four times a second that took 0.18 of a core for five JVMs."""


@dataclass
class _Samples:
    times: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    memory: list[tuple[float, int]] = field(default_factory=list)


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
        """The most memory that was seen between two unix times, or a second beside them; 0 where nothing was seen."""
        first, last = began - MEMORY_SECONDS, ended + MEMORY_SECONDS
        return {
            name: max((size for at, size in samples.memory if first <= at <= last), default=0)
            for name, samples in self._samples.items()
        }

    def _run(self) -> None:
        families: dict[str, list[psutil.Process]] = {}
        looked = -MEMORY_SECONDS
        while True:
            last = self._stop.wait(SAMPLE_SECONDS)
            if new_look := time.monotonic() - looked >= MEMORY_SECONDS:
                looked, families = time.monotonic(), self._families()
            for name, family in families.items():
                with suppress(psutil.Error):  # it ended just now
                    self._sample(self._samples[name], family, with_memory=new_look)
            if last:
                return

    def _families(self) -> dict[str, list[psutil.Process]]:
        """Each root with its descendants."""
        children = children_by_parent()
        found: dict[str, list[psutil.Process]] = {}
        for name, root in self._roots.items():
            found[name] = [root]
            for pid in descendants(root.pid, children, ()):
                with suppress(psutil.NoSuchProcess):
                    found[name].append(psutil.Process(pid))
        return found

    @staticmethod
    def _sample(samples: _Samples, family: Sequence[psutil.Process], *, with_memory: bool) -> None:
        if not family[0].is_running():
            return
        samples.times.append(time.time())
        samples.cpu_seconds.append(sum(_of_each(_cpu_seconds, family)))
        if with_memory:
            samples.memory.append((time.time(), int(sum(_of_each(_memory_bytes, family)))))


def _cpu(name: str, samples: _Samples, began: float, ended: float) -> float:
    slack = 4 * SAMPLE_SECONDS
    if not samples.times or samples.times[0] > began + slack or samples.times[-1] < ended - slack:
        raise ProcessGone(f"{name} was not there all the time while it was measured")
    at = np.interp([began, ended], samples.times, samples.cpu_seconds)
    return float(at[1] - at[0])


def _of_each(figure: Callable[[psutil.Process], float], family: Sequence[psutil.Process]) -> Iterator[float]:
    """Of descendants that have just ended nothing. Raises psutil.Error if the first one is gone."""
    root, *others = family
    yield figure(root)
    for each in others:
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            yield figure(each)


def _cpu_seconds(process: psutil.Process) -> float:
    """With that of its children that have ended."""
    return float(sum(process.cpu_times()[:4]))


def _memory_bytes(process: psutil.Process) -> float:
    return float(process.memory_full_info().pss)
