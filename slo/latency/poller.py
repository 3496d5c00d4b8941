"""The shell around count matching: a thread that looks at the open windows again and again."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from typing import Protocol

from slo.latency.sightings import CellKey, CellNumbers, SightingRecorder
from slo.probes.probe import SERVICE_ERRORS

log = logging.getLogger("adctr.pollers")

WINDOW_SECONDS = 60
REACH_BACK_SECONDS = 150
"""How far behind the clock an event's window may end: the generator's disorder is at most 120 s."""
NO_ANSWER = "got no answer"
"""What `Poller.void` says of a store, rather than of its own trouble."""
SILENT_SECONDS = 10.0
"""A poller without an answer for longer at the end cannot tell an event that is late from one that it did not see."""
MOST_BUSY = 1 / 3
"""The share of the time that polls may take: one at many thousand cells keeps the store from its work."""
_AHEAD_SECONDS = 2


class Reader(Protocol):
    """Reads counts of windows; both `CacheReader` and `StoreReader` are one."""

    def read(self, windows: Sequence[int]) -> tuple[float, list[tuple[CellKey, int]]]:
        """When the answer was there, and at least the counts that changed since the last read."""

    def close(self) -> None:
        """Ends the connection."""


def open_windows(now: float, reach_back_seconds: float = REACH_BACK_SECONDS) -> list[int]:
    """Starts (unix seconds, in order) of the windows that events sent now may fall into."""
    first = int(now - reach_back_seconds) // WINDOW_SECONDS * WINDOW_SECONDS
    return list(range(first, int(now + _AHEAD_SECONDS) + 1, WINDOW_SECONDS))


class Poller:
    """Looks every ``period_seconds`` from `start` to `stop`, less often where a poll takes long (``MOST_BUSY``).

    Failed polls are counted and the next one comes as usual.

    An error that no service raises is a bug: it ends the poller, is logged, and voids what was seen. The first poll of
    all, in the constructor, is the baseline. It raises what the reader raises.
    """

    def __init__(self, reader: Reader, period_seconds: float) -> None:
        self.recorder = SightingRecorder(CellNumbers())
        self.failed_looks = 0
        self.cpu_seconds = 0.0
        """CPU time of the thread; known after `stop`."""
        self._failure = ""
        self._reader = reader
        self._period = period_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"poller-{type(reader).__name__}", daemon=True)
        _, counts = reader.read(open_windows(time.time()))
        self.recorder.take_baseline(counts)

    @property
    def running(self) -> bool:
        """Whether it still looks."""
        return self._thread.is_alive()

    def void(self, ended: float) -> str:
        """Why what was seen until ``ended`` (unix seconds) means nothing, or an empty string."""
        if self._failure:
            return f"{self._thread.name} failed: {self._failure}"
        looks = self.recorder.looks
        silent = ended - looks[-1] if looks else float("inf")
        if silent <= SILENT_SECONDS:
            return ""
        return f"{self._thread.name} {NO_ANSWER} in the last {silent:.0f} s" if looks else f"no poll {NO_ANSWER}"

    def settled(self) -> bool:
        """Looks once more before the start: whether nothing has changed since the last poll."""
        _, counts = self._reader.read(open_windows(time.time()))
        self.recorder.take_baseline(counts)
        return not counts

    def start(self) -> None:
        """Begins to look."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread and the reader's connection. May be called twice."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._reader.close()

    def _run(self) -> None:
        began = time.thread_time()
        due = time.monotonic()
        while not self._stop.is_set() and self._look():
            looked, now = due, time.monotonic()
            due = max(looked + self._period, now, looked + (now - looked) / MOST_BUSY)
            self._stop.wait(due - now)
        self.cpu_seconds = time.thread_time() - began

    def _look(self) -> bool:
        """False if there is no use in another look."""
        try:
            at, counts = self._reader.read(open_windows(time.time()))
            self.recorder.look(at, counts)
        except SERVICE_ERRORS:
            self.failed_looks += 1
        except Exception as error:
            self._failure = f"{type(error).__name__}: {error}"
            log.exception("%s", self._thread.name)
            return False
        return True
