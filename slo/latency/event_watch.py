"""Watches every event of a run arrive in both stores, and turns what it saw into series."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Self

import numpy as np

from loadgen.ledger import Ledger
from pipeline.settings import Settings
from slo.latency.cache_reader import CellReader
from slo.latency.expected import expected_events
from slo.latency.figures import Spread, spread
from slo.latency.matching import match
from slo.latency.poller import WINDOW_SECONDS, Poller
from slo.latency.sample import Cell, in_sample
from slo.latency.store_reader import StoreReader
from slo.recording import Series
from slo.spec.model import Indicator

REDIS_PERIOD_SECONDS = 0.05
POSTGRES_PERIOD_SECONDS = 0.25
SETTLE_PERIOD_SECONDS = 2.0
"""Longer than the slower job's early firing."""
SETTLE_TIMEOUT_SECONDS = 60.0
VISIBLE_TIMEOUT_SECONDS = 30.0
"""How long after the load an event may take to become visible before it is given up: a breach of any objective here."""

OF_OTHERS = "events that are not this run's were counted in its cells"


class NotSettled(RuntimeError):
    """Counts of earlier events are still changing, so a run cannot tell them from its own."""


class EventWatch:
    """One poller per store. Use as a context manager; they end with the block. With ``cells`` they watch those alone.

    Raises what the readers raise when Redis or PostgreSQL is not there at the start.
    """

    def __init__(self, settings: Settings, cells: Sequence[Cell] | None = None) -> None:
        self._stopped_at = 0.0
        self._cells = cells
        cache_reader = CellReader(settings, WINDOW_SECONDS, complete_only=True, cells=cells)
        self.redis = Poller(cache_reader, REDIS_PERIOD_SECONDS)
        self.postgres = Poller(StoreReader(settings, cells), POSTGRES_PERIOD_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def await_settled(self) -> None:
        """Waits until nothing changes any more but canaries. Raises NotSettled."""
        deadline = time.monotonic() + SETTLE_TIMEOUT_SECONDS
        while True:
            time.sleep(SETTLE_PERIOD_SECONDS)
            if all([self.redis.settled(), self.postgres.settled()]):
                return
            if time.monotonic() > deadline:
                raise NotSettled(
                    f"counts are still changing after {SETTLE_TIMEOUT_SECONDS:.0f} s: is another load running on this "
                    "stack? Wait until it has ended"
                )

    def start(self) -> None:
        """Begins to watch."""
        self.redis.start()
        self.postgres.start()

    def await_visible(self, ledger: Ledger) -> None:
        """Returns when both stores show what must be counted, or when there is no hope for it any more.

        A poller that is dead has seen what it will see.
        """
        events = int((ledger.acked & ledger.countable & in_sample(ledger, self._cells)).sum())
        deadline = time.monotonic() + VISIBLE_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            if all(each.recorder.counted >= events for each in (self.redis, self.postgres) if each.running):
                return
            time.sleep(0.1)

    def stop(self) -> None:
        """Ends the watch. May be called twice."""
        self._stopped_at = self._stopped_at or time.time()
        self.redis.stop()
        self.postgres.stop()

    def series(self, ledger: Ledger) -> dict[Indicator, Series]:
        """The latency of each event of the ledger that had to be counted, in both stores; NaN if it was never seen.

        Only after `stop`. Void where a poller did not look until then.
        """
        pollers = {Indicator.EVENT_TO_REDIS: self.redis, Indicator.EVENT_TO_POSTGRES: self.postgres}
        return {
            indicator: series_of(poller, ledger, self._stopped_at, self._cells) for indicator, poller in pollers.items()
        }

    @property
    def taken_back(self) -> int:
        """Events that either store showed and then took back: counted too often, and corrected later."""
        return self.redis.recorder.taken_back + self.postgres.recorder.taken_back

    @property
    def cpu_seconds(self) -> float:
        """CPU time of both pollers; known after `stop`."""
        return self.redis.cpu_seconds + self.postgres.cpu_seconds

    def look_intervals(self) -> dict[Indicator, Spread]:
        """How far apart the looks at each store were: the error of each latency is less than the one it fell into."""
        return {
            Indicator.EVENT_TO_REDIS: spread(self.redis.recorder.intervals()),
            Indicator.EVENT_TO_POSTGRES: spread(self.postgres.recorder.intervals()),
        }


def series_of(poller: Poller, ledger: Ledger, ended: float, cells: Sequence[Cell] | None = None) -> Series:
    """The latency of each event (of ``cells`` alone) that had to be counted; NaN if it was not seen until ``ended``."""
    recorder = poller.recorder
    expected = expected_events(ledger, WINDOW_SECONDS, recorder.numbers, cells)
    found = match(expected, recorder.sightings(), recorder.baseline, np.array(recorder.looks, dtype=np.float64))
    order = np.argsort(found.intended, kind="stable")
    surplus = f"{found.surplus} {OF_OTHERS}" if found.surplus else ""
    return Series(
        times=found.intended[order],
        values=found.latency[order],
        lowest=found.lowest[order],
        complete=cells is None,
        void=poller.void(ended) or surplus,
        failed_looks=poller.failed_looks,
    )
