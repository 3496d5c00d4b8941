"""Runs probes, each in a thread of its own, on a schedule that no slow poll shifts."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from slo.probes.probe import SERVICE_ERRORS, Probe, Sample

log = logging.getLogger("adctr.probes")


@dataclass
class LookCounts:
    """What one probe has cost and missed so far."""

    looks: int = 0
    failed: int = 0
    skipped: int = 0
    """Looks that were due while an earlier one was still going on."""
    cpu_seconds: float = 0.0
    """CPU time of the probe's thread; what client libraries do in threads of their own is not in it."""
    last_error: str = ""
    looked_at: float = 0.0
    """When the last poll ended, whatever came of it; monotonic seconds, 0 before the first."""


def next_look(began: float, period_seconds: float, now: float) -> tuple[float, int]:
    """When the first poll after ``now`` is due on the schedule began + n periods, and that n."""
    n = max(1, math.floor((now - began) / period_seconds) + 1)
    return began + n * period_seconds, n


class Runner:
    """From `start` to `stop` every sample goes to ``take``, which must be safe to call from several threads.

    A poll that fails with a service's error is counted and the next one comes as usual. Any other error is a bug: it is
    logged with its traceback and counted as a failed poll too, so that no bug passes for health. Use as a context
    manager.
    """

    def __init__(self, probes: Sequence[Probe], take: Callable[[Sample], None]) -> None:
        names = [probe.name for probe in probes]
        if len(set(names)) != len(names):
            raise ValueError(f"two probes have the same name: {', '.join(names)}")
        self.probes = tuple(probes)
        self.counts = {name: LookCounts() for name in names}
        self._take = take
        self._stops = {name: threading.Event() for name in names}
        self._threads = {
            probe.name: threading.Thread(target=self._run, args=(probe,), name=f"probe-{probe.name}", daemon=True)
            for probe in probes
        }

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begins to look."""
        for thread in self._threads.values():
            thread.start()

    def stop(self) -> None:
        """Ends all threads, waiting for polls under way, and closes the probes. May be called twice."""
        running = [probe for probe in self.probes if not self._stops[probe.name].is_set()]
        for probe in running:
            self._stops[probe.name].set()
        for probe in running:
            self._join_and_close(probe)

    def end_probe(self, name: str) -> None:
        """Ends one probe for good, as if its process had died. Raises KeyError for an unknown name."""
        if not self._stops[name].is_set():
            self._stops[name].set()
            self._join_and_close(next(probe for probe in self.probes if probe.name == name))

    def _join_and_close(self, probe: Probe) -> None:
        thread = self._threads[probe.name]
        if thread.ident is not None:
            thread.join()
        probe.close()

    def _run(self, probe: Probe) -> None:
        counts, stop = self.counts[probe.name], self._stops[probe.name]
        began, last = time.monotonic(), 0
        while not stop.is_set():
            self._look(probe, counts)
            counts.looked_at = time.monotonic()
            counts.skipped += next_look(began, probe.period_seconds, counts.looked_at)[1] - last - 1
            due, last = next_look(began, probe.period_seconds, counts.looked_at + probe.idle_seconds())
            counts.cpu_seconds = time.thread_time()
            stop.wait(due - time.monotonic())
        counts.cpu_seconds = time.thread_time()

    def _look(self, probe: Probe, counts: LookCounts) -> None:
        counts.looks += 1
        try:
            for sample in probe.look():
                self._take(sample)
        except SERVICE_ERRORS as error:
            counts.failed += 1
            counts.last_error = str(error)
        except Exception as error:
            counts.failed += 1
            counts.last_error = f"{type(error).__name__}: {error}"
            log.exception("probe %s", probe.name)
