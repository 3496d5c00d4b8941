"""Whether the wall clock has stepped: latencies across a step mean nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

from slo.probes.probe import Probe, Sample

LARGEST_DRIFT_SECONDS = 0.1
"""Between two polls. Slewing, as NTP does it, is at most 0.5 ms per second."""


class ClockSteps(Probe):
    """Compares the wall clock with the monotonic one. Gives no samples: the recorder asks for `steps_seconds`."""

    name = "clock"
    indicators = ()
    period_seconds = 0.5

    def __init__(self, clock: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._ahead = clock() - monotonic()
        self._steps: list[float] = []
        self._lock = threading.Lock()

    def look(self) -> Iterable[Sample]:
        with self._lock:
            ahead = self._clock() - self._monotonic()
            if abs(ahead - self._ahead) > LARGEST_DRIFT_SECONDS:
                self._steps.append(ahead - self._ahead)
            self._ahead = ahead
        return ()

    def void(self) -> str:
        self.look()
        if not self._steps:
            return ""
        return "the clock stepped by " + ", ".join(f"{step:+.1f} s" for step in self._steps[:3])

    def close(self) -> None:
        """Nothing to end."""
