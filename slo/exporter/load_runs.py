"""Load runs and drills as metrics, read from the files that they leave beside the stack."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from loadgen.ledger_tail import LedgerTail
from slo.annotations import read_activities

log = logging.getLogger("adctr.exporter")
QUIET_SECONDS = 10.0
"""A run whose ledger nobody has written to for so long is over, cleanly or not: a run settles every half second."""
LONGEST_DRILL_SECONDS = 1800.0
"""A drill without an end that began earlier was killed."""

RUNS_ACTIVE = "adctr_load_runs_active"
TARGET_RATE = "adctr_load_target_events_per_second"
EVENTS = "adctr_load_events_total"
DRILLS_ACTIVE = "adctr_drills_active"


class LoadRuns(Collector):
    """What generators on this machine plan and get acknowledged. Registers itself with ``registry``.

    Sums over all ledgers in ``directory`` that were written to since this object was made.
    """

    def __init__(self, registry: CollectorRegistry, directory: Path, clock: Callable[[], float] = time.time) -> None:
        self._directory = directory
        self._clock = clock
        self._since = clock()
        self._tails: dict[Path, LedgerTail] = {}
        self._lock = threading.Lock()
        registry.register(self)

    def collect(self) -> Iterator[Family]:
        """Reads on in every ledger, then tells the sums."""
        with self._lock:
            active = [tail for path, tail in self._read().items() if self._is_active(path, tail)]
            tails = list(self._tails.values())
        yield GaugeMetricFamily(RUNS_ACTIVE, "Load runs that go on.", value=len(active))
        yield GaugeMetricFamily(
            TARGET_RATE, "Events per second that the load runs aim at.", value=sum(tail.rate for tail in active)
        )
        events = CounterMetricFamily(EVENTS, "Events of load runs by outcome.", labels=["outcome"])
        for outcome in ("planned", "acknowledged", "failed"):
            events.add_metric([outcome], sum(getattr(tail, outcome) for tail in tails))
        yield events

    def _read(self) -> dict[Path, LedgerTail]:
        for path in self._directory.glob("*.ledger"):
            if path not in self._tails and path.stat().st_mtime >= self._since - QUIET_SECONDS:
                self._tails[path] = LedgerTail(path)
        for tail in self._tails.values():
            if not tail.ended:
                try:
                    tail.read_on()
                except (OSError, ValueError, KeyError) as error:
                    log.warning("%s: %s", tail.path, error)
        return self._tails

    def _is_active(self, path: Path, tail: LedgerTail) -> bool:
        try:
            return not tail.ended and path.stat().st_mtime >= self._clock() - QUIET_SECONDS
        except OSError:
            return False


class Drills(Collector):
    """Which drills go on. Registers itself with ``registry``."""

    def __init__(self, registry: CollectorRegistry, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        registry.register(self)

    def collect(self) -> Iterator[Family]:
        """1 for each drill that goes on, by the label ``drill``; 0 with an empty label if there is none."""
        oldest = self._clock() - LONGEST_DRILL_SECONDS
        active = [
            each.name
            for each in read_activities(self._path)
            if each.end_seconds is None and each.begin_seconds >= oldest
        ]
        drills = GaugeMetricFamily(DRILLS_ACTIVE, "Drills that go on.", labels=["drill"])
        for name in active or [""]:
            drills.add_metric([name], float(bool(name)))
        yield drills
