"""How late a closed value is: from the first moment a window could have closed to the moment it was seen closed.

A window is closed when the live job's published watermark W has reached its end (`pipeline.contract.cache_schema`).
W is the smallest over the partitions of the largest min(event time, record time) seen there, minus the
out-of-orderness bound. Record times are not ahead of the clock, so W = end needs a record from end + bound on, and

    no sooner than  window end + out_of_orderness_seconds

can W have passed. Nor later, if all goes well: a canary is due on every partition at each whole second, with that
second as event and record time, and both ends and bound are whole seconds. So the sample of a window is

    the time at which W ≥ end was first seen  −  (end + bound),

which holds the canary's way into the job, the wait for the next periodic watermark (Flink's default: 200 ms) and the
sink's write of the last counts, which stand before W does. It is too high by less than the time between two polls.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable

from pipeline.contract.cache_schema import watermark_key
from pipeline.settings import WINDOW_SIZES_SECONDS, Settings
from slo.probes.clients import redis_client
from slo.probes.probe import NEVER, Probe, Sample
from slo.spec.model import Indicator

GIVE_UP_SECONDS = 60.0
"""A window that is not closed by then gives a sample that never came."""


class DueWindows:
    """Which windows should be closed by now, and which are. Pure; the clock is passed in.

    ``began`` is unix seconds; windows that could have closed before are not watched.
    """

    def __init__(self, began: float, bound_seconds: float) -> None:
        self.bound_seconds = bound_seconds
        self._next_end = {size: _first_end(began - bound_seconds, size) for size in WINDOW_SIZES_SECONDS}

    def due(self, now: float) -> dict[int, range]:
        """By window size the ends of the windows that could be closed and were not seen so."""
        found = {
            size: range(end, math.floor(now - self.bound_seconds) + 1, size)
            for size, end in self._next_end.items()
            if end + self.bound_seconds <= now
        }
        return {size: ends for size, ends in found.items() if ends}

    def idle_seconds(self, now: float) -> float:
        """How long until a window can close; 0 if one should be closed by now."""
        return max(0.0, min(self._next_end.values()) + self.bound_seconds - now)

    def look(self, at: float, watermarks_ms: dict[int, int | None]) -> list[tuple[float, float]]:
        """(moment that it could have closed, lateness in seconds) of each window newly seen closed, or given up."""
        found = []
        for size, ends in self.due(at).items():
            watermark = watermarks_ms.get(size)
            for end in ends:
                could = end + self.bound_seconds
                if watermark is not None and watermark >= end * 1000:
                    found.append((could, at - could))
                elif at - could > GIVE_UP_SECONDS:
                    found.append((could, NEVER))
                else:
                    break
                self._next_end[size] = end + size
        return found


def _first_end(after: float, size: int) -> int:
    return (math.floor(after / size) + 1) * size


class WindowClose(Probe):
    """Reads both watermarks while a window could be closed and is not, and does nothing in between."""

    name = "window_close"
    indicators = (Indicator.WINDOW_CLOSE,)
    period_seconds = 0.05
    complete = True

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time) -> None:
        self._client = redis_client(settings)
        self._clock = clock
        self._windows = DueWindows(clock(), settings.out_of_orderness_seconds)
        self._looked_at = clock()
        self._lock = threading.Lock()

    def look(self) -> Iterable[Sample]:
        now = self._clock()
        with self._lock:
            sizes = list(self._windows.due(now))
        if not sizes:
            self._looked_at = now
            return ()
        values = self._client.mget([watermark_key(size) for size in sizes])
        at = self._clock()
        watermarks = {size: None if value is None else int(value) for size, value in zip(sizes, values, strict=True)}
        with self._lock:
            found = self._windows.look(at, watermarks)
        between, self._looked_at = at - self._looked_at, at
        return [
            Sample(Indicator.WINDOW_CLOSE, could, lateness, lowest=min(lateness, max(lateness - between, 0.0)))
            for could, lateness in found
        ]

    def idle_seconds(self) -> float:
        # Not long at a time, so that a clock that steps forward is noticed.
        return min(1.0, self._windows.idle_seconds(self._clock()))

    def missing(self) -> Iterable[Sample]:
        with self._lock:
            due = self._windows.due(self._clock())
            bound = self._windows.bound_seconds
        return [Sample(Indicator.WINDOW_CLOSE, end + bound, NEVER) for ends in due.values() for end in ends]

    def close(self) -> None:
        self._client.close()
